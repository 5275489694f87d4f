//! What a page says about the action that led to it.
//!
//! A cookie names the action, and the words are fixed: a link can neither bring its own nor have
//! one of these shown.

use strum::{EnumString, IntoStaticStr, VariantArray};
use web::confirmation::Confirmed;
use web::page::{Notice, Tone};

/// What a form has just done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
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
    #[strum(serialize = "app-removed")]
    TotpRemoved,
    /// Nothing: what was asked for needs a second factor.
    FactorNeeded,
    /// A slice was rented.
    Rented,
    /// A rental was extended.
    Extended,
    /// A rental was ended.
    #[strum(serialize = "ended")]
    RentalEnded,
    /// It was set whether a rental renews itself.
    RenewalSet,
    /// A rental was named.
    Named,
    /// Something is to be done with a machine.
    MachineActionRequested,
    /// Ports of a machine are to be opened or closed.
    PortsSet,
    /// It was set whether machines are started again.
    AutoStartSet,
    /// Somebody was invited to take a rental over.
    Invited,
    /// An invitation was taken back.
    InvitationEnded,
    /// A rental was taken over.
    Received,
    /// An invitation was declined.
    Declined,
    /// A node was registered.
    #[strum(serialize = "added")]
    NodeAdded,
    /// A node's price, SLA or name was set.
    #[strum(serialize = "changed")]
    NodeChanged,
    /// A node was put on the market.
    Published,
    /// A node was taken off the market.
    Paused,
    /// A farmer gave notice of a node.
    #[strum(serialize = "leaving")]
    LeaveAnnounced,
    /// A farmer took a notice back.
    LeaveCanceled,
    /// A rental went on with another slice.
    Moved,
    /// The farmer said that they have set a machine up.
    SetupConfirmed,
    /// The farmer said that the machine of a slice is gone.
    #[strum(serialize = "removal-confirmed")]
    SliceGone,
    /// The offer of a node was locked.
    Locked,
    /// It can be changed again.
    Unlocked,
    /// Maintenance was announced.
    #[strum(serialize = "announced")]
    MaintenanceAnnounced,
    /// Maintenance was canceled.
    MaintenanceCanceled,
    /// The email address was changed.
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
    /// An SSH key was removed from the account and from its machines.
    KeyRemovedFromMachines,
    /// The account was deleted.
    AccountDeleted,
    /// A farmer said where to be paid.
    PayoutSet,
    /// A farm was verified.
    FarmVerified,
    /// A node was taken over.
    #[strum(serialize = "taken-over")]
    NodeTakenOver,
    /// Several nodes were registered.
    NodesAdded,
    /// An operator approved whose a farm is.
    FarmApproved,
    /// An operator took that back.
    FarmRevoked,
    /// A farmer asked for a payout.
    PayoutRequested,
    /// A farmer took the request for a payout back.
    PayoutCanceled,
    /// An operator acted on a payout.
    PayoutChanged,
    /// Somebody disputed an SLA result.
    Disputed,
    /// An operator decided a dispute.
    DisputeDecided,
    /// An operator published an incident, or rewrote it.
    IncidentPublished,
    /// An operator removed an incident.
    IncidentRemoved,
    /// It was set how farmers see somebody.
    NameSet,
    /// An operator shut an account out.
    AccountSuspended,
    /// An operator let an account in again.
    AccountReactivated,
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
    TopUpCanceled,
    /// A search was saved.
    SearchSaved,
    /// A saved search was renamed, or its notifications were turned on or off.
    SearchChanged,
    /// A saved search was deleted.
    SearchRemoved,
    /// Somebody joined the waitlist of a node.
    WaitlistJoined,
    /// Somebody left it.
    WaitlistLeft,
    /// Notifications were marked as read.
    NotificationsRead,
    /// Somebody chose which notifications somebody gets through which channel.
    NotificationSettingsSaved,
    /// A webhook was removed.
    WebhookRemoved,
    /// A test is sent to a webhook.
    WebhookTested,
    /// A message is sent to a webhook once more.
    Replayed,
}

impl Done {
    /// The page at `path`, which is to say once that this was done.
    pub fn at(self, path: &str) -> Confirmed {
        Confirmed { path: path.to_owned(), name: self.into_str() }
    }

