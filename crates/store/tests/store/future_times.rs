//! A host wrote times while its clock was a day ahead, and its clock was set right.

use store::RusqliteDb;
use store::future_times::{BOUNDS, reset};

use crate::market::{count, empty, now};

const DAY: i64 = 24 * 60 * 60;

/// Rows whose times are as far ahead as `seconds` from now.
fn stored(db: &RusqliteDb, seconds: i64) {
    let at = now().seconds() + seconds;
    db.connection()
        .execute_batch(&format!(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO mails (id, kind, sealed, due_at, created_at)
             VALUES ('mail', 'sign-up', x'00', {at}, {at});
             INSERT INTO webhooks (id, account_id, url, sealed, created_at)
             VALUES ('hook', 'ada', 'https://hook.example', x'00', {at});
             INSERT INTO webhook_deliveries (id, webhook_id, kind, body, due_at, created_at)
             VALUES ('message', 'hook', 'test', '', {at}, {at});
             INSERT INTO agents (account_id, farm_id, name, seen_at) VALUES ('ada', 1, 'a', {at});
             INSERT INTO machine_actions
                    (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
             VALUES ('action', 'job', 'rental', 'start', 'waiting', {at}, {at}, {at}, {at});
             INSERT INTO quotes
                    (id, account_id, document, items, created_at, expires_at, held_until)
             VALUES ('quote', 'ada', '', '[]', {at} - 300, {at}, {at});
             INSERT INTO challenges (hash, kind, payload, created_at, expires_at)
             VALUES (zeroblob(32), 'sign-up', x'', {at} - 600, {at});
             INSERT INTO farms (id, name, twin_id, twin_account, owner_id, verified_by, verified_at,
                                checked_at)
             VALUES (1, 'Farm', 1, 'a', 'ada', 'operator', {at}, {at});
             INSERT INTO leaving_compensations
                    (rental_id, renter_id, farmer_id, micros, owed_at, created_at)
             VALUES ('rental', 'ada', 'ben', 10000, {at}, {at});
             INSERT INTO sla_months
                    (rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at,
                     min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                     base_micros, percent, credit_micros, evaluated_at, owed_at)
             VALUES ('rental', '2026-11', 1, 1, 'ada', 'ben', 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, {at},
                     {at});
             INSERT INTO node_alerts (node_id, is_down, notified_at, changed_at)
             VALUES (1, 1, {at}, {at});"
        ))
        .unwrap();
}

/// The latest of these times, in seconds from now.
fn latest(db: &RusqliteDb) -> i64 {
    let latest = count(
        db,
        "SELECT max(at) FROM (
            SELECT due_at AS at FROM mails UNION ALL SELECT due_at FROM webhook_deliveries
            UNION ALL SELECT seen_at FROM agents UNION ALL SELECT due_at FROM machine_actions
            UNION ALL SELECT expires_at FROM machine_actions
            UNION ALL SELECT held_until FROM quotes UNION ALL SELECT expires_at FROM challenges
            UNION ALL SELECT owed_at FROM leaving_compensations
            UNION ALL SELECT owed_at FROM sla_months
            UNION ALL SELECT checked_at FROM farms UNION ALL SELECT notified_at FROM node_alerts)",
    );
    latest - now().seconds()
}

#[test]
fn nothing_waits_longer_than_it_can() {
    let most = BOUNDS.iter().map(|(_, seconds)| *seconds).max().unwrap();
    for days in [2, 30, 3_650] {
        let db = empty();
        stored(&db, days * DAY);
        assert_eq!(latest(&db), days * DAY);
        reset(&db, now()).unwrap();
        assert!(latest(&db) <= most, "{days}");
        assert_eq!(count(&db, "SELECT count(*) FROM mails WHERE due_at > 0"), 1);
        assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 0);
        assert_eq!(count(&db, "SELECT count(*) FROM quotes WHERE held_until IS NULL"), 1);
    }
}

#[test]
fn what_is_not_too_late_stays() {
    for seconds in [-DAY, 0, 30] {
        let db = empty();
        stored(&db, seconds);
        reset(&db, now()).unwrap();
        assert_eq!(latest(&db), seconds);
        assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 1);
    }
}
