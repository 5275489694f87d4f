//! Ending before the end: what was used is earned, and the rest goes back to who holds it.

use domain::rental::{EndedAlready, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use expect_test::expect;
use store::RusqliteDb;
use store::rentals::{ChangeFailure, Rental, end, plan_end};

use crate::dump::{difference, dump};
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, account, assert_sound, attempt, balance, earned, extend,
    fund, market, now, pass, rent, states, usd,
};

const DAY: i64 = 86_400;

/// Omar has $1,000 less what a term of slice 1 costs.
fn rented(term: Term) -> (RusqliteDb, Rental) {
    let db = market();
    fund(&db, OMAR, "900");
    let rental = rent(&db, Attempt { term, ..attempt(OMAR, "key") }).unwrap();
    (db, rental)
}

/// What ending a term after so many months and seconds gives back, and what the farmer has then.
#[track_caller]
fn check(term: Term, months: u32, seconds: i64, refund: &str, farmer: &str) {
    for days_earned in [0, 1, 1_000] {
        let (db, rental) = rented(term);
        let at = now().plus_months(months).plus_seconds(seconds);
        pass(&db, at.min(now().plus_seconds(days_earned * DAY)), 10);
        let before = balance(&db, OMAR);
        let (_, ending) = plan_end(&db, account(OMAR), rental.life.id, at).unwrap();
        let (ended, back) = end(&db, account(OMAR), rental.life.id, None, at).unwrap();
        assert_eq!((back.to_string(), back), (refund.to_owned(), ending.refund));
        assert_eq!(balance(&db, OMAR), before + back);
        assert_eq!(earned(&db, FARMER).to_string(), farmer);
        assert_eq!((ended.life.state, ended.life.ended_at), (RentalState::Ended, Some(at)));
        assert_eq!(states(&db, NODE), "aaaaaaaaa");
        assert_sound(&db);
    }
}

#[test]
fn what_was_not_used_goes_back_to_the_cent() {
    check(Term::Month, 0, 0, "25.00", "0.00");
    // An hour of a month of 30 days is $0.0347.
    check(Term::Month, 0, 1, "24.97", "0.03");
    check(Term::Month, 0, 15 * DAY, "12.50", "11.25");
    check(Term::Month, 0, 30 * DAY - 1, "0.00", "22.50");
    // Used without a discount as long as none is reached.
    check(Term::Year, 0, 15 * DAY, "242.50", "11.25");
    check(Term::Year, 1, 0, "230.00", "22.50");
    check(Term::Year, 2, 0, "205.00", "45.00");
    check(Term::Year, 3, 0, "183.75", "64.13");
    check(Term::Year, 6, 0, "120.00", "121.50");
    check(Term::Year, 11, 0, "7.50", "222.75");
    check(Term::Year, 12, -1, "0.00", "229.50");
}

