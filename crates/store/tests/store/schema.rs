//! The schema keeps the SLAs that the types make.

use std::fmt::Display;

use domain::listing::Listing;
use domain::maintenance::{AHEAD_SECONDS, WINDOW_SECONDS_MAX, WINDOW_SECONDS_MIN};
use domain::node::{NodeStatus, SLICES_PER_NODE_MAX};
use domain::notification::Channel;
use domain::offering::{Locker, WITHHELD_SLICES_MAX};
use domain::provisioning::{JobKind, JobState, Step};
use domain::rental::RentalState;
use domain::slice::SliceState;
use domain::term::Term;
use domain::top_up::{Mismatch, TopUpState};
use domain::uptime::Uptime;
use store::audit::Actor;
use store::challenges::ChallengeKind;
use store::sealed::SEALED_COLUMNS;
use store::webhooks::DeliveryState;
use store::{Db, RusqliteDb, StoreError, Value};
use strum::VariantArray;

use crate::market::{AIDA, OMAR, attempt, by_hand, count, empty, market, rent};

fn create_table(db: &RusqliteDb, table: &str) -> String {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    db.run(sql, &[table.into()]).unwrap()[0].read().unwrap()
}

/// The `CHECK (column IN (…))` of a table lists exactly these.
#[track_caller]
fn check<T: Display>(table: &str, column: &str, expected: impl IntoIterator<Item = T>) {
    let sql = create_table(&empty(), table);
    let (_, rest) = sql.split_once(&format!("CHECK ({column} IN (")).expect(&sql);
    let (list, _) = rest.split_once("))").unwrap();
    let found: Vec<&str> = list.split(',').map(|item| item.trim().trim_matches('\'')).collect();
    let expected: Vec<String> = expected.into_iter().map(|item| item.to_string()).collect();
    assert_eq!(found, expected, "{table}.{column}");
}

#[test]
fn states_are_those_of_the_domain() {
    check("nodes", "listing", Listing::VARIANTS.iter().map(Listing::into_str));
    check("nodes", "status", NodeStatus::VARIANTS.iter().map(NodeStatus::into_str));
    check("slices", "state", SliceState::VARIANTS.iter().map(SliceState::into_str));
    check("rentals", "state", RentalState::VARIANTS.iter().map(RentalState::into_str));
    check("top_ups", "state", TopUpState::VARIANTS.iter().map(TopUpState::into_str));
    check("jobs", "state", JobState::VARIANTS.iter().map(JobState::into_str));
    check("refused_payments", "reason", Mismatch::VARIANTS.iter().map(Mismatch::into_str));
    check("challenges", "kind", ChallengeKind::VARIANTS.iter().map(ChallengeKind::into_str));
    check("nodes", "locked_by", Locker::VARIANTS.iter().map(Locker::into_str));
    check("notification_settings", "channel", Channel::VARIANTS.iter().map(Channel::into_str));
    check(
        "webhook_deliveries",
        "state",
        DeliveryState::VARIANTS.iter().map(DeliveryState::into_str),
    );
    check("audit", "actor", Actor::VARIANTS.iter().map(Actor::into_str));
    check("jobs", "kind", JobKind::VARIANTS.iter().map(JobKind::into_str));
    check("jobs", "step", Step::VARIANTS.iter().map(Step::into_str));
    check("orders", "kind", ["rental", "extension", "import"]);
    check("rentals", "renew_months", Term::VARIANTS.iter().map(|term| term.months()));
}

#[test]
fn limits_are_those_of_the_domain() {
    let db = empty();
    let slices = format!("BETWEEN 1 AND {SLICES_PER_NODE_MAX}");
    assert!(create_table(&db, "slices").contains(&slices));
    let capacity = format!("capacity BETWEEN 0 AND {SLICES_PER_NODE_MAX}");
    assert!(create_table(&db, "nodes").contains(&capacity));
    let uptime = format!("min_uptime BETWEEN 0 AND {}", Uptime::FULL.hundredths());
    assert!(create_table(&db, "nodes").contains(&uptime));
    let kept = format!("kept_slices BETWEEN 0 AND {WITHHELD_SLICES_MAX}");
    assert!(create_table(&db, "nodes").contains(&kept));
    let length =
        format!("ends_at - starts_at BETWEEN {WINDOW_SECONDS_MIN} AND {WINDOW_SECONDS_MAX}");
    assert!(create_table(&db, "maintenance").contains(&length));
    let ahead = format!("starts_at - announced_at >= {AHEAD_SECONDS}");
    assert!(create_table(&db, "maintenance").contains(&ahead));
    let numbers = "SELECT count(*) + max(number) * 1000 FROM slice_numbers";
    assert_eq!(count(&db, numbers), i64::from(SLICES_PER_NODE_MAX) * 1001);
}

