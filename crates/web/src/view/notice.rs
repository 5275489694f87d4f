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
    /// A rental was extended.
    Extended,
    /// A rental was ended.
    RentalEnded,
    /// It was set whether a rental renews itself.
    RenewalSet,
    /// A rental was named.
    Named,
    /// Somebody was invited to take a rental over.
    Invited,
    /// An invitation was taken back.
    InvitationEnded,
    /// A rental was taken over.
    Received,
    /// An invitation was declined.
    Declined,
    /// A node was registered.
    NodeAdded,
    /// A node's price, promise or name was set.
    NodeChanged,
    /// A node was put on the market.
    Published,
    /// A node was taken off the market.
    Paused,
    /// A farmer gave notice of a node.
    NodeWithdrawn,
    /// A farmer took a notice back.
    NodeKept,
    /// A rental went on with another slice.
    Moved,
    /// The farmer said that the machine of a slice is gone.
    SliceGone,
    /// The offer of a node was locked.
    Locked,
    /// It can be changed again.
    Unlocked,
    /// Maintenance was announced.
    MaintenanceAnnounced,
    /// Maintenance was cancelled.
    MaintenanceCancelled,
    /// The e-mail address was changed.
    EmailChanged,
    /// The password was changed.
    PasswordChanged,
    /// A new password was set by mail.
    PasswordSet,
    /// A session was ended.
    SessionEnded,
    /// All other sessions were ended.
    SessionsEnded,
    /// A token was revoked.
    TokenRevoked,
    /// An SSH key was registered.
    KeyAdded,
    /// An SSH key was removed.
    KeyRemoved,
    /// The account was deleted.
    AccountDeleted,
    /// A farmer said where to be paid.
    PayoutSet,
    /// A farm was proven.
    FarmProven,
    /// A node was taken over.
    NodeTakenOver,
    /// Several nodes were registered.
    NodesAdded,
    /// An operator approved whose a farm is.
    FarmApproved,
    /// An operator took that back.
    FarmRevoked,
    /// A farmer asked for a payout.
    PayoutAsked,
    /// A farmer took the request for a payout back.
    PayoutTakenBack,
    /// An operator acted on a payout.
    PayoutChanged,
    /// Somebody disputed how a promise was judged.
    Disputed,
    /// An operator decided a dispute.
    DisputeDecided,
    /// It was set how farmers see somebody.
    NameSet,
    /// An operator shut an account out.
    AccountDisabled,
    /// An operator let an account in again.
    AccountEnabled,
    /// An operator ended the sessions of an account.
    AccountSessionsEnded,
    /// An account became an operator's.
    OperatorGranted,
    /// An account is no operator's any more.
    OperatorRevoked,
    /// An operator had a mail sent again.
    MailRetried,
    /// Somebody comes back from the page where a top-up is paid.
    ToppedUp,
    /// Somebody comes back from there and has not paid.
    TopUpCancelled,
    /// Notifications were marked as read.
    NoticesRead,
    /// It was chosen what somebody is told in which way.
    ChoicesSaved,
    /// A webhook was removed.
    WebhookRemoved,
    /// A test is sent to a webhook.
    WebhookTested,
    /// A message is sent to a webhook once more.
    Replayed,
}

