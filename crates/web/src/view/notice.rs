//! What a page says about the action that led to it.
//!
//! The address names the action, and the words are fixed: no text of an address is ever shown.

use crate::page::{Notice, Tone};

/// The field of the query that names what was done.
pub(super) const FIELD: &str = "done";

/// What a form has just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// An account was made.
    SignedUp,
    /// The session has ended.
    SignedOut,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// An authenticator app was removed.
    TotpRemoved,
    /// Nothing: what was asked for needs a second factor.
    FactorNeeded,
    /// A slice was rented.
    Rented,
    /// A node was registered.
    NodeAdded,
    /// A node's price, promise or name was set.
    NodeChanged,
    /// A node was put on the market.
    Published,
    /// A node was taken off the market.
    Paused,
}

impl Done {
    /// Everything that a form can have done.
    const ALL: [Done; 11] = [
        Done::SignedUp,
        Done::SignedOut,
        Done::PasskeyAdded,
        Done::PasskeyRemoved,
        Done::TotpRemoved,
        Done::FactorNeeded,
        Done::Rented,
        Done::NodeAdded,
        Done::NodeChanged,
        Done::Published,
        Done::Paused,
    ];

    /// The address `path`, which has no query, with a note that this was done.
    pub fn at(self, path: &str) -> String {
        format!("{path}?{FIELD}={}", self.as_str())
    }

    fn as_str(self) -> &'static str {
        match self {
            Done::SignedUp => "signed-up",
            Done::SignedOut => "signed-out",
            Done::PasskeyAdded => "passkey-added",
            Done::PasskeyRemoved => "passkey-removed",
            Done::TotpRemoved => "app-removed",
            Done::FactorNeeded => "factor-needed",
            Done::Rented => "rented",
            Done::NodeAdded => "added",
            Done::NodeChanged => "changed",
            Done::Published => "published",
            Done::Paused => "paused",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Done::SignedUp => "Your account is ready.",
            Done::SignedOut => "You are signed out.",
            Done::PasskeyAdded => "The passkey is added. It signs you in without a password.",
            Done::PasskeyRemoved => "The passkey is removed. It signs nobody in any more.",
            Done::TotpRemoved => "The app is removed. Its codes count no more.",
            Done::FactorNeeded => {
                "That page needs a second factor. Add a passkey or an authenticator app here first."
            }
            Done::Rented => "Rented, and paid for the whole term.",
            Done::NodeAdded => {
                "The node is registered. Nothing is offered before you set a price and publish."
            }
            Done::NodeChanged => "Saved. Running rentals keep what was sold.",
            Done::Published => "The node is on the market.",
            Done::Paused => "The node is off the market. Running rentals go on.",
        }
    }
}

/// The notice that an address asks for, if it names something that was done.
pub(super) fn of_query(name: &str) -> Option<Notice> {
    let done = Done::ALL.into_iter().find(|done| done.as_str() == name)?;
    let tone = if done == Done::FactorNeeded { Tone::Warn } else { Tone::Good };
    Some(Notice { text: done.words().to_owned(), tone })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_sentence_and_brings_none() {
        for done in Done::ALL {
            let address = done.at("/dashboard/farm");
            let name = address.strip_prefix("/dashboard/farm?done=").unwrap();
            assert_eq!(of_query(name).unwrap().text, done.words());
        }
        for name in ["", "Rented", "<b>", "Send your password to x@example.org"] {
            assert_eq!(of_query(name), None, "{name}");
        }
    }
}
