//! The chain of the ledger: each change of what was booked shows.

use store::chain::Head;
use store::ledger_chain::{self, seal};
use store::{RusqliteDb, StoreError};

use crate::market::{AIDA, OMAR, attempt, by_hand, count, fund, market, now, pass, rent};

/// How many of all that is sealed are not as they were.
fn broken(db: &RusqliteDb) -> Result<u64, StoreError> {
    let end = count(db, "SELECT coalesce(max(transaction_id), 0) FROM ledger_seals");
    ledger_chain::broken(db, 0, end).map(|(broken, _)| broken)
}

/// A ledger of two credits, a rental, and its settlement.
fn booked() -> RusqliteDb {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, now().plus_months(1), 10);
    db
}

#[test]
fn seals_follow_one_another() {
    let db = booked();
    let first = seal(&db).unwrap();
    assert_eq!((first.id, first.is_new), (4, true));
    assert_eq!(seal(&db), Ok(Head { is_new: false, ..first }), "nothing new");
    fund(&db, AIDA, "5");
    let second = seal(&db).unwrap();
    assert_eq!((second.id, broken(&db)), (5, Ok(0)));
    assert_ne!(first.hash, second.hash);
    // The same transactions in the same order have the same end.
    let again = booked();
    fund(&again, AIDA, "5");
    assert_eq!(seal(&again), Ok(second));
}

#[test]
fn many_transactions_are_sealed_in_several_runs() {
    let db = market();
    for amount in 1..=600 {
        fund(&db, AIDA, &amount.to_string());
    }
    assert_eq!(seal(&db).unwrap().id, 500);
    assert_eq!(seal(&db).unwrap().id, count(&db, "SELECT max(id) FROM ledger_transactions"));
    assert_eq!(broken(&db), Ok(0));
}

#[test]
fn seals_are_not_changed_or_removed() {
    let db = booked();
    seal(&db).unwrap();
    for sql in ["UPDATE ledger_seals SET hash = zeroblob(32)", "DELETE FROM ledger_seals"] {
        let refused = by_hand(&db, sql).unwrap_err().to_string();
        assert!(refused.contains("append_only"), "{sql}: {refused}");
    }
}

#[test]
fn whoever_rewrites_what_was_booked_is_seen() {
    for sql in [
        "UPDATE ledger_entries SET amount_micros = amount_micros + 1
          WHERE transaction_id = 2 AND amount_micros > 0",
        "UPDATE ledger_entries SET balance_after_micros = 7 WHERE transaction_id = 1",
        "UPDATE ledger_accounts SET owner_id = 'another' WHERE kind = 'escrow'",
        "UPDATE ledger_accounts SET kind = 'earnings' WHERE kind = 'platform'",
        "UPDATE ledger_transactions SET reason = 'another' WHERE id = 1",
        "UPDATE ledger_transactions SET reference = 'another' WHERE id = 1",
        "UPDATE ledger_transactions SET kind = 'settlement' WHERE id = 1",
        "UPDATE ledger_transactions SET created_at = created_at + 1 WHERE id = 1",
        "DELETE FROM ledger_entries WHERE transaction_id = 4 AND amount_micros < 0",
        "DELETE FROM ledger_entries",
        "DELETE FROM ledger_accounts WHERE kind = 'earnings'",
        "DELETE FROM ledger_transactions WHERE id = 4",
        "DELETE FROM ledger_transactions WHERE id = 2",
        "DELETE FROM ledger_transactions",
        "DELETE FROM ledger_seals WHERE transaction_id = 1",
        "UPDATE ledger_seals SET hash = zeroblob(32) WHERE transaction_id = 3",
    ] {
        let db = booked();
        seal(&db).unwrap();
        let drops = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema
                      WHERE type = 'trigger' AND name LIKE 'ledger_%'";
        let drops: String = db.connection().query_row(drops, [], |row| row.get(0)).unwrap();
        by_hand(&db, &format!("PRAGMA foreign_keys = OFF; {drops}")).unwrap();
        assert_eq!(broken(&db), Ok(0));
        by_hand(&db, sql).unwrap();
        assert!(broken(&db).unwrap() > 0, "{sql}");
    }
}
