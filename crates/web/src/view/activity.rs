//! The audit log in plain words.

use store::audit::{Actor, Entry};

use crate::api::PageOf;
use crate::page::{Activity, ActivityRow, Section};
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

/// What each action and event is called.
const WORDS: &[(&str, &str)] = &[
    ("sign-up", "Account created"),
    ("sign-in", "Signed in"),
    ("sign-in-failed", "Failed sign-in"),
    ("sign-out", "Signed out"),
    ("session-ended", "Session ended"),
    ("sessions-ended", "Sessions ended"),
    ("proof", "Identity verified"),
    ("reset-asked", "Password reset requested"),
    ("password-changed", "Password changed"),
    ("email-changed", "E-mail address changed"),
    ("passkey-added", "Passkey added"),
    ("passkey-removed", "Passkey removed"),
    ("totp-added", "Authenticator app set up"),
    ("totp-removed", "Authenticator app removed"),
    ("recovery-codes-made", "Recovery codes generated"),
    ("recovery-code-used", "Recovery code used"),
    ("token-made", "API token created"),
    ("token-revoked", "API token revoked"),
    ("payout-set", "Payout address set"),
    ("farm-claimed", "Farm claimed by signature"),
    ("farm-claim-failed", "Farm claim failed"),
    ("farm-approved", "Farm ownership approved by an operator"),
    ("farm-approval-revoked", "Farm ownership revoked by an operator"),
    ("farm-revoked", "Farm ownership revoked by an operator"),
    ("farm-proven", "Farm ownership verified"),
    ("farm-lost", "Another account verified ownership of your farm"),
    ("farm-moved", "Farm changed owners on the grid"),
    ("node-claimed", "Another account verified ownership of your node's farm"),
    ("node-moved", "Node moved to another farm on the grid"),
    ("node-take-over", "Node taken over"),
    ("node-taken-over", "Node taken over"),
    ("node-lost", "Node taken over by the farm's owner"),
    ("farmer-changed", "Rental moved to a new farmer"),
    ("display-name-set", "Display name set"),
    ("payout-changed", "Payout handled by an operator"),
    ("payout-requested", "Payout requested"),
    ("payout-approved", "Payout approved"),
    ("payout-sent", "Payout sent"),
    ("payout-done", "Payout completed"),
    ("payout-failed", "Payout failed; amount returned to earnings"),
    ("payout-withdrawn", "Payout request cancelled"),
    ("lock-set", "Node offer locked"),
    ("lock-lifted", "Node offer unlocked"),
    ("node-locked", "Node offer locked"),
    ("node-unlocked", "Node offer unlocked"),
    ("maintenance-announced", "Node maintenance scheduled"),
    ("maintenance-cancelled", "Node maintenance cancelled"),
    ("maintenance-due", "Node maintenance starts within a day"),
    ("webhook-added", "Webhook added"),
    ("webhook-removed", "Webhook removed"),
    ("webhook-secret-made", "Webhook secret rotated"),
    ("webhook-disabled", "Webhook disabled"),
    ("node-down", "Node went down"),
    ("node-back", "Node came back up"),
    ("node-oversold", "Node is oversold"),
    ("node-fits", "Node is no longer oversold"),
    ("promise-at-risk", "SLA at risk"),
    ("promise-broken", "SLA missed"),
    ("sla-credited", "SLA missed; renter credited"),
    ("sla-disputed", "SLA result disputed"),
    ("sla-decided", "SLA dispute decided"),
    ("dispute-decided", "SLA dispute decided by an operator"),
    ("ssh-key-added", "SSH key added"),
    ("ssh-key-removed", "SSH key removed"),
    ("access-shown", "Machine access details viewed"),
    ("console-opened", "Machine console opened"),
    ("removal-confirmed", "Machine removal confirmed"),
    ("access-progress", "Machine setup progressed"),
    ("access-ready", "Machine ready"),
    ("access-failed", "Machine setup failed"),
    ("access-late", "Machine setup overdue"),
    ("removal-late", "Machine removal overdue"),
    ("slice-removed", "Machine of an ended rental removed"),
    ("rental-refunded", "Rental without access refunded"),
    ("account-deleted", "Account deleted"),
    ("credit-granted", "Wallet credited"),
    ("wallet-credited", "Wallet credited"),
    ("sla-credit-granted", "SLA credit paid to a renter"),
    ("payment-refused", "Unexpected payment received"),
    ("account-disabled", "Account suspended"),
    ("account-enabled", "Account reactivated"),
    ("operator-granted", "Operator access granted"),
    ("operator-revoked", "Operator access revoked"),
    ("mail-retried", "E-mail resent"),
    ("node-registered", "Node registered"),
    ("node-draft", "Node changed to draft"),
    ("node-published", "Node published"),
    ("node-paused", "Node taken off the market"),
    ("offer-changed", "Node price or SLA changed"),
    ("node-leaving", "Node leaving the market"),
    ("node-stays", "Node stays on the market"),
    ("node-left", "Node left the market"),
    ("rental-moved-out", "Rental moved to another slice"),
    ("rental-moved-in", "Rental moved from another slice"),
    ("slice-rented", "Slice rented"),
    ("rental-ended", "Rental ended"),
    ("price-suggested", "New price suggested for a node"),
];

/// What an action is called.
pub(super) fn what(action: &str) -> String {
    let words = WORDS.iter().find(|(name, _)| *name == action);
    // An action of a newer version, which this one has no words for.
    match words {
        Some((_, words)) => (*words).to_owned(),
        None => sentence(action.replace('-', " ")).trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_action_is_named_all_the_same() {
        assert_eq!(what("slice-set-up"), "Slice set up");
        assert_eq!(what("sign-in"), "Signed in");
    }
}
