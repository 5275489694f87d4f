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

/// What each action and event is called.
const WORDS: &[(&str, &str)] = &[
    ("sign-up", "The account was made"),
    ("sign-in", "Signed in"),
    ("sign-in-failed", "A sign-in failed"),
    ("sign-out", "Signed out"),
    ("session-ended", "A session was ended"),
    ("sessions-ended", "Sessions were ended"),
    ("proof", "Confirmed who it is"),
    ("reset-asked", "A new password was asked for by mail"),
    ("password-changed", "The password was changed"),
    ("email-changed", "The e-mail address was changed"),
    ("passkey-added", "A passkey was added"),
    ("passkey-removed", "A passkey was removed"),
    ("totp-added", "An authenticator app was set up"),
    ("totp-removed", "An authenticator app was removed"),
    ("recovery-codes-made", "Recovery codes were made"),
    ("recovery-code-used", "A recovery code was used"),
    ("token-made", "A token was made"),
    ("token-revoked", "A token was revoked"),
    ("payout-set", "Where to be paid was set"),
    ("farm-claimed", "A farm was claimed with a signature"),
    ("farm-claim-failed", "A claim to a farm failed"),
    ("farm-approved", "An operator confirmed whose a farm is"),
    ("farm-approval-revoked", "An operator took back whose a farm is"),
    ("farm-revoked", "An operator took back whose a farm is"),
    ("farm-proven", "A farm is proven to be yours"),
    ("farm-lost", "Somebody else has proven to own a farm that was yours"),
    ("farm-moved", "A farm has changed hands on the grid"),
    ("node-claimed", "Somebody else has proven to own the farm of a node"),
    ("node-moved", "A node has moved to another farm on the grid"),
    ("node-take-over", "A node was taken over"),
    ("node-taken-over", "A node was taken over"),
    ("node-lost", "The owner of its farm has taken a node over"),
    ("farmer-changed", "A rental has another farmer"),
    ("display-name-set", "How farmers see the account was set"),
    ("payout-changed", "An operator acted on a payout"),
    ("payout-requested", "A payout was requested"),
    ("payout-approved", "A payout was approved"),
    ("payout-sent", "A payout was sent"),
    ("payout-done", "A payout has arrived"),
    ("payout-failed", "A payout failed, and the money is back"),
    ("payout-withdrawn", "A request for a payout was taken back"),
    ("lock-set", "The offer of a node was locked"),
    ("lock-lifted", "The lock of a node was lifted"),
    ("node-locked", "The offer of a node is locked"),
    ("node-unlocked", "The offer of a node can be changed again"),
    ("maintenance-announced", "Maintenance of a node was announced"),
    ("maintenance-cancelled", "Maintenance of a node was cancelled"),
    ("maintenance-due", "Maintenance of a node comes within a day"),
    ("webhook-added", "A webhook was added"),
    ("webhook-removed", "A webhook was removed"),
    ("webhook-secret-made", "A webhook got a new secret"),
    ("webhook-disabled", "A webhook was disabled"),
    ("node-down", "A node went down"),
    ("node-back", "A node came back"),
    ("node-oversold", "More of a node is rented than it can carry"),
    ("node-fits", "A node can carry what is rented again"),
    ("promise-at-risk", "A promise is at risk"),
    ("promise-broken", "A promise is broken"),
    ("sla-credited", "A promise was not kept, and its renter was credited"),
    ("sla-disputed", "How a promise was judged is disputed"),
    ("sla-decided", "A dispute about a promise was decided"),
    ("dispute-decided", "An operator decided a dispute about a promise"),
    ("ssh-key-added", "An SSH key was registered"),
    ("ssh-key-removed", "An SSH key was removed"),
    ("access-shown", "You looked at how to get into a machine"),
    ("console-opened", "You opened a machine's console"),
    ("removal-confirmed", "You confirmed that a machine is gone"),
    ("access-progress", "A machine came a step further"),
    ("access-ready", "A machine is ready"),
    ("access-failed", "A machine could not be set up"),
    ("access-late", "A machine is late"),
    ("removal-late", "A machine is still not removed"),
    ("slice-removed", "The machine of an ended rental is gone"),
    ("rental-refunded", "A rental without access was paid back"),
    ("account-deleted", "The account was deleted"),
    ("credit-granted", "Credit came into the wallet"),
    ("wallet-credited", "Credit came into the wallet"),
    ("sla-credit-granted", "A renter was credited for a broken promise"),
    ("payment-refused", "A payment came that was not the one that was meant"),
    ("account-disabled", "The account was shut out"),
    ("account-enabled", "The account was let in again"),
    ("operator-granted", "The account became an operator's"),
    ("operator-revoked", "The account is no operator's any more"),
    ("mail-retried", "A mail was sent again"),
    ("node-registered", "A node was registered"),
    ("node-draft", "A node became a draft"),
    ("node-published", "A node went on the market"),
    ("node-paused", "A node went off the market"),
    ("offer-changed", "A node's price or promise was changed"),
    ("node-leaving", "A node is to leave the market"),
    ("node-stays", "A node stays after all"),
    ("node-left", "A node left the market"),
    ("rental-moved-out", "A rental went on with another slice"),
    ("rental-moved-in", "A rental came from another slice"),
    ("slice-rented", "A slice was rented"),
    ("rental-ended", "A rental ended"),
    ("price-suggested", "Another price was suggested for a node"),
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
