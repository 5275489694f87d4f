//! Who owns a farm of the grid: the addresses of accounts on its chain, the text that a claim is
//! made with, and signatures over it, as functions of bytes.
//!
//! A farm belongs to a twin, and a twin to an account of the grid's chain (a Substrate chain).
//! Whoever signs our text with that account's key owns the farm. Nothing here knows who asks, what
//! time it is, or where anything is kept.

mod address;
mod claim;
mod signature;
#[cfg(feature = "sign")]
pub mod signer;

pub use address::{ADDRESS_CHARS_MAX, Address, AddressError};
pub use claim::Claim;
pub use signature::{
    SIGNATURE_CHARS_MAX, Scheme, Signature, SignatureError, SignedForm, signed_by,
};
