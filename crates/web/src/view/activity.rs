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
            Actor::Visitor => "Not signed in",
            Actor::Account if entry.actor_id == own => "You",
            Actor::Account | Actor::Operator => "Operator",
            Actor::Token => "Your API token",
            Actor::Market => "System",
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
        Action::SignUp => "Account created",
        Action::SignIn => "Signed in",
        Action::SignInFailed => "Failed sign-in",
        Action::SignOut => "Signed out",
        Action::SessionEnded => "Session ended",
        Action::Proof => "Identity verified",
        Action::ResetAsked => "Password reset requested",
        Action::PasswordChanged => "Password changed",
        Action::EmailChanged => "Email address changed",
        Action::PasskeyAdded => "Passkey added",
        Action::PasskeyRemoved => "Passkey removed",
        Action::TotpAdded => "Authenticator app set up",
        Action::TotpRemoved => "Authenticator app removed",
        Action::RecoveryCodesMade => "Recovery codes generated",
        Action::RecoveryCodeUsed => "Recovery code used",
        Action::TokenMade => "API token created",
        Action::TokenRevoked => "API token revoked",
        Action::SshKeyAdded => "SSH key added",
        Action::SshKeyRemoved => "SSH key removed",
        Action::AccessShown => "Machine access details viewed",
        Action::ConsoleOpened => "Machine console opened",
        Action::RemovalConfirmed => "Machine removal confirmed",
        Action::PayoutSet => "Payout address set",
        Action::FarmClaimed => "Farm claimed by signature",
        Action::FarmClaimFailed => "Farm claim failed",
        Action::NodeTakeOver => "Node taken over",
        Action::FarmApproved => "Farm ownership approved by an operator",
        Action::FarmApprovalRevoked => "Farm ownership revoked by an operator",
        Action::DisplayNameSet => "Display name set",
        Action::PayoutChanged => "Payout handled by an operator",
        Action::LockSet => "Node offer locked",
        Action::LockLifted => "Node offer unlocked",
        Action::WebhookAdded => "Webhook added",
        Action::WebhookRemoved => "Webhook removed",
        Action::WebhookSecretMade => "Webhook secret rotated",
        Action::AccountDeleted => "Account deleted",
        Action::CreditGranted => "Wallet credited",
        Action::PaymentRefused => "Unexpected payment received",
        Action::SlaCreditGranted => "SLA credit paid to a renter",
        Action::DisputeDecided => "SLA dispute decided by an operator",
        Action::AccountDisabled => "Account suspended",
        Action::AccountEnabled => "Account reactivated",
        Action::SessionsEnded => "Sessions ended",
        Action::OperatorGranted => "Operator access granted",
        Action::OperatorRevoked => "Operator access revoked",
        Action::MailRetried => "Email resent",
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
        assert_eq!(what("slice-rented"), "Slice rented");
    }

    #[test]
    fn no_action_has_the_name_of_an_event() {
        for action in Action::VARIANTS {
            assert!(action.into_str().parse::<EventKind>().is_err(), "{action:?}");
        }
    }
}