    #[expect(clippy::too_many_lines, reason = "a list with a line for each")]
    fn words(self) -> &'static str {
        match self {
            Done::SignedUp => "Your account is ready.",
            Done::SignedOut => "You are signed out.",
            Done::PasskeyAdded => "Passkey added. You can now sign in without a password.",
            Done::PasskeyRemoved => "Passkey removed. It can no longer be used to sign in.",
            Done::TotpRemoved => "Authenticator app removed. Its codes no longer work.",
            Done::FactorNeeded => {
                "That page requires a second factor. Add a passkey or an authenticator app first."
            }
            Done::Rented => "Rented and paid for the full term.",
            Done::Extended => "Extended and paid.",
            Done::RentalEnded => "Rental ended. The refund is in your wallet.",
            Done::RenewalSet => "Auto-renew settings saved.",
            Done::Named => "Saved.",
            Done::MachineActionRequested => {
                "Requested. The farm's agent carries it out within seconds."
            }
            Done::PortsSet => "Ports saved. The farm opens them in a moment.",
            Done::AutoStartSet => "Auto-start saved.",
            Done::Invited => {
                "Invitation sent. The recipient has one week to accept it under My slices."
            }
            Done::InvitationEnded => "Invitation canceled.",
            Done::Received => "Transfer accepted. The rental is now yours.",
            Done::Declined => "Invitation declined.",
            Done::NodeAdded => "Node registered. Set a price and publish it to offer its slices.",
            Done::NodeChanged => "Offer saved. Existing rentals keep their terms.",
            Done::Published => "Node published.",
            Done::Paused => "Node paused. Existing rentals continue.",
            Done::LeaveAnnounced => {
                "Leave scheduled. The node is off the market, and its renters have been notified."
            }
            Done::LeaveCanceled => "The node stays. Publish it to put it back on the market.",
            Done::Moved => {
                "Rental moved at no charge. The new machine is being set up from scratch."
            }
            Done::SetupConfirmed => "Setup confirmed. The renter has been notified.",
            Done::SliceGone => "Removal confirmed. The slice is available again.",
            Done::Locked => "Offer locked.",
            Done::Unlocked => "Offer unlocked.",
            Done::MaintenanceAnnounced => "Maintenance scheduled. Renters have been notified.",
            Done::MaintenanceCanceled => "Maintenance canceled. Renters have been notified.",
            Done::EmailChanged => "Email address changed.",
            Done::PasswordChanged => "Password changed. All other browsers have been signed out.",
            Done::PasswordSet => "Password set. Sign in with your new password.",
            Done::SessionEnded => "Browser signed out.",
            Done::SessionsEnded => "All other browsers have been signed out.",
            Done::TokenRevoked => "Token revoked. It no longer works.",
            Done::Disputed => {
                "Dispute submitted. The operator will review it, and you'll be notified of the \
                 decision."
            }
            Done::DisputeDecided => "Dispute decided. Both parties have been notified.",
            Done::IncidentPublished => "Incident published on the status page.",
            Done::IncidentRemoved => "Incident removed from the status page.",
            Done::KeyAdded => {
                "SSH key added. A machine that was waiting for a key is now being set up."
            }
            Done::KeyRemoved => "SSH key removed. Machines that already have it keep it.",
            Done::KeyRemovedFromMachines => {
                "SSH key removed here and from its machines. SSH sessions that are open go on \
                 until they are closed or the machine restarts. A machine that still has the key \
                 is listed below."
            }
            Done::AccountDeleted => "Your account has been deleted.",
            Done::PayoutRequested => "Payout requested. The amount is reserved until it is paid.",
            Done::PayoutCanceled => "Payout request canceled. The amount is back in your earnings.",
            Done::PayoutChanged => "Done. The farmer can see the change.",
            Done::NameSet => "Display name saved.",
            Done::PayoutSet => "Payout address saved. You can request payouts to it in 72 hours.",
            Done::FarmVerified => "Farm verified. Only you can offer its nodes.",
            Done::NodeTakenOver => {
                "Node taken over. Publish it to put it on the market; existing rentals continue."
            }
            Done::NodesAdded => {
                "Nodes registered. Set prices and publish them to offer their slices."
            }
            Done::FarmApproved => "Farm ownership approved.",
            Done::FarmRevoked => "Farm ownership revoked.",
            Done::AccountSuspended => "Account suspended. All its sessions have ended.",
            Done::AccountReactivated => "Account reactivated.",
            Done::AccountSessionsEnded => "All sessions of the account have ended.",
            Done::OperatorGranted => {
                "Operator access granted. It applies to sessions with a second factor."
            }
            Done::OperatorRevoked => "Operator access revoked.",
            Done::MailRetried => "Email queued for resending.",
            Done::ToppedUp => "Thank you. The credit appears here once the payment is confirmed.",
            Done::TopUpCanceled => "Payment canceled. You were not charged.",
            Done::SearchSaved => "Search saved. You'll be notified of nodes that fit.",
            Done::SearchChanged => "Saved search changed.",
            Done::SearchRemoved => "Saved search deleted.",
            Done::WaitlistJoined => {
                "You're on the waitlist. You'll be notified when it's your turn."
            }
            Done::WaitlistLeft => "You left the waitlist.",
            Done::NotificationsRead => "All notifications marked as read.",
            Done::NotificationSettingsSaved => "Notification settings saved.",
            Done::WebhookRemoved => "Webhook and its delivery log removed.",
            Done::WebhookTested => {
                "Test queued. It is sent within ten seconds; reload this page to see the result."
            }
            Done::Replayed => {
                "Delivery queued. It is sent within ten seconds; reload this page to see the \
                 result."
            }
        }
    }
}

/// The notice of what was done; `None` for a name that nothing has.
pub(crate) fn notice(name: &str) -> Option<Notice> {
    let done = name.parse().ok()?;
    let tone = if done == Done::FactorNeeded {
        Tone::Warn
    } else if matches!(done, Done::ToppedUp | Done::TopUpCanceled) {
        // Whether it was paid is for the entries to say.
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
    fn a_name_stands_for_a_sentence_and_brings_none() {
        for &done in Done::VARIANTS {
            let confirmed = done.at("/dashboard/farm");
            assert_eq!(confirmed.path, "/dashboard/farm");
            assert_eq!(notice(confirmed.name).unwrap().text, done.words());
        }
        for name in ["", "Rented", "<b>", "Send your password to x@example.org"] {
            assert_eq!(notice(name), None, "{name}");
        }
    }
}
