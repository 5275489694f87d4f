//! Receipts: what a transaction did, for the account whose wallet it moved and nobody else.

use domain::term::Term;
use store::receipts::{Booked, Receipt, find, rented};
use store::{RusqliteDb, chain, ledger, ledger_chain};

use crate::market::{AIDA, Attempt, FARMER, OMAR, account, attempt, market, now, pass, rent, usd};

/// The receipts of an account's wallet, the newest first.
fn receipts(db: &RusqliteDb, number: u32) -> Vec<Receipt> {
    let entries = ledger::entries(db, account(number), None, 100).unwrap();
    let receipt = |entry: &ledger::WalletEntry| find(db, account(number), entry.id).unwrap();
    entries.iter().map(|entry| receipt(entry).unwrap()).collect()
}

/// How a receipt was booked, in one line.
fn booked(receipt: &Receipt) -> String {
    let entry = |entry: &Booked| {
        let own = if entry.is_own { "own " } else { "" };
        format!("{own}{} {}", entry.account, entry.amount)
    };
    receipt.entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

#[test]
fn each_entry_of_a_wallet_has_a_receipt() {
    let db = market();
    let order = Attempt { term: Term::Quarter, ..attempt(OMAR, "key") };
    let held = rent(&db, order).unwrap();
    let found = receipts(&db, OMAR);
    let [rental, credit] = &found[..] else { panic!("{found:?}") };
    assert_eq!(booked(rental), "own wallet -71.25, escrow 71.25");
    assert_eq!((rental.kind.as_str(), rental.rental), ("rental", Some(held.life.id)));
    assert_eq!((rental.amount, rental.balance_after), (-usd("71.25"), usd("28.75")));
    let of = rented(&db, rental).unwrap().unwrap();
    assert_eq!((of.slice, of.slices, of.node_name.as_str()), (held.life.slice, 1, "Node 32"));
    assert_eq!((of.starts_at, of.ends_at), (now(), now().plus_months(3)));
    assert_eq!(booked(credit), "own wallet 100.00, funding -100.00");
    assert_eq!((credit.kind.as_str(), credit.rental), ("credit", None));
    assert_eq!(rented(&db, credit), Ok(None));
}

#[test]
fn a_receipt_is_for_whose_wallet_was_moved() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, now().plus_months(1), 10);
    // Two credits, a rental and what it earned.
    let seen = |number| -> Vec<i64> {
        let is_seen = |id: &i64| find(&db, account(number), *id).unwrap().is_some();
        (-1..9).filter(is_seen).collect()
    };
    assert_eq!(
        (seen(OMAR), seen(AIDA), seen(FARMER), seen(99)),
        (vec![1, 3], vec![2], vec![], vec![])
    );
}

#[test]
fn a_receipt_shows_the_seal_once_there_is_one() {
    let db = market();
    let seal = |db: &RusqliteDb| receipts(db, AIDA)[0].seal.map(|seal| chain::hex(&seal));
    assert_eq!(seal(&db), None);
    let end = ledger_chain::seal(&db).unwrap();
    assert_eq!((end.id, seal(&db)), (2, Some(chain::hex(&end.hash))));
}
