//! The invariants: each finds what breaks it, and none finds anything in a healthy market.

use domain::term::Term;
use store::RusqliteDb;
use store::invariants::{INVARIANTS, check};

use crate::market::{AIDA, Attempt, OMAR, assert_sound, attempt, by_hand, market, now, rent};

/// One rental that runs, of slice 1, and one that has ended, of slice 2.
fn healthy() -> RusqliteDb {
    let db = market();
    rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    rent(&db, attempt(AIDA, "key")).unwrap();
    store::rentals::end_due(&db, now().plus_months(1), 10).unwrap();
    store::audit::seal(&db).unwrap();
    db
}

/// Takes away what keeps the database from being broken.
fn defenseless(db: &RusqliteDb) {
    let drops = "SELECT coalesce(group_concat('DROP TRIGGER ' || name, ';'), '')
                   FROM sqlite_schema WHERE type = 'trigger'";
    let drops: String = db.connection().query_row(drops, [], |row| row.get(0)).unwrap();
    by_hand(db, &drops).unwrap();
    by_hand(
        db,
        "DROP INDEX rentals_one_active_per_slice;
         PRAGMA foreign_keys = OFF;
         PRAGMA ignore_check_constraints = ON;",
    )
    .unwrap();
}

/// How to break each invariant; some in more than one way.
const BREAKS: [(&str, &str); 23] = [
    (
        "one-rental-per-slice",
        "UPDATE rentals SET slice_number = 1, state = 'active', ended_at = NULL
          WHERE state = 'ended'",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('slice-rented', 32, 1, 'another', 0)",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-ended', 32, 2, 'again', 0)",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-ended', 32, 3, 'never begun', 0)",
    ),
    ("audit-chain", "UPDATE audit SET action = 'sign-in' WHERE id = 2"),
    ("audit-chain", "DELETE FROM audit WHERE id = 2"),
    ("audit-chain", "DELETE FROM audit_seals WHERE audit_id = 2"),
    ("allocated-means-rented", "UPDATE slices SET state = 'allocated' WHERE number = 3"),
    ("allocated-means-rented", "UPDATE slices SET state = 'available' WHERE number = 1"),
    ("counters-are-counts", "UPDATE nodes SET available_slices = available_slices + 1"),
    ("counters-are-counts", "UPDATE nodes SET allocated_slices = 0"),
    ("capacity-is-kept", "UPDATE nodes SET capacity = 8"),
    (
        "transactions-sum-to-zero",
        "UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE transaction_id = 1
            AND amount_micros > 0",
    ),
    ("transactions-sum-to-zero", "DELETE FROM ledger_entries WHERE transaction_id = 1"),
    ("balances-are-sums", "UPDATE ledger_accounts SET balance_micros = balance_micros + 1"),
    ("no-negative-balance", "UPDATE ledger_accounts SET balance_micros = -1 WHERE kind = 'escrow'"),
    ("rentals-are-paid", "UPDATE rentals SET total_micros = total_micros + 1"),
    (
        "escrow-holds-running-rentals",
        "UPDATE ledger_accounts SET balance_micros = 0 WHERE kind = 'escrow'",
    ),
    (
        "settlements-are-split",
        "UPDATE rentals SET fee_micros = fee_micros + 1 WHERE state = 'ended'",
    ),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'slice-rented'"),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'rental-ended'"),
    ("rentals-are-events", "UPDATE rentals SET slice_number = 5 WHERE state = 'ended'"),
    (
        "own-slices-are-not-rented",
        "UPDATE rentals SET renter_id = farmer_id WHERE state = 'active'",
    ),
];

#[test]
fn each_invariant_finds_its_violation() {
    for (id, sql) in BREAKS {
        let db = healthy();
        defenseless(&db);
        assert_sound(&db);
        by_hand(&db, sql).unwrap();
        let findings = check(&db).unwrap();
        let finding = findings.iter().find(|finding| finding.invariant.id == id).expect(id);
        assert!(finding.violations > 0, "{id} does not find: {sql}");
    }
}

#[test]
fn every_invariant_is_broken_once() {
    for invariant in &INVARIANTS {
        assert!(BREAKS.iter().any(|(id, _)| *id == invariant.id), "{}", invariant.id);
    }
    let mut ids = INVARIANTS.map(|invariant| invariant.id);
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "each has an id of its own");
}

#[test]
fn every_invariant_is_checked() {
    let db = healthy();
    let checked: Vec<&str> = check(&db).unwrap().iter().map(|found| found.invariant.id).collect();
    assert_eq!(checked, INVARIANTS.map(|invariant| invariant.id));
}
