//! Payments by card: what Stripe is asked, and how to read what it says.
//!
//! Functions of bytes: no socket, no clock, no database. Nothing else changes when Stripe's API
//! does. Written from its public documentation: Checkout Sessions, Webhooks (signatures), Events.

mod checkout;
mod config;
mod event;
mod signature;

pub use checkout::{Checkout, ProviderError, Session};
pub use config::{Post, StripeConfig};
pub use event::{Event, UnreadableEvent};
pub use signature::{SignatureError, TOLERANCE_SECONDS, verify};
