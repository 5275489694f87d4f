//! The end of rentals: once, with the money where it belongs.

use domain::id::NodeId;
use domain::rental::RentError;
use domain::term::Term;
use domain::time::Timestamp;
use expect_test::expect;
use store::rentals::{RentFailure, end_due};
use store::{RusqliteDb, invariants, sync};

use crate::dump::{difference, dump};
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, assert_sound, attempt, by_hand, carries, count, earned,
    fund, market, now, rent, report, states, usd,
};

fn over() -> Timestamp {
    now().plus_months(1)
}

#[test]
fn the_end_of_a_rental_leaves_these_rows() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = dump(&db);
    end_due(&db, rental.ends_at, 10).unwrap();
    let text = difference(&before, &dump(&db), rental.id);
    expect![[r#"
        + audit id=8 action='rental-ended' actor='market' actor_id='' account_id='omar'
            subject='rental' address='' request_id='' created_at=1797959321
        + audit id=9 action='rental-ended' actor='market' actor_id='' account_id='farmer'
            subject='rental' address='' request_id='' created_at=1797959321
        + events id=7 kind='rental-ended' renter_id='omar' farmer_id='farmer' node_id=32
            slice_number=1 rental_id='rental' created_at=1797959321
        ~ ledger_accounts id=4 balance_micros=0
        + ledger_accounts id=5 kind='earnings' owner_id='farmer' balance_micros=22500000
        + ledger_accounts id=6 kind='platform' owner_id='' balance_micros=2500000
        + ledger_entries ledger_account_id=4 transaction_id=4 amount_micros=-25000000
            balance_after_micros=0
        + ledger_entries ledger_account_id=5 transaction_id=4 amount_micros=22500000
            balance_after_micros=22500000
        + ledger_entries ledger_account_id=6 transaction_id=4 amount_micros=2500000
            balance_after_micros=2500000
        + ledger_transactions id=4 kind='settlement' reference='rental'
            reason='Earned with node32_slice_1' created_at=1797959321
        ~ nodes id=32 available_slices=9 allocated_slices=0
        ~ rentals id='rental' state='ended' ended_at=1797959321
        ~ slices node_id=32 number=1 state='available'
    "#]]
    .assert_eq(&text);
    assert_sound(&db);
}

#[test]
fn a_rental_ends_at_its_second_and_once() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let running = dump(&db);
    end_due(&db, over().plus_seconds(-1), 10).unwrap();
    assert_eq!(dump(&db), running);
    end_due(&db, over(), 10).unwrap();
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    let ended = dump(&db);
    end_due(&db, over().plus_seconds(1), 10).unwrap();
    assert_eq!(dump(&db), ended);
    // The command itself leaves an ended rental alone, and goes on with the rest of its batch.
    rent(&db, Attempt { id: 77, ..attempt(AIDA, "key") }).unwrap();
    by_hand(&db, "INSERT INTO end_rental SELECT id, 2000000000 FROM rentals ORDER BY id").unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM rentals WHERE state = 'ended'"), 2);
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-ended'"), 2);
    assert_sound(&db);
}

#[test]
fn the_longest_over_ends_first() {
    let db = market();
    fund(&db, OMAR, "25");
    for number in 0..5 {
        let at = now().plus_seconds(-i64::from(number));
        let key = format!("key-{number}");
        rent(&db, Attempt { id: 10 + number, at, ..attempt(OMAR, &key) }).unwrap();
    }
    end_due(&db, over(), 2).unwrap();
    assert_eq!(states(&db, NODE), "RRRaaaaaa");
    end_due(&db, over(), 2).unwrap();
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    assert_sound(&db);
}

#[track_caller]
fn check_split(fee_percent: u8, farmer: &str, platform: &str) {
    let db = market();
    rent(&db, Attempt { fee_percent, term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    end_due(&db, now().plus_months(3), 10).unwrap();
    assert_eq!(earned(&db, FARMER).to_string(), farmer);
    let kept =
        "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts WHERE kind = 'platform'";
    assert_eq!(domain::money::Usd::from_micros(count(&db, kept)).to_string(), platform);
    assert_sound(&db);
}

#[test]
fn the_escrow_is_split_to_the_cent() {
    check_split(0, "71.25", "0.00");
    check_split(10, "64.13", "7.12");
    check_split(33, "47.74", "23.51");
    check_split(100, "0.00", "71.25");
}

#[test]
fn a_slice_that_its_node_cannot_carry_is_retired_at_its_end() {
    let check = |capacity, while_rented: &str, after: &str| {
        let db = market();
        for slice in [2, 5] {
            let key = format!("key-{slice}");
            let slice_id = 10 + slice;
            rent(&db, Attempt { slice: Some(slice), id: slice_id, ..attempt(OMAR, &key) }).unwrap();
        }
        sync::save_reports(&db, &[(report(NODE), carries(capacity))], now()).unwrap();
        assert_eq!(states(&db, NODE), while_rented);
        end_due(&db, over(), 10).unwrap();
        assert_eq!(states(&db, NODE), after);
        assert_sound(&db);
    };
    check(9, "aRaaRaaaa", "aaaaaaaaa");
    check(4, "aRa-R----", "aaa-a----");
    check(2, "-R--R----", "-a--a----");
    // The first to end is one too many; the second is not.
    check(1, "-R--R----", "----a----");
    check(0, "-R--R----", "---------");
}

#[test]
fn a_node_that_is_gone_pays_and_retires() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    sync::save_missing(&db, &[NodeId(NODE)], now()).unwrap();
    assert_eq!(states(&db, NODE), "R--------");
    end_due(&db, over(), 10).unwrap();
    assert_eq!(states(&db, NODE), "---------");
    assert_eq!(earned(&db, FARMER), usd("22.50"));
    let again = rent(&db, attempt(AIDA, "key"));
    assert_eq!(again, Err(RentFailure::Rule(RentError::SoldOut)));
}

/// Clocks of two machines differ: who rents a slice right after its release may be a second behind
/// the one who released it. That is no overlap.
#[test]
fn a_clock_that_is_behind_is_no_violation() {
    let db: RusqliteDb = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    end_due(&db, over().plus_seconds(5), 10).unwrap();
    rent(&db, Attempt { at: over().plus_seconds(-2), ..attempt(AIDA, "key") }).unwrap();
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    let broken: Vec<_> = invariants::check(&db).unwrap();
    assert!(broken.iter().all(|finding| finding.violations == 0));
}
