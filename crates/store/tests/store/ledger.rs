//! The ledger: credits once for each key, and nothing is ever rewritten.

use store::ledger::{Credit, CreditFailure, entries, of_rental};
use store::{Db, Refusal, RusqliteDb, StoreError};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, KEY_USED, OMAR, account, assert_sound, attempt, balance, by_hand, by_operator,
    count, credit, email, empty, intention, market, now, open_account, rent, response, usd,
};
use crate::meanwhile::meanwhile;

#[track_caller]
fn check(db: &RusqliteDb, to: u32, amount: &str, key: &str, expected: Result<&str, CreditFailure>) {
    let expected = expected.map(str::to_owned);
    // No two tries are made at the same second.
    for seconds in [dump(db).len(), dump(db).len() + 1] {
        let at = now().plus_seconds(i64::try_from(seconds).unwrap());
        assert_eq!(credit(db, to, usd(amount), key, at), expected);
    }
    assert_sound(db);
}

#[test]
fn a_key_credits_once() {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    check(&db, OMAR, "100", "key", Ok("100.00"));
    let after = dump(&db);
    check(&db, OMAR, "100", "key", Ok("100.00"));
    check(&db, OMAR, "100.01", "key", Err(KEY_USED.into()));
    check(&db, AIDA, "100", "key", Err(KEY_USED.into()));
    check(&db, 99, "100", "key", Err(KEY_USED.into()));
    check(&db, 99, "100", "other", Err(CreditFailure::NoSuchAccount));
    assert_eq!(dump(&db), after);
    check(&db, OMAR, "0.01", "other", Ok("100.01"));
    // A retry is told what the first try was told, whatever has happened since.
    check(&db, OMAR, "100", "key", Ok("100.00"));
    // It is in the audit log as often as it was done.
    assert_eq!(count(&db, "SELECT count(*) FROM audit WHERE action = 'credit-granted'"), 2);
    assert_eq!(balance(&db, OMAR), usd("100.01"));
    assert_eq!(balance(&db, AIDA).micros(), 0);
}

#[test]
fn what_two_operators_enter_of_one_payment_is_credited_once() {
    let db = market();
    credit(&db, OMAR, usd("5"), "transfer-1", now()).unwrap();
    let before = dump(&db);
    // Another operator has other keys, but the ledger knows the reference.
    let (email, audit) = (email(OMAR), by_operator());
    let (amount, reason, reference) = (usd("5"), "Gift", "transfer-1");
    let intention = Some(&intention(OMAR, reference, "credit", ""));
    let again = Credit { email: &email, amount, reason, reference, intention, audit: &audit };
    let respond = |_| response("");
    let refused = store::ledger::credit(&db, &again, &respond, now());
    assert_eq!(refused, Err(CreditFailure::ReferenceUsed));
    assert_eq!(dump(&db), before);
}

/// What a credit answers is what the wallet holds then, whatever moves it meanwhile.
#[test]
fn a_balance_that_changes_meanwhile_is_told_as_it_is() {
    let db = market();
    let faster = meanwhile(&db, "INSERT INTO credit_wallet", |db: &RusqliteDb| {
        rent(db, attempt(OMAR, "key")).unwrap();
    });
    assert_eq!(credit(&faster, OMAR, usd("5"), "gift", now()).as_deref(), Ok("80.00"));
    assert_eq!(balance(&db, OMAR), usd("80"));
    assert_sound(&db);
}

#[test]
fn a_wallet_is_read_from_the_newest_entry_back() {
    let db = market();
    rent(&db, attempt(OMAR, "first")).unwrap();
    rent(&db, attempt(AIDA, "first")).unwrap();
    rent(&db, Attempt { id: 77, ..attempt(OMAR, "second") }).unwrap();
    let mut lines = vec![];
    let mut before = None;
    for size in [2, 1, 0] {
        let page = entries(&db, account(OMAR), before, 2).unwrap();
        assert_eq!(page.len(), size);
        before = page.last().map(|entry| entry.id);
        lines.extend(
            page.iter()
                .map(|e| format!("{} {} {} {}", e.kind, e.amount, e.balance_after, e.reason)),
        );
    }
    assert_eq!(
        lines,
        [
            "rental -25.00 50.00 Rental of node32_slice_3",
            "rental -25.00 75.00 Rental of node32_slice_1",
            "credit 100.00 100.00 Test",
        ]
    );
}

