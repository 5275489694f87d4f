//! Integrity checks over history: new rows at once, all rows again and again, at the same cost
//! however much has happened.

use std::cell::Cell;

use rusqlite::{StatementStatus, params_from_iter, types::Value as SqlValue};
use store::invariants::{INVARIANTS, check, check_and_move, pass_seconds};
use store::{Db, Row, Rows, RusqliteDb, StoreError, Value, audit, ledger_chain};

use crate::history::{History, load};
use crate::market::{assert_sound, by_hand, count, empty};

/// 1,000 rentals of three days each.
const SHORT: History = History { nodes: 5, terms: 20, days: 3 };
/// Ten times as many, one after the other on the same slices.
const LONG: History = History { terms: 10 * SHORT.terms, ..SHORT };

/// A market with that history, everything sealed.
fn market_with(history: History) -> RusqliteDb {
    let db = empty();
    load(&db, history);
    while ledger_chain::seal(&db).unwrap().is_new {}
    while audit::seal(&db).unwrap().is_new {}
    by_hand(&db, "PRAGMA ignore_check_constraints = ON").unwrap();
    db
}

/// Runs all checks as the job does. Returns the ids of those that fail.
fn run(db: &RusqliteDb) -> Vec<&'static str> {
    let findings = INVARIANTS.iter().map(|invariant| check_and_move(db, invariant).unwrap());
    let failed = findings.filter(|finding| finding.violations > 0);
    failed.map(|finding| finding.invariant.id).collect()
}

/// The ids of the checks that fail now, without moving on.
fn failed(db: &dyn Db) -> Vec<&'static str> {
    let failed = check(db).unwrap().into_iter().filter(|finding| finding.violations > 0);
    failed.map(|finding| finding.invariant.id).collect()
}

#[test]
fn a_long_history_is_sound() {
    assert_sound(&market_with(SHORT));
}

/// The next run checks the last 100 transactions and events as new ones, and the first ones of the
/// pass over all rows.
fn rewind(db: &RusqliteDb) {
    let rewind = "
        UPDATE integrity_scans
           SET old_after = 1, new_after = new_after - CASE history
               WHEN 'ledger transactions' THEN 100 WHEN 'ledger seals' THEN 100
               WHEN 'events' THEN 100 WHEN 'audit seals' THEN 100 ELSE 0 END";
    by_hand(db, rewind).unwrap();
}

/// Faults in the newest rows. They are about rentals and accounts that are far away from where the
/// pass over all rows is.
const NEW_FAULTS: [(&str, &str); 10] = [
    (
        "balances-run-on",
        "UPDATE ledger_entries SET balance_after_micros = balance_after_micros + 1
          WHERE transaction_id = (SELECT max(id) FROM ledger_transactions)",
    ),
    (
        "transactions-sum-to-zero",
        "UPDATE ledger_entries SET amount_micros = amount_micros + 1
          WHERE transaction_id = (SELECT max(id) FROM ledger_transactions)",
    ),
    (
        "balances-are-sums",
        "UPDATE ledger_accounts SET balance_micros = balance_micros + 1
          WHERE id = (SELECT max(ledger_account_id) FROM ledger_entries)",
    ),
    (
        "entries-have-a-month",
        "DELETE FROM ledger_months WHERE month = (SELECT max(month) FROM ledger_months)",
    ),
    ("ledger-chain", "UPDATE ledger_seals SET hash = zeroblob(32) WHERE transaction_id > 3900"),
    ("audit-chain", "UPDATE audit SET subject = '' WHERE id = (SELECT max(id) FROM audit)"),
    (
        "earnings-are-split",
        "UPDATE rental_periods SET fee_micros = fee_micros + 1000000 WHERE rental_id = (
                SELECT rental_id FROM ledger_transactions ORDER BY id DESC LIMIT 1)",
    ),
    (
        "escrow-holds-what-is-not-earned",
        "UPDATE rental_periods SET refunded_micros = 1 WHERE rental_id = (
                SELECT rental_id FROM ledger_transactions ORDER BY id DESC LIMIT 1)",
    ),
    (
        "revenue-is-the-ledgers",
        "UPDATE farm_days SET earned_micros = 1 WHERE day = (SELECT max(day) FROM farm_days)",
    ),
    (
        "rentals-never-overlap",
        "UPDATE events SET kind = 'rental-ended' WHERE id = (SELECT max(id) FROM events)",
    ),
];

#[test]
fn a_fault_in_new_rows_is_found_at_once() {
    for (id, sql) in NEW_FAULTS {
        let db = market_with(SHORT);
        assert!(run(&db).is_empty());
        rewind(&db);
        assert!(failed(&db).is_empty());
        by_hand(&db, sql).unwrap();
        assert!(failed(&db).contains(&id), "{id} does not find: {sql}");
        // It is reported until it is gone, and meanwhile everything else goes on.
        assert!((0..3).all(|_| run(&db).contains(&id)), "{id} forgets: {sql}");
    }
}