#[test]
fn the_rows_of_an_early_end() {
    let (db, rental) = rented(Term::Month);
    let before = dump(&db);
    end(&db, account(OMAR), rental.life.id, None, now().plus_seconds(15 * DAY)).unwrap();
    expect![[r#"
        - offer_news number=1 node_id=32
        + audit id=12 action='rental-ended' actor='market' actor_id='' account_id='omar'
            subject='rental' address='' request_id='' created_at=1796663321
        + audit id=13 action='rental-ended' actor='market' actor_id='' account_id='farmer'
            subject='rental' address='' request_id='' created_at=1796663321
        + events id=8 kind='rental-ended' renter_id='omar' farmer_id='farmer' node_id=32
            slice_number=1 rental_id='rental' created_at=1796663321 subject=NULL
        + farm_days farmer_id='farmer' day='2026-12-07' earned_micros=11250000
        + farm_months farmer_id='farmer' month='2026-12' node_id=32 earned_micros=11250000
            credited_micros=0
        ~ ledger_accounts id=2 balance_micros=987500000
        ~ ledger_accounts id=4 balance_micros=0
        + ledger_accounts id=5 kind='earnings' owner_id='farmer' balance_micros=11250000
            owed_micros=0 settles_at=0
        + ledger_accounts id=6 kind='platform' owner_id='' balance_micros=1250000 owed_micros=0
            settles_at=0
        + ledger_entries ledger_account_id=2 transaction_id=6 amount_micros=12500000
            balance_after_micros=987500000
        + ledger_entries ledger_account_id=4 transaction_id=5 amount_micros=-12500000
            balance_after_micros=12500000
        + ledger_entries ledger_account_id=4 transaction_id=6 amount_micros=-12500000
            balance_after_micros=0
        + ledger_entries ledger_account_id=5 transaction_id=5 amount_micros=11250000
            balance_after_micros=11250000
        + ledger_entries ledger_account_id=6 transaction_id=5 amount_micros=1250000
            balance_after_micros=1250000
        + ledger_months ledger_account_id=5 month='2026-12' first_transaction_id=5
        + ledger_months ledger_account_id=2 month='2026-12' first_transaction_id=6
        + ledger_transactions id=5 kind='earning' reference='rental/1' rental_id='rental'
            reason='Earned with node32_slice_1' created_at=1796663321
        + ledger_transactions id=6 kind='refund' reference='rental' rental_id='rental'
            reason='Refund for unused time of node32_slice_1' created_at=1796663321
        ~ nodes id=32 available_slices=9 allocated_slices=0
        + offer_news number=2 node_id=32
        ~ rental_periods rental_id='rental' number=1 earned_micros=12500000
            refunded_micros=12500000
        ~ rentals id='rental' state='ended' version=2 ended_at=1796663321 earns_at=NULL
        ~ slices node_id=32 number=1 state='available' rental_id=NULL
        ~ tenures rental_id='rental' number=1 ended_at=1796663321 evaluate_at=1796663321
            earned_micros=12500000
        + unproven_earnings owner_id='farmer' farm_id=1 settles_at=0 micros=11250000
    "#]]
    .assert_eq(&difference(&before, &dump(&db), rental.life.id));
}

#[test]
fn it_ends_once() {
    let (db, rental) = rented(Term::Month);
    let at = now().plus_seconds(DAY);
    end(&db, account(OMAR), rental.life.id, None, at).unwrap();
    let after = dump(&db);
    let again = end(&db, account(OMAR), rental.life.id, None, at);
    assert_eq!(again, Err(ChangeFailure::Ended(EndedAlready)));
    pass(&db, now().plus_months(5), 10);
    assert_eq!(dump(&db), after);
}

#[test]
fn nobody_ends_what_is_anothers() {
    let (db, rental) = rented(Term::Month);
    for other in [AIDA, FARMER] {
        let refused = end(&db, account(other), rental.life.id, None, now());
        assert_eq!(refused, Err(ChangeFailure::NoSuchRental));
    }
}

#[test]
fn what_was_confirmed_is_what_comes_back() {
    let (db, rental) = rented(Term::Month);
    let at = now().plus_seconds(DAY);
    let (_, ending) = plan_end(&db, account(OMAR), rental.life.id, at).unwrap();
    assert_eq!((ending.paid, ending.refund), (usd("25"), usd("24.17")));
    let end_at = |at: Timestamp| end(&db, account(OMAR), rental.life.id, Some(ending.refund), at);
    let later = at.plus_seconds(1);
    let changed = ChangeFailure::RefundChanged { refund: usd("24.13"), confirmed: usd("24.17") };
    assert_eq!(end_at(later), Err(changed));
    end_at(at).unwrap();
    assert_sound(&db);
}

#[test]
fn a_term_that_has_not_begun_goes_back_whole() {
    let (db, rental) = rented(Term::Month);
    let more = Attempt { id: 50, term: Term::Quarter, ..attempt(OMAR, "more") };
    extend(&db, &more, rental.life.id, None).unwrap();
    let (_, back) =
        end(&db, account(OMAR), rental.life.id, None, now().plus_seconds(15 * DAY)).unwrap();
    assert_eq!(back, usd("12.50") + usd("71.25"));
    assert_sound(&db);
    // In the second term, the first is over and stays paid.
    let (db, rental) = rented(Term::Month);
    extend(&db, &more, rental.life.id, None).unwrap();
    let (_, back) = end(&db, account(OMAR), rental.life.id, None, now().plus_months(2)).unwrap();
    assert_eq!(back, usd("46.25"));
    // The fee of $7.12 is split to the cent below: $2.49 of it by now.
    assert_eq!(earned(&db, FARMER), usd("22.50") + usd("22.51"));
    assert_sound(&db);
}

#[test]
fn in_the_grace_there_is_nothing_left_to_give_back() {
    let (db, rental) = rented(Term::Month);
    pass(&db, rental.life.ends_at, 10);
    let (_, back) = end(&db, account(OMAR), rental.life.id, None, rental.life.ends_at).unwrap();
    assert_eq!(back.micros(), 0);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    assert_sound(&db);
}