#[test]
fn nothing_is_rewritten() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let before = dump(&db);
    for sql in [
        "UPDATE ledger_entries SET amount_micros = amount_micros * 2",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET reason = 'Another'",
        "DELETE FROM ledger_transactions WHERE kind = 'rental'",
        "UPDATE events SET kind = 'node-paused'",
        "DELETE FROM events",
    ] {
        let refused = db.run(sql, &[]);
        let Err(StoreError::Refused(refusal)) = refused else { panic!("{sql}: {refused:?}") };
        assert!(refusal.into_str().ends_with("append_only"), "{sql}: {refusal:?}");
    }
    for sql in ["DELETE FROM slices", "DELETE FROM rentals"] {
        let refused = by_hand(&db, sql).unwrap_err().to_string();
        assert!(refused.contains("never_deleted"), "{sql}: {refused}");
    }
    assert_eq!(dump(&db), before);
}

#[track_caller]
fn check_refused(db: &RusqliteDb, sql: &'static str, expected: &str) {
    let before = dump(db);
    let refused = db.run(sql, &[]).unwrap_err().to_string();
    assert!(refused.contains(expected), "{refused}");
    assert_eq!(dump(db), before);
}

#[test]
fn no_balance_is_negative() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    for kind in ["wallet", "escrow"] {
        assert_eq!(
            count(&db, &format!("SELECT count(*) FROM ledger_accounts WHERE kind = '{kind}'")),
            if kind == "wallet" { 2 } else { 1 }
        );
    }
    let negative = "balance_never_negative";
    check_refused(
        &db,
        "UPDATE ledger_accounts SET balance_micros = -1 WHERE kind = 'wallet'",
        negative,
    );
    check_refused(
        &db,
        "UPDATE ledger_accounts SET balance_micros = -1 WHERE kind = 'escrow'",
        negative,
    );
    check_refused(
        &db,
        "INSERT INTO credit_wallet
         SELECT 'key', id, -100000001, -1, 'Theft', NULL, '{}', 0
           FROM accounts ORDER BY id LIMIT 1",
        negative,
    );
}

#[test]
fn what_does_not_fit_64_bits_is_refused() {
    let db = market();
    let most = "INSERT INTO credit_wallet
                SELECT 'most', id, 9223372036854775807 - 200000000,
                       9223372036854775807 - 100000000, 'All', NULL,
                       json_object('action', 'x', 'actor', 'operator', 'actor_id', '',
                                   'subject', '', 'address', '', 'request_id', ''), 0
                  FROM accounts ORDER BY id DESC LIMIT 1";
    db.run(most, &[]).unwrap();
    check_refused(
        &db,
        "INSERT INTO credit_wallet
         SELECT 'more', id, 200000001, 0, 'More', NULL, '{}', 0
           FROM accounts ORDER BY id DESC LIMIT 1",
        "cannot store REAL value in INTEGER column",
    );
    assert_sound(&db);
}

#[test]
fn an_entry_needs_its_transaction() {
    let db = market();
    check_refused(
        &db,
        "INSERT INTO post_entry VALUES ('credit', 'no such key', 'wallet', 'x', 5)",
        "transaction_missing",
    );
    check_refused(
        &db,
        "INSERT INTO post_entry VALUES ('credit', 'fund-3-100', 'gift', 'x', 5)",
        "ledger_account_kind_is_known",
    );
}

#[test]
fn an_amount_that_is_no_credit_is_a_failure() {
    let db = market();
    let before = dump(&db);
    for (amount, refused) in [
        (usd("1") - usd("1"), StoreError::Violation("ledger_entry_moves_money".into())),
        (usd("1") - usd("200"), StoreError::Refused(Refusal::BalanceNeverNegative)),
    ] {
        assert_eq!(credit(&db, OMAR, amount, "key", now()), Err(refused.into()));
    }
    assert_eq!(dump(&db), before);
}

#[test]
fn a_renter_finds_what_paid_for_a_rental() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let found = of_rental(&db, account(OMAR), rental.life.id).unwrap();
    let [entry] = &found[..] else { panic!("one entry") };
    assert_eq!((entry.amount, entry.balance_after), (-usd("25"), usd("75")));
    assert_eq!(entry.rental, Some(rental.life.id));
    assert!(of_rental(&db, account(AIDA), rental.life.id).unwrap().is_empty());
}
