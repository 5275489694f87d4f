//! The audit log: it only grows, and each change of the past shows.

use store::audit::{Actor, NewEntry, VIEW_SECONDS, all, of_account, seal, write, write_view};
use store::chain::{Head, hex};
use store::{RusqliteDb, StoreError};

use crate::market::{
    AIDA, FARMER, OMAR, account, attempt, by_hand, count, empty, market, now, open_account, rent,
};

fn entry(number: u32) -> NewEntry<'static> {
    NewEntry {
        action: "sign-in",
        actor: Actor::Account,
        actor_id: String::new(),
        account: Some(account(number)),
        subject: "",
        address: "192.0.2.7",
        request_id: "r",
    }
}

/// How many of all that is sealed are not as they were.
fn broken(db: &RusqliteDb) -> Result<u64, StoreError> {
    let end = count(db, "SELECT coalesce(max(audit_id), 0) FROM audit_seals");
    store::audit::broken(db, 0, end).map(|(broken, _)| broken)
}

fn log() -> RusqliteDb {
    let db = empty();
    for number in [OMAR, AIDA, OMAR] {
        write(&db, &entry(number), now()).unwrap();
    }
    db
}

#[test]
fn a_look_is_written_down_once_an_hour_for_whoever_looks() {
    let db = empty();
    let look = |rental: &'static str, address: &'static str, seconds: i64| {
        let entry = NewEntry { action: "access-viewed", subject: rental, address, ..entry(OMAR) };
        write_view(&db, &entry, now().plus_seconds(seconds)).unwrap();
        count(&db, "SELECT count(*) FROM audit")
    };
    assert_eq!(look("a", "192.0.2.7", 0), 1);
    assert_eq!(look("a", "192.0.2.7", VIEW_SECONDS - 1), 1);
    assert_eq!(look("b", "192.0.2.7", 0), 2);
    assert_eq!(look("a", "192.0.2.8", 0), 3);
    assert_eq!(look("a", "192.0.2.7", VIEW_SECONDS), 4);
    // Written by a clock that was ahead, it stands for nothing now.
    assert_eq!(look("c", "192.0.2.7", 86_400), 5);
    assert_eq!(look("c", "192.0.2.7", 0), 6);
}

#[test]
fn nothing_is_changed_or_removed() {
    let db = log();
    seal(&db).unwrap();
    for sql in [
        "UPDATE audit SET action = 'nothing'",
        "DELETE FROM audit",
        "UPDATE audit_seals SET hash = zeroblob(32)",
        "DELETE FROM audit_seals",
    ] {
        let refused = by_hand(&db, sql).unwrap_err().to_string();
        assert!(refused.contains("append_only"), "{sql}: {refused}");
    }
    assert_eq!(count(&db, "SELECT count(*) FROM audit"), 3);
}

#[test]
fn everybody_reads_what_concerns_them() {
    let db = log();
    let ids = |number| -> Vec<i64> {
        of_account(&db, account(number), None, 10).unwrap().iter().map(|e| e.id).collect()
    };
    assert_eq!((ids(OMAR), ids(AIDA)), (vec![3, 1], vec![2]));
    assert_eq!(of_account(&db, account(OMAR), Some(3), 10).unwrap().len(), 1);
    let entries = all(&db, None, 2).unwrap();
    assert_eq!((entries.len(), entries[0].id, entries[0].actor), (2, 3, Actor::Account));
}

#[test]
fn seals_follow_one_another() {
    let db = log();
    assert_eq!(all(&db, None, 1).unwrap()[0].seal, None);
    let first = seal(&db).unwrap();
    assert_eq!(first.id, 3);
    assert_eq!(seal(&db), Ok(Head { is_new: false, ..first }), "nothing new");
    write(&db, &entry(OMAR), now()).unwrap();
    let second = seal(&db).unwrap();
    assert_eq!((second.id, broken(&db)), (4, Ok(0)));
    assert_ne!(first.hash, second.hash);
    // The same entries in the same order have the same end.
    let again = log();
    write(&again, &entry(OMAR), now()).unwrap();
    assert_eq!(seal(&again), Ok(second));
}

/// What was sealed by an earlier version stays sealed: computed by another program from the form
/// that `store::chain` describes.
#[test]
fn a_seal_is_what_it_always_was() {
    let db = log();
    seal(&db).unwrap();
    let first = all(&db, Some(2), 1).unwrap().remove(0);
    let seal = "304256724fcc43e454f01b917fca6c12a0995b4bb166bf21c6572d091ef29268";
    assert_eq!(first.seal.map(|found| hex(&found)).as_deref(), Some(seal));
}

#[test]
fn whoever_rewrites_the_past_is_seen() {
    for sql in [
        "UPDATE audit SET created_at = created_at + 1 WHERE id = 1",
        "UPDATE audit SET address = '' WHERE id = 2",
        "UPDATE audit SET action = 'sign-i', actor_id = 'n' WHERE id = 2",
        "DELETE FROM audit WHERE id = 1",
        "DELETE FROM audit WHERE id = 3",
        "DELETE FROM audit_seals WHERE audit_id = 1",
        "UPDATE audit_seals SET hash = zeroblob(32) WHERE audit_id = 3",
        "DELETE FROM audit",
    ] {
        let db = log();
        seal(&db).unwrap();
        by_hand(
            &db,
            "PRAGMA foreign_keys = OFF;
             DROP TRIGGER audit_never_updated; DROP TRIGGER audit_never_deleted;
             DROP TRIGGER audit_seals_never_updated; DROP TRIGGER audit_seals_never_deleted;",
        )
        .unwrap();
        assert_eq!(broken(&db), Ok(0));
        by_hand(&db, sql).unwrap();
        assert!(broken(&db).unwrap() > 0, "{sql}");
    }
}

#[test]
fn what_happens_on_the_market_is_in_the_log() {
    let db = market();
    let before = count(&db, "SELECT count(*) FROM audit");
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM audit"), before + 2);
    for number in [OMAR, FARMER] {
        let entry = of_account(&db, account(number), None, 1).unwrap().remove(0);
        assert_eq!((entry.action.as_str(), entry.actor), ("slice-rented", Actor::Market));
        assert_eq!(entry.subject, rental.life.id.to_string());
    }
    // What was refused left no trace: the entry is a part of the change.
    open_account(&db, 55);
    rent(&db, attempt(55, "poor")).unwrap_err();
    assert_eq!(count(&db, "SELECT count(*) FROM audit"), before + 2);
}

#[test]
fn a_wrong_actor_is_no_entry() {
    let db = log();
    let sql = "INSERT INTO audit (action, actor, created_at) VALUES ('x', 'ghost', 1)";
    assert!(by_hand(&db, sql).is_err());
    let row =
        db.connection().query_row("SELECT 1 FROM audit WHERE actor = 'ghost'", [], |_| Ok(()));
    assert!(row.is_err());
    assert!(!matches!(all(&db, None, 1), Err(StoreError::Corrupt(_))));
}
