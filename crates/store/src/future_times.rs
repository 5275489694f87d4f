//! Times that hold something up, and that a host wrote while its clock was ahead: brought back to
//! what they can be at most, counted from now. Rate limits, the sync and recurring jobs look at
//! such times themselves; `docs/reference/clocks.md` lists them all.

use domain::machine_action::REBUILD_SECONDS;
use domain::provisioning::{LEASE_SECONDS, RETRY_MAX_SECONDS};
use domain::recurring::RESET_FUTURE_TIMES;
use domain::time::Timestamp;
use domain::waitlist::TURN_SECONDS;

use crate::challenges::LINK_SECONDS;
use crate::db::{Db, StoreError};
use crate::saved_searches::NOTIFIED_AGAIN_SECONDS;
use crate::sla_results::OWED_AGAIN_SECONDS;
use crate::{mails, webhooks};

/// How far the clocks of hosts that share a database may be apart, in seconds.
const SKEW_SECONDS: i64 = 60;
/// The longest wait of a mail, in seconds.
const MAIL_SECONDS: i64 = mails::FIRST_WAIT_SECONDS << mails::ATTEMPTS_MAX;
/// The longest wait of a webhook's message, in seconds.
const MESSAGE_SECONDS: i64 = webhooks::WAITS_SECONDS[webhooks::WAITS_SECONDS.len() - 1];

/// A mail waits for its next attempt.
const MAILS: &str = "
    UPDATE mails SET due_at = ?1
     WHERE id IN (SELECT id FROM mails INDEXED BY mails_by_due
                   WHERE state = 'waiting' AND due_at > ?2 LIMIT ?3)";

/// A webhook's message waits for its next attempt. For each webhook served by
/// `webhook_deliveries_by_due`.
const MESSAGES: &str = "
    UPDATE webhook_deliveries SET due_at = ?1
     WHERE id IN (SELECT d.id FROM webhooks w
                   CROSS JOIN webhook_deliveries d
                      ON d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at > ?2
                   LIMIT ?3)";

/// An agent's job waits for its lease or its pause to be over. For each agent served by
/// `jobs_by_due`.
const JOBS: &str = "
    UPDATE jobs SET due_at = ?1
     WHERE id IN (SELECT j.id FROM agents a
                   CROSS JOIN jobs j ON j.farmer_id = a.account_id AND j.farm_id = a.farm_id
                    AND j.state IN ('waiting', 'leased') AND j.due_at > ?2
                   LIMIT ?3)";

/// An action on a machine waits for its lease or its pause to be over.
const ACTIONS: &str = "
    UPDATE machine_actions SET due_at = ?1
     WHERE id IN (SELECT id FROM machine_actions
                   WHERE state IN ('waiting', 'leased') AND due_at > ?2
                   ORDER BY due_at LIMIT ?3)";

/// A machine can have no other action until this one is over.
const OPEN_ACTIONS: &str = "
    UPDATE machine_actions SET expires_at = ?2
     WHERE id IN (SELECT id FROM machine_actions
                   WHERE state IN ('waiting', 'leased') AND expires_at > ?2
                   ORDER BY expires_at LIMIT ?3)";

/// A quote holds slices that others could rent.
const HOLDS: &str = "
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, ?1 FROM quotes WHERE held_until > ?2 LIMIT ?3";

/// A code of a mail works for longer than it should.
const CHALLENGES: &str = "
    DELETE FROM challenges
     WHERE hash IN (SELECT hash FROM challenges WHERE expires_at > ?2 LIMIT ?3)";

/// A saved search is not looked for again.
const SAVED_SEARCHES: &str = "
    UPDATE saved_searches SET due_at = ?1
     WHERE id IN (SELECT id FROM saved_searches
                   WHERE is_on = 1 AND due_at > ?2 ORDER BY due_at LIMIT ?3)";

/// A farm's owner is not looked at again.
const FARMS: &str = "
    UPDATE farms SET checked_at = ?1
     WHERE id IN (SELECT id FROM farms WHERE checked_at > ?2 LIMIT ?3)";

/// A farm that was lost is not looked at again.
const LOST_FARMS: &str = "
    UPDATE lost_farms SET checked_at = ?1
     WHERE id IN (SELECT id FROM lost_farms WHERE checked_at > ?2 LIMIT ?3)";

/// An agent that is gone seems to be there, so that jobs wait for it.
const AGENTS: &str = "
    UPDATE agents SET seen_at = ?1
     WHERE (account_id, farm_id, name) IN (
           SELECT account_id, farm_id, name FROM agents WHERE seen_at > ?2 LIMIT ?3)";

/// A farmer is not notified again that a node is down.
const ALERTS: &str = "
    UPDATE node_alerts SET notified_at = ?1
     WHERE node_id IN (SELECT node_id FROM node_alerts WHERE notified_at > ?2 LIMIT ?3)";

/// A credit that is owed is not tried again.
const OWED_CREDITS: &str = "
    UPDATE sla_months SET owed_at = ?1
     WHERE (rental_id, month, tenure) IN (
           SELECT rental_id, month, tenure FROM sla_months WHERE owed_at > ?2
            ORDER BY owed_at LIMIT ?3)";

/// A compensation that is owed is not tried again.
const OWED_COMPENSATIONS: &str = "
    UPDATE leaving_compensations SET owed_at = ?1
     WHERE rental_id IN (SELECT rental_id FROM leaving_compensations WHERE owed_at > ?2
                          ORDER BY owed_at LIMIT ?3)";

/// What brings times back, and how far from now each can be at most, in seconds. `?1` now, `?2` the
/// latest that a time can be, `?3` how many rows.
pub const BOUNDS: [(&str, i64); 14] = [
    (MAILS, MAIL_SECONDS),
    (MESSAGES, MESSAGE_SECONDS),
    (JOBS, if LEASE_SECONDS > RETRY_MAX_SECONDS { LEASE_SECONDS } else { RETRY_MAX_SECONDS }),
    (ACTIONS, LEASE_SECONDS),
    (OPEN_ACTIONS, REBUILD_SECONDS),
    (HOLDS, TURN_SECONDS),
    (CHALLENGES, LINK_SECONDS),
    (SAVED_SEARCHES, NOTIFIED_AGAIN_SECONDS),
    (FARMS, 0),
    (LOST_FARMS, 0),
    (AGENTS, 0),
    (ALERTS, 0),
    (OWED_CREDITS, OWED_AGAIN_SECONDS),
    (OWED_COMPENSATIONS, OWED_AGAIN_SECONDS),
];

/// Brings back the times that a clock that was ahead has left; a bounded number each time.
pub fn reset(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    for (sql, seconds) in BOUNDS {
        let latest = now.plus_seconds(seconds + SKEW_SECONDS);
        db.run(sql, &[now.into(), latest.into(), RESET_FUTURE_TIMES.limit().into()])?;
    }
    Ok(())
}

/// The statements whose index a test checks.
pub const INDEXED: [(&str, &str); 8] = [
    (MAILS, "mails_by_due"),
    (ACTIONS, "machine_actions_by_due"),
    (OPEN_ACTIONS, "machine_actions_by_expiry"),
    (HOLDS, "quotes_by_hold"),
    (SAVED_SEARCHES, "saved_searches_due"),
    (FARMS, "farms_by_check"),
    (OWED_CREDITS, "sla_months_owed"),
    (OWED_COMPENSATIONS, "leaving_compensations_owed"),
];
