//! The end of rentals: the term, the grace, and the release; once each, with the money where it
//! belongs.

use domain::id::NodeId;
use domain::order::RentError;
use domain::rental::{GRACE_SECONDS, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use expect_test::expect;
use store::renting::RentFailure;
use store::{RusqliteDb, due, invariants, sync};

use crate::dump::{difference, dump};
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, assert_sound, attempt, carries, count, earned, fund, market,
    now, pass, publish, rent, rental_of, report, states, usd,
};

const DAY: i64 = 86_400;

fn over() -> Timestamp {
    now().plus_months(1)
}

fn free() -> Timestamp {
    over().plus_seconds(GRACE_SECONDS)
}

#[test]
fn a_day_of_a_rental_leaves_these_rows() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = dump(&db);
    pass(&db, now().plus_seconds(DAY), 10);
    let text = difference(&before, &dump(&db), rental.life.id);
    expect![[r#"
        + farm_days farmer_id='farmer' day='2026-11-23' earned_micros=750000
        + farm_months farmer_id='farmer' month='2026-11' node_id=32 earned_micros=750000
            credited_micros=0
        + farm_uses owner_id='farmer' farm_id=1 days=1 counted_on='2026-11-23'
        ~ ledger_accounts id=4 balance_micros=24170000
        + ledger_accounts id=5 kind='earnings' owner_id='farmer' balance_micros=750000
            owed_micros=0 settles_at=0
        + ledger_accounts id=6 kind='platform' owner_id='' balance_micros=80000 owed_micros=0
            settles_at=0
        + ledger_entries ledger_account_id=4 transaction_id=4 amount_micros=-830000
            balance_after_micros=24170000
        + ledger_entries ledger_account_id=5 transaction_id=4 amount_micros=750000
            balance_after_micros=750000
        + ledger_entries ledger_account_id=6 transaction_id=4 amount_micros=80000
            balance_after_micros=80000
        + ledger_months ledger_account_id=5 month='2026-11' first_transaction_id=4
        + ledger_transactions id=4 kind='earning' reference='rental/1' rental_id='rental'
            reason='Earned with node32_slice_1' created_at=1795453721
        ~ rental_periods rental_id='rental' number=1 earned_micros=830000
        ~ rentals id='rental' version=2 earns_at=1795540121
        ~ tenures rental_id='rental' number=1 earned_micros=830000
        + unproven_earnings owner_id='farmer' farm_id=1 settles_at=0 micros=750000
    "#]]
    .assert_eq(&text);
    assert_sound(&db);
}

#[test]
fn the_end_of_a_term_leaves_these_rows() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = dump(&db);
    pass(&db, rental.life.ends_at, 10);
    let text = difference(&before, &dump(&db), rental.life.id);
    expect![[r#"
        + audit id=10 action='rental-expired' actor='market' actor_id='' account_id='omar'
            subject='rental' address='' request_id='' created_at=1797959321
        + audit id=11 action='rental-expired' actor='market' actor_id='' account_id='farmer'
            subject='rental' address='' request_id='' created_at=1797959321
        + events id=7 kind='rental-expired' renter_id='omar' farmer_id='farmer' node_id=32
            slice_number=1 rental_id='rental' created_at=1797959321 subject=NULL
        + farm_days farmer_id='farmer' day='2026-12-22' earned_micros=22500000
        + farm_months farmer_id='farmer' month='2026-12' node_id=32 earned_micros=22500000
            credited_micros=0
        + farm_uses owner_id='farmer' farm_id=1 days=1 counted_on='2026-12-22'
        ~ ledger_accounts id=4 balance_micros=0
        + ledger_accounts id=5 kind='earnings' owner_id='farmer' balance_micros=22500000
            owed_micros=0 settles_at=0
        + ledger_accounts id=6 kind='platform' owner_id='' balance_micros=2500000 owed_micros=0
            settles_at=0
        + ledger_entries ledger_account_id=4 transaction_id=4 amount_micros=-25000000
            balance_after_micros=0
        + ledger_entries ledger_account_id=5 transaction_id=4 amount_micros=22500000
            balance_after_micros=22500000
        + ledger_entries ledger_account_id=6 transaction_id=4 amount_micros=2500000
            balance_after_micros=2500000
        + ledger_months ledger_account_id=5 month='2026-12' first_transaction_id=4
        + ledger_transactions id=4 kind='earning' reference='rental/1' rental_id='rental'
            reason='Earned with node32_slice_1' created_at=1797959321
        ~ rental_periods rental_id='rental' number=1 earned_micros=25000000
        ~ rentals id='rental' state='grace' version=2 earns_at=NULL
        ~ tenures rental_id='rental' number=1 earned_micros=25000000
        + unproven_earnings owner_id='farmer' farm_id=1 settles_at=0 micros=22500000
    "#]]
    .assert_eq(&text);
    assert_sound(&db);
}

#[test]
fn the_end_of_the_grace_leaves_these_rows() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, rental.life.ends_at, 10);
    let before = dump(&db);
    pass(&db, rental.life.grace_until(), 10);
    let text = difference(&before, &dump(&db), rental.life.id);
    expect![[r#"
        - offer_news number=1 node_id=32
        + audit id=12 action='rental-ended' actor='market' actor_id='' account_id='omar'
            subject='rental' address='' request_id='' created_at=1798132121
        + audit id=13 action='rental-ended' actor='market' actor_id='' account_id='farmer'
            subject='rental' address='' request_id='' created_at=1798132121
        + events id=8 kind='rental-ended' renter_id='omar' farmer_id='farmer' node_id=32
            slice_number=1 rental_id='rental' created_at=1798132121 subject=NULL
        ~ nodes id=32 available_slices=9 allocated_slices=0
        + offer_news number=2 node_id=32
        ~ rentals id='rental' state='ended' version=3 ended_at=1798132121
        ~ slices node_id=32 number=1 state='available' rental_id=NULL
        ~ tenures rental_id='rental' number=1 ended_at=1798132121 evaluate_at=1798132121
    "#]]
    .assert_eq(&text);
    assert_sound(&db);
}

#[test]
fn a_rental_ends_at_its_second_and_once() {
    let db = market();
    let id = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    pass(&db, over().plus_seconds(-1), 10);
    let running = dump(&db);
    assert_eq!(rental_of(&db, OMAR, id).life.state, RentalState::Active);
    pass(&db, over().plus_seconds(-1), 10);
    assert_eq!(dump(&db), running);
    pass(&db, over(), 10);
    assert_eq!(rental_of(&db, OMAR, id).life.state, RentalState::Grace);
    assert_eq!(states(&db, NODE), "Raaaaaaaa", "only its renter may have it");
    let in_grace = dump(&db);
    pass(&db, free().plus_seconds(-1), 10);
    assert_eq!(dump(&db), in_grace);
    pass(&db, free(), 10);
    assert_eq!(rental_of(&db, OMAR, id).life.state, RentalState::Ended);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    let ended = dump(&db);
    for at in [free(), free().plus_months(5), now(), now().plus_seconds(-DAY)] {
        pass(&db, at, 10);
        assert_eq!(dump(&db), ended, "{at}");
    }
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-ended'"), 1);
    assert_sound(&db);
}

/// A clock that goes back earns nothing twice and releases nothing.
#[test]
fn a_clock_that_goes_back_changes_nothing() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let half = now().plus_seconds(15 * DAY);
    pass(&db, half, 10);
    assert_eq!(earned(&db, FARMER), usd("11.25"), "$12.50 less 10 %");
    let before = dump(&db);
    for at in [now(), half.plus_seconds(-DAY), now().plus_seconds(-90 * DAY)] {
        pass(&db, at, 10);
        assert_eq!(dump(&db), before, "{at}");
    }
    pass(&db, over(), 10);
    assert_eq!(earned(&db, FARMER), usd("22.50"));
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
    pass(&db, over(), 10);
    pass(&db, free(), 2);
    assert_eq!(states(&db, NODE), "RRRaaaaaa");
    pass(&db, free(), 2);
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    assert_sound(&db);
}

#[track_caller]
fn check_split(fee_percent: u8, farmer: &str, platform: &str) {
    let db = market();
    rent(&db, Attempt { fee_percent, term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    for days in [1, 2, 17, 40, 41, 88, 93] {
        pass(&db, now().plus_seconds(days * DAY), 10);
        assert_sound(&db);
    }
    assert_eq!(earned(&db, FARMER).to_string(), farmer);
    let kept =
        "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts WHERE kind = 'platform'";
    assert_eq!(domain::money::Usd::from_micros(count(&db, kept)).to_string(), platform);
}

#[test]
fn the_escrow_is_split_to_the_cent() {
    check_split(0, "71.25", "0.00");
    check_split(10, "64.13", "7.12");
    check_split(33, "47.74", "23.51");
    check_split(100, "0.00", "71.25");
}

/// A day of a slice at ten cents a month is worth less than a cent: it is looked at when there is
/// one, and does not keep the run from others.
#[test]
fn what_is_worth_less_than_a_cent_a_day_is_in_nobodys_way() {
    let db = market();
    publish(&db, NODE, "0.10");
    rent(&db, attempt(OMAR, "key")).unwrap();
    let due_at = "SELECT min(earns_at) FROM rentals";
    assert_eq!(count(&db, due_at), now().plus_seconds(3 * DAY).seconds());
    // As a rental of an older version has it.
    crate::market::by_hand(&db, "UPDATE rentals SET earns_at = started_at + 86400").unwrap();
    due::earn(&db, now().plus_seconds(DAY), 10).unwrap();
    assert_eq!(count(&db, due_at), now().plus_seconds(3 * DAY).seconds());
    due::earn(&db, now().plus_seconds(3 * DAY), 10).unwrap();
    assert_eq!(count(&db, due_at), now().plus_seconds(6 * DAY).seconds());
    assert_sound(&db);
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
        pass(&db, free(), 10);
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
    pass(&db, free(), 10);
    assert_eq!(states(&db, NODE), "---------");
    assert_eq!(earned(&db, FARMER), usd("22.50"));
    let again = rent(&db, attempt(AIDA, "key"));
    assert_eq!(again, Err(RentFailure::Rule(RentError::NodeDown)));
}

/// Clocks of two machines differ: who rents a slice right after its release may be a second behind
/// the one who released it. That is no overlap.
#[test]
fn a_clock_that_is_behind_is_no_violation() {
    let db: RusqliteDb = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, free().plus_seconds(5), 10);
    rent(&db, Attempt { at: free().plus_seconds(-2), ..attempt(AIDA, "key") }).unwrap();
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    let broken: Vec<_> = invariants::check_everything(&db).unwrap();
    assert!(broken.iter().all(|finding| finding.violations == 0));
}

/// After 40 days without a run, one run does everything: the term is over and paid, the grace too.
#[test]
fn forty_days_of_silence_are_made_up_for_at_once() {
    let db = market();
    fund(&db, OMAR, "900");
    rent(&db, attempt(OMAR, "month")).unwrap();
    let quarter = Attempt { id: 20, term: Term::Quarter, ..attempt(OMAR, "quarter") };
    let quarter = rent(&db, quarter).unwrap();
    pass(&db, now().plus_seconds(40 * DAY), 100);
    assert_eq!(states(&db, NODE), "aRaaaaaaa");
    // 40 of 92 days of $71.25 are $30.97, of which the platform has $3.09.
    assert_eq!(earned(&db, FARMER), usd("22.50") + usd("30.97") - usd("3.09"));
    assert_eq!(rental_of(&db, OMAR, quarter.life.id).life.held(), usd("40.28"));
    assert_sound(&db);
}