/// Faults in old rows, and how to repair them.
const OLD_FAULTS: [(&str, &str, &str); 5] = [
    (
        "balances-run-on",
        "UPDATE ledger_entries SET balance_after_micros = balance_after_micros + 1
          WHERE transaction_id = 2500",
        "UPDATE ledger_entries SET balance_after_micros = balance_after_micros - 1
          WHERE transaction_id = 2500",
    ),
    (
        "ledger-chain",
        "UPDATE ledger_transactions SET reason = 'another' WHERE id = 2500",
        "UPDATE ledger_transactions SET reason = '' WHERE id = 2500",
    ),
    (
        "audit-chain",
        "UPDATE audit SET address = '::1' WHERE id = 1500",
        "UPDATE audit SET address = '' WHERE id = 1500",
    ),
    (
        "earnings-are-split",
        "UPDATE rental_periods SET fee_micros = fee_micros + 1000000 WHERE order_id = 'order 500'",
        "UPDATE rental_periods SET fee_micros = fee_micros - 1000000 WHERE order_id = 'order 500'",
    ),
    (
        "rentals-never-overlap",
        "UPDATE events SET slice_number = slice_number + 90 WHERE id = 1300",
        "UPDATE events SET slice_number = slice_number - 90 WHERE id = 1300",
    ),
];

#[test]
fn a_fault_in_old_rows_is_found_by_the_pass_over_all_rows() {
    let db = market_with(SHORT);
    assert!(run(&db).is_empty());
    for (id, sql, repair) in OLD_FAULTS {
        by_hand(&db, "UPDATE integrity_scans SET old_after = 1").unwrap();
        by_hand(&db, sql).unwrap();
        assert!(!run(&db).contains(&id), "{id} is there at once");
        // 1,000 rentals at 100 in each run.
        let found = (0..10).position(|_| run(&db).contains(&id)).expect(id);
        assert!((0..3).all(|_| run(&db).contains(&id)), "{id} forgets after {found} runs: {sql}");
        let finding = check(&db).unwrap().into_iter().find(|finding| finding.invariant.id == id);
        assert!(finding.unwrap().example.is_some(), "{id}");
        by_hand(&db, repair).unwrap();
        assert!(run(&db).is_empty(), "{id}: {repair}");
    }
}

#[test]
fn new_rows_are_caught_up_with_in_several_runs() {
    let db = market_with(SHORT);
    run(&db);
    by_hand(&db, "UPDATE integrity_scans SET new_after = 0").unwrap();
    let last = count(&db, "SELECT max(id) FROM ledger_transactions");
    for reached in [1_000, 2_000, 3_000, last, last] {
        run(&db);
        let new_after = "SELECT new_after FROM integrity_scans
                          WHERE invariant = 'balances-run-on'";
        assert_eq!(count(&db, new_after), reached);
    }
}

#[test]
fn a_pass_takes_as_long_as_its_history() {
    let db = market_with(SHORT);
    // Ten windows of rentals, every five minutes.
    assert_eq!(pass_seconds(&db), Ok(3_000));
}

/// A connection that counts the steps of SQLite's virtual machine.
struct Metered<'a> {
    db: &'a RusqliteDb,
    steps: Cell<i64>,
}

impl Db for Metered<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let mut statement = self.db.connection().prepare(sql).unwrap();
        let mut answer = Rows::new();
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let value = |column| match row.get_unwrap(column) {
                SqlValue::Integer(value) => Value::Integer(value),
                SqlValue::Text(value) => Value::Text(value),
                SqlValue::Blob(value) => Value::Blob(value),
                SqlValue::Null | SqlValue::Real(_) => Value::Null,
            };
            answer.push(Row((0..columns).map(value).collect()));
        }
        drop(rows);
        let steps = statement.get_status(StatementStatus::VmStep);
        self.steps.set(self.steps.get() + i64::from(steps));
        Ok(answer)
    }
}

/// The steps of a run with new rows and a full window of old ones, for each check.
fn steps(history: History) -> Vec<(&'static str, i64)> {
    let db = market_with(history);
    assert!(run(&db).is_empty());
    // Statistics lead SQLite to other plans, and the app gathers them once an hour.
    by_hand(&db, "ANALYZE").unwrap();
    rewind(&db);
    let steps = INVARIANTS.iter().map(|invariant| {
        let metered = Metered { db: &db, steps: Cell::new(0) };
        check_and_move(&metered, invariant).unwrap();
        (invariant.id, metered.steps.get())
    });
    steps.collect()
}

#[test]
fn a_run_costs_the_same_however_long_the_history() {
    let (short, long) = (steps(SHORT), steps(LONG));
    let (mut all_few, mut all_many) = (0, 0);
    for ((id, few), (_, many)) in short.iter().zip(&long) {
        // The short history has fewer months than a window of them.
        if *id == "revenue-is-the-ledgers" {
            assert!(*many <= few * 4, "{id}: {few} steps, then {many}");
            continue;
        }
        assert!(*many <= few * 3 / 2 + 5_000, "{id}: {few} steps, then {many}");
        (all_few, all_many) = (all_few + few, all_many + many);
    }
    assert!(all_many <= all_few * 5 / 4, "{all_few} steps, then {all_many}");
}
