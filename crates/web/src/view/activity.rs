//! The audit log in plain words.

use store::audit::{Actor, Entry};

use crate::api::PageOf;
use crate::audit::Action;
use crate::page::{Activity, ActivityRow, Section};
use crate::view::event::audit_words;
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::sentence;

/// How many entries one page shows.
pub const ACTIVITY_PER_PAGE: u32 = 50;

impl Activity {
    /// A page of what concerns the account that looks: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Entry>) -> Activity {
        let own = visit.viewer.map(|viewer| viewer.identity.account.to_string());
        let own = own.unwrap_or_default();
        let place = |entry: &Entry| entry.id.to_string();
        let show = |entry: &Entry| ActivityRow::new(entry, &own);
        let page = PageOf::new(found, ACTIVITY_PER_PAGE, place, show);
        Activity {
            frame: visit.frame("Activity", Section::Settings),
            entries: page.items,
            next_page: visit.next_page("/dashboard/settings/activity", page.next_cursor),
        }
    }
}

impl ActivityRow {
    fn new(entry: &Entry, own: &str) -> ActivityRow {
        let who = match entry.actor {
            Actor::Visitor => "Somebody who was not signed in",
            Actor::Account if entry.actor_id == own => "You",
            Actor::Account | Actor::Operator => "An operator",
            Actor::Token => "A token of yours",
            Actor::Market => "The market",
        };
        ActivityRow {
            at: moment::to_the_minute(entry.created_at),
            what: what(&entry.action),
            subject: entry.subject.clone(),
            who: who.to_owned(),
            address: entry.address.clone(),
        }
    }
}

/// What an action or an event is called.
pub(super) fn what(name: &str) -> String {
    let event = name.parse().ok().map(audit_words);
    match event.or_else(|| name.parse().ok().map(action_words)) {
        Some(words) => words.to_owned(),
        // An action of a newer version, which this one has no words for.
        None => sentence(name.replace('-', " ")).trim_end_matches('.').to_owned(),
    }
}

fn action_words(action: Action) -> &'static str {
    match action {
        Action::SignUp => "The account was made",
        Action::SignIn => "Signed in",
        Action::SignInFailed => "A sign-in failed",
        Action::SignOut => "Signed out",
        Action::SessionEnded => "A session was ended",
        Action::Proof => "Confirmed who it is",
        Action::ResetAsked => "A new password was asked for by mail",
        Action::PasswordChanged => "The password was changed",
        Action::EmailChanged => "The e-mail address was changed",
        Action::PasskeyAdded => "A passkey was added",
        Action::PasskeyRemoved => "A passkey was removed",
        Action::TotpAdded => "An authenticator app was set up",
        Action::TotpRemoved => "An authenticator app was removed",
        Action::RecoveryCodesMade => "Recovery codes were made",
        Action::RecoveryCodeUsed => "A recovery code was used",
        Action::TokenMade => "A token was made",
        Action::TokenRevoked => "A token was revoked",
        Action::SshKeyAdded => "An SSH key was registered",
        Action::SshKeyRemoved => "An SSH key was removed",
        Action::AccessShown => "You looked at how to get into a machine",
        Action::ConsoleOpened => "You opened a machine's console",
        Action::RemovalConfirmed => "You confirmed that a machine is gone",
        Action::PayoutSet => "Where to be paid was set",
        Action::FarmClaimed => "A farm was claimed with a signature",
        Action::FarmClaimFailed => "A claim to a farm failed",
        Action::NodeTakeOver => "A node was taken over",
        Action::FarmApproved => "An operator confirmed whose a farm is",
        Action::FarmApprovalRevoked => "An operator took back whose a farm is",
        Action::DisplayNameSet => "How farmers see the account was set",
        Action::PayoutChanged => "An operator acted on a payout",
        Action::LockSet => "The offer of a node was locked",
        Action::LockLifted => "The lock of a node was lifted",
        Action::WebhookAdded => "A webhook was added",
        Action::WebhookRemoved => "A webhook was removed",
        Action::WebhookSecretMade => "A webhook got a new secret",
        Action::AccountDeleted => "The account was deleted",
        Action::CreditGranted => "Credit came into the wallet",
        Action::PaymentRefused => "A payment came that was not the one that was meant",
        Action::SlaCreditGranted => "A renter was credited for a broken promise",
        Action::DisputeDecided => "An operator decided a dispute about a promise",
        Action::AccountDisabled => "The account was shut out",
        Action::AccountEnabled => "The account was let in again",
        Action::SessionsEnded => "Sessions were ended",
        Action::OperatorGranted => "The account became an operator's",
        Action::OperatorRevoked => "The account is no operator's any more",
        Action::MailRetried => "A mail was sent again",
    }
}

#[cfg(test)]
mod tests {
    use domain::event::EventKind;
    use strum::VariantArray;

    use super::*;

    #[test]
    fn an_unknown_action_is_named_all_the_same() {
        assert_eq!(what("slice-set-up"), "Slice set up");
        assert_eq!(what("sign-in"), "Signed in");
        assert_eq!(what("slice-rented"), "A slice was rented");
    }

    #[test]
    fn no_action_has_the_name_of_an_event() {
        for action in Action::VARIANTS {
            assert!(action.into_str().parse::<EventKind>().is_err(), "{action:?}");
        }
    }
}
