//! The real components in the real host, on recorded documents of the grid, for tests over HTTP.
//!
//! Start reading at [`Market::start`]. Whatever a [`Client`] is answered has already been held
//! against the API document that the app serves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answer;
mod authenticator;
mod client;
mod contract;
mod html;
mod market;
mod outbox;
mod postmark;
mod schema;

pub use answer::Answer;
pub use authenticator::{Authenticator, Passkey, app_code};
pub use client::{Call, Client};
pub use html::Page;
pub use market::{MORNING, Market, OPERATOR_TOKEN, PASSWORD};
pub use postmark::{Behavior, Postmark};