#[test]
fn every_sealed_column_is_known_to_the_change_of_keys() {
    let db = empty();
    let sql = "SELECT t.name || '.' || c.name FROM pragma_table_list t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND c.name LIKE '%sealed%' ORDER BY 1";
    let found = db.run(sql, &[]).unwrap();
    let found: Vec<String> = found.iter().map(|row| row.read().unwrap()).collect();
    let known: Vec<String> =
        SEALED_COLUMNS.iter().map(|it| format!("{}.{}", it.table, it.column)).collect();
    assert_eq!(found, known);
    for column in &SEALED_COLUMNS {
        assert_eq!(column.list(&db, "").map(|values| values.len()), Ok(0), "{}", column.table);
    }
}

#[test]
fn every_table_is_strict() {
    let db = empty();
    let lax = "SELECT coalesce(group_concat(name), '') FROM pragma_table_list
                WHERE type = 'table' AND schema = 'main' AND strict = 0
                  AND name NOT LIKE 'sqlite%'";
    assert_eq!(db.run(lax, &[]).unwrap()[0].read(), Ok(String::new()));
    assert!(count(&db, "SELECT count(*) FROM pragma_table_list WHERE strict = 1") >= 12);
}

/// A foreign key whose column no index begins with makes each change of the parent a scan.
/// Accounts and kinds are the exception: they are never deleted, and their ids never change.
#[test]
fn foreign_keys_are_indexed() {
    let db = empty();
    let missing = "
        SELECT coalesce(group_concat(t.name || '.' || f.\"from\"), '')
          FROM pragma_table_list t, pragma_foreign_key_list(t.name) f
         WHERE t.schema = 'main' AND f.seq = 0
           AND f.\"table\" NOT IN ('accounts', 'event_kinds', 'ledger_kinds')
           AND NOT EXISTS (
               SELECT 1 FROM pragma_index_list(t.name) l, pragma_index_info(l.name) i
                WHERE i.seqno = 0 AND i.name = f.\"from\")
           AND NOT EXISTS (
               SELECT 1 FROM pragma_table_info(t.name) c WHERE c.pk = 1 AND c.name = f.\"from\")";
    assert_eq!(db.run(missing, &[]).unwrap()[0].read(), Ok(String::new()));
}

#[test]
fn a_second_active_rental_of_a_slice_is_refused() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let copy = "INSERT INTO rentals
                SELECT 'second', order_id, node_id, slice_number, slices, ?1, farmer_id, state, 1,
                       price_micros, price_until, min_uptime, min_bandwidth_mbps, started_at,
                       ends_at, ended_at, earns_at, '', '[]', NULL, NULL, 0, NULL, NULL
                  FROM rentals";
    let aida = Value::text(crate::market::account(AIDA));
    let refused = db.run(copy, &[aida]);
    let rule = "UNIQUE rentals.node_id, rentals.slice_number";
    assert_eq!(refused, Err(StoreError::Violation(rule.into())));
}

#[track_caller]
fn check_refused(sql: &str) {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let refused = by_hand(&db, sql).unwrap_err().to_string();
    assert!(refused.contains("constraint failed"), "{sql}: {refused}");
}

#[test]
fn what_must_never_be_is_refused_by_hand_too() {
    for sql in [
        "UPDATE rentals SET renter_id = farmer_id",
        "UPDATE rentals SET ended_at = 5",
        "UPDATE rentals SET state = 'ended'",
        "UPDATE rentals SET ends_at = started_at",
        "UPDATE rentals SET price_micros = 0",
        "UPDATE rentals SET slices = 0",
        "UPDATE rentals SET slices = 513",
        "UPDATE rentals SET name = zeroblob(0) || printf('%.*c', 81, 'x')",
        "UPDATE rentals SET renew_months = 2, renew_max_micros = 1",
        "UPDATE rentals SET renew_months = 3",
        "UPDATE rentals SET renew_token_id = 't', renew_most_micros = 1",
        "UPDATE rentals SET renew_most_micros = 1",
        "UPDATE rentals SET renew_max_micros = 3",
        "UPDATE rentals SET order_id = 'none'",
        "UPDATE rental_periods SET fee_micros = total_micros + 1",
        "UPDATE rental_periods SET total_micros = -1",
        "UPDATE rental_periods SET earned_micros = total_micros + 1",
        "UPDATE rental_periods SET refunded_micros = total_micros, earned_micros = 1",
        "UPDATE rental_periods SET earned_micros = -1",
        "UPDATE rental_periods SET refunded_micros = -1",
        "UPDATE rental_periods SET ends_at = starts_at",
        "UPDATE rental_periods SET months = 0",
        "UPDATE rental_periods SET number = 0",
        "UPDATE rental_periods SET order_id = 'none'",
        "UPDATE orders SET total_micros = -1",
        "UPDATE orders SET kind = 'gift'",
        "UPDATE orders SET quote_id = 'none'",
        "INSERT INTO responses VALUES ('', 'k', 'POST /', zeroblob(31), 201, '/', '', 0)",
        "INSERT INTO responses VALUES ('', 'k', 'POST /', zeroblob(32), 409, '/', '', 0)",
        "INSERT INTO quotes
         VALUES ('q', (SELECT id FROM accounts), '{}', NULL, '[]', 5, 5, NULL, NULL)",
        "INSERT INTO quotes VALUES ('q', (SELECT id FROM accounts), '{}', NULL, '[]', 5, 6, 6, 6)",
        "INSERT INTO transfers SELECT id, 'a@example.org', 5, 5, NULL FROM rentals",
        "INSERT INTO transfers VALUES ('none', 'a@example.org', 5, 6, NULL)",
        "INSERT INTO ledger_transactions (kind, reference, reason, created_at)
         VALUES ('gift', 'x', '', 5)",
        "INSERT INTO events (kind, created_at) VALUES ('wedding', 5)",
        "UPDATE nodes SET reserved_slices = -1",
        "UPDATE nodes SET terms = 0",
        "UPDATE nodes SET terms = 16",
        "UPDATE nodes SET kept_slices = -1",
        "UPDATE nodes SET kept_slices = 513",
        "UPDATE nodes SET pending_price_micros = price_micros, pending_price_at = 5",
        "UPDATE nodes SET pending_price_at = 5",
        "UPDATE nodes SET pending_price_micros = 99000000",
        "UPDATE nodes SET locked_by = 'renter'",
        "UPDATE nodes SET locked_by = 'farmer', lock_reason = 'x'",
        "UPDATE nodes SET lock_reason = 'x'",
        "INSERT INTO maintenance VALUES ('w', 32, 86399, 90000, '', 0, NULL, NULL)",
        "INSERT INTO maintenance VALUES ('w', 32, 86400, 86459, '', 0, NULL, NULL)",
        "INSERT INTO maintenance VALUES ('w', 32, 86400, 115201, '', 0, NULL, NULL)",
        "INSERT INTO maintenance VALUES ('w', 99, 86400, 90000, '', 0, NULL, NULL)",
        "UPDATE slices SET state = 'allocated' WHERE number = 5",
        "UPDATE slices SET state = 'reserved' WHERE number = 5",
        "UPDATE slices SET state = 'available' WHERE number = 1",
        "UPDATE slices SET rental_id = (SELECT id FROM rentals) WHERE number = 5",
        "UPDATE slices SET rental_id = 'none' WHERE number = 1",
        "UPDATE slices SET state = 'reserved', quote_id = 'none' WHERE number = 5",
        "UPDATE rentals SET slice_number = 77",
        "UPDATE rentals SET renter_id = 'nobody'",
        "UPDATE nodes SET price_micros = NULL",
        "UPDATE nodes SET available_slices = -1",
        "UPDATE nodes SET observed_up = observed + 1",
        "UPDATE nodes SET listing = 'draft'",
        "UPDATE slices SET state = 'lost'",
    ] {
        check_refused(sql);
    }
}
