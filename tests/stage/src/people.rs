//! Who is in a market.

use domain::account::Email;
use domain::id::{AccountId, RANDOM_ID_BYTES};

use crate::morning;

/// The operator's token.
pub const OPERATOR_TOKEN: &str = "the-operator-of-the-tests-0001";

/// Somebody with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Tells accounts apart.
    pub(crate) number: u8,
    /// Their address.
    pub email: &'static str,
}

/// Owns node 32.
pub const FARMER: User = User { number: 1, email: "farmer@example.org" };
/// Has $100, and an address that a page must escape.
pub const ADA: User = User { number: 2, email: "o'ada&co@example.org" };
/// Has $100, too.
pub const BEN: User = User { number: 3, email: "ben@example.org" };

impl User {
    /// Their account.
    pub fn account(self) -> AccountId {
        AccountId::from_random(morning(), [self.number; RANDOM_ID_BYTES])
    }

    pub(crate) fn address(self) -> Email {
        Email::parse(self.email).unwrap()
    }
}