impl Done {
    /// Everything that a form can have done.
    const ALL: [Done; 61] = [
        Done::SignedUp,
        Done::SignedOut,
        Done::PasskeyAdded,
        Done::PasskeyRemoved,
        Done::TotpRemoved,
        Done::FactorNeeded,
        Done::Rented,
        Done::Extended,
        Done::RentalEnded,
        Done::RenewalSet,
        Done::Named,
        Done::Invited,
        Done::InvitationEnded,
        Done::Received,
        Done::Declined,
        Done::NodeAdded,
        Done::NodeChanged,
        Done::Published,
        Done::Paused,
        Done::Locked,
        Done::MaintenanceAnnounced,
        Done::MaintenanceCancelled,
        Done::Moved,
        Done::SliceGone,
        Done::NodeKept,
        Done::NodeWithdrawn,
        Done::Unlocked,
        Done::EmailChanged,
        Done::PasswordChanged,
        Done::PasswordSet,
        Done::SessionEnded,
        Done::SessionsEnded,
        Done::TokenRevoked,
        Done::KeyAdded,
        Done::KeyRemoved,
        Done::AccountDeleted,
        Done::PayoutSet,
        Done::FarmApproved,
        Done::FarmProven,
        Done::FarmRevoked,
        Done::NameSet,
        Done::NodeTakenOver,
        Done::NodesAdded,
        Done::PayoutAsked,
        Done::PayoutChanged,
        Done::PayoutTakenBack,
        Done::Disputed,
        Done::DisputeDecided,
        Done::AccountDisabled,
        Done::AccountEnabled,
        Done::AccountSessionsEnded,
        Done::OperatorGranted,
        Done::OperatorRevoked,
        Done::MailRetried,
        Done::ToppedUp,
        Done::TopUpCancelled,
        Done::NoticesRead,
        Done::ChoicesSaved,
        Done::WebhookRemoved,
        Done::WebhookTested,
        Done::Replayed,
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
            Done::Extended => "extended",
            Done::RentalEnded => "ended",
            Done::RenewalSet => "renewal-set",
            Done::Named => "named",
            Done::Invited => "invited",
            Done::InvitationEnded => "invitation-ended",
            Done::Received => "received",
            Done::Declined => "declined",
            Done::NodeAdded => "added",
            Done::NodeChanged => "changed",
            Done::Published => "published",
            Done::Paused => "paused",
            Done::NodeWithdrawn => "withdrawn",
            Done::NodeKept => "kept",
            Done::Moved => "moved",
            Done::SliceGone => "slice-gone",
            Done::Locked => "locked",
            Done::Unlocked => "unlocked",
            Done::MaintenanceAnnounced => "announced",
            Done::MaintenanceCancelled => "maintenance-cancelled",
            Done::EmailChanged => "email-changed",
            Done::PasswordChanged => "password-changed",
            Done::PasswordSet => "password-set",
            Done::SessionEnded => "session-ended",
            Done::SessionsEnded => "sessions-ended",
            Done::TokenRevoked => "token-revoked",
            Done::KeyAdded => "key-added",
            Done::KeyRemoved => "key-removed",
            Done::AccountDeleted => "account-deleted",
            Done::PayoutSet => "payout-set",
            Done::FarmProven => "farm-proven",
            Done::NodeTakenOver => "taken-over",
            Done::NodesAdded => "nodes-added",
            Done::FarmApproved => "farm-approved",
            Done::FarmRevoked => "farm-revoked",
            Done::PayoutAsked => "payout-asked",
            Done::PayoutTakenBack => "payout-taken-back",
            Done::PayoutChanged => "payout-changed",
            Done::Disputed => "disputed",
            Done::DisputeDecided => "dispute-decided",
            Done::NameSet => "name-set",
            Done::AccountDisabled => "account-disabled",
            Done::AccountEnabled => "account-enabled",
            Done::AccountSessionsEnded => "account-sessions-ended",
            Done::OperatorGranted => "operator-granted",
            Done::OperatorRevoked => "operator-revoked",
            Done::MailRetried => "mail-retried",
            Done::ToppedUp => "topped-up",
            Done::TopUpCancelled => "top-up-cancelled",
            Done::NoticesRead => "notices-read",
            Done::ChoicesSaved => "choices-saved",
            Done::WebhookRemoved => "webhook-removed",
            Done::WebhookTested => "webhook-tested",
            Done::Replayed => "replayed",
        }
    }

    #[expect(clippy::too_many_lines, reason = "a list with a line for each")]
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
            Done::Extended => "Extended, and paid.",
            Done::RentalEnded => "Ended. What was not used is back in your wallet.",
            Done::RenewalSet => "Saved. The rental does that at its end.",
            Done::Named => "Saved.",
            Done::Invited => {
                "Invited. Whoever has that address finds the rental under My slices, for a week."
            }
            Done::InvitationEnded => "The invitation is taken back.",
            Done::Received => "The rental is yours now.",
            Done::Declined => "Declined. Nothing has changed.",
            Done::NodeAdded => {
                "The node is registered. Nothing is offered before you set a price and publish."
            }
            Done::NodeChanged => "Saved. Running rentals keep what was sold.",
            Done::Published => "The node is on the market.",
            Done::Paused => "The node is off the market. Running rentals go on.",
            Done::NodeWithdrawn => {
                "The node is off the market, and its renters are told when it leaves."
            }
            Done::NodeKept => "The node stays. It is on the market again once you publish it.",
            Done::Moved => {
                "Moved. What you paid goes with it; the new machine has to be set up anew."
            }
            Done::SliceGone => "The slice is free of what was on it, and is offered again.",
            Done::Locked => "The offer is locked.",
            Done::Unlocked => "The offer can be changed again.",
            Done::MaintenanceAnnounced => "Announced. Who rents there is told.",
            Done::MaintenanceCancelled => "Cancelled. Who rents there is told.",
            Done::EmailChanged => "The e-mail address is changed.",
            Done::PasswordChanged => "The password is changed. Every other browser is signed out.",
            Done::PasswordSet => "The password is set. Sign in with it.",
            Done::SessionEnded => "That browser is signed out.",
            Done::SessionsEnded => "Every other browser is signed out.",
            Done::TokenRevoked => "The token is revoked: it is worth nothing from now on.",
            Done::Disputed => "The operator reads it and decides. You are told.",
            Done::DisputeDecided => "Decided. Both sides are told.",
            Done::KeyAdded => "The key is added. Machines that waited for one get it.",
            Done::KeyRemoved => "The key is removed. Machines that have it keep it.",
            Done::AccountDeleted => "Your account is deleted.",
            Done::PayoutAsked => "Asked for. The amount is held until it is paid.",
            Done::PayoutTakenBack => "Taken back. The amount is in your earnings again.",
            Done::PayoutChanged => "Done. The farmer sees it.",
            Done::NameSet => "Saved. Farmers see you so.",
            Done::PayoutSet => "Saved. Your earnings are paid there from now on.",
            Done::FarmProven => "The farm is yours here, too. Nobody else can offer its nodes.",
            Done::NodeTakenOver => {
                "The node is yours, off the market until you publish it. Running rentals go on."
            }
            Done::NodesAdded => {
                "The nodes are registered. Nothing is offered before you set prices and publish."
            }
            Done::FarmApproved => "The farm is that account's.",
            Done::FarmRevoked => "Nobody has proven to own that farm any more.",
            Done::AccountDisabled => "The account is shut out, and its sessions have ended.",
            Done::AccountEnabled => "The account is let in again.",
            Done::AccountSessionsEnded => "Every session of the account has ended.",
            Done::OperatorGranted => {
                "The account is an operator's now, in sessions with a second factor."
            }
            Done::OperatorRevoked => "The account is no operator's any more.",
            Done::MailRetried => "The mail waits to be sent again.",
            Done::ToppedUp => "The credit appears here as soon as the payment is confirmed.",
            Done::TopUpCancelled => "Nothing was paid.",
            Done::NoticesRead => "Everything is read.",
            Done::ChoicesSaved => "Saved. It holds for what happens from now on.",
            Done::WebhookRemoved => "The webhook is removed, and the log of its messages.",
            Done::WebhookTested => {
                "The test is sent within ten seconds. Load this page again to see what came of it."
            }
            Done::Replayed => {
                "The message is sent again within ten seconds. Load this page again to see."
            }
        }
    }
}

/// The notice that an address asks for, if it names something that was done.
pub(super) fn of_query(name: &str) -> Option<Notice> {
    let done = Done::ALL.into_iter().find(|done| done.as_str() == name)?;
    let tone = if done == Done::FactorNeeded {
        Tone::Warn
    } else if matches!(done, Done::ToppedUp | Done::TopUpCancelled) {
        // Anybody can open the address: whether it was paid is for the entries to say.
        Tone::Plain
    } else {
        Tone::Good
    };
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
