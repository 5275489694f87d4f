//! Renting: the whole path, every refusal, retries, and changes between the look and the save.

use std::cell::{Cell, RefCell};

use domain::event::EventKind;
use domain::id::NodeId;
use domain::listing::Listing;
use domain::order::RentError;
use domain::rental::RentalState;
use domain::term::Term;
use expect_test::expect;
use store::rentals::{Rental, Which, events, find, of_renter};
use store::renting::{Basis, RentFailure};
use store::{Db, Rows, RusqliteDb, StoreError, Value, sync};

use crate::dump::{difference, dump};
use crate::market::{
    AIDA, Attempt, FARMER, KEY_USED, NODE, OMAR, OTHER_FARMER, SLICES, account, assert_sound,
    attempt, balance, by_hand, carries, charged, extend_once, fund, market, now, open_account,
    order_once, pass, publish, register, rent, rental_id, report, set, slice, states, usd, version,
};

#[test]
fn three_months_at_25_dollars_leave_these_rows() {
    let db = market();
    let before = dump(&db);
    let rental = rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    assert_eq!((rental.life.node, rental.life.slice), (NodeId(NODE), Some(1)));
    assert_eq!((rental.life.price, charged(&rental)), (usd("25"), usd("71.25")));
    assert_eq!(rental.life.ends_at.to_string(), "2027-02-22T17:08:41Z");
    assert_eq!(balance(&db, OMAR), usd("28.75"));
    assert_eq!(find(&db, account(OMAR), rental.life.id), Ok(Some(rental.clone())));
    let text = difference(&before, &dump(&db), rental.life.id);
    expect![[r#"
        + audit id=8 action='slice-rented' actor='market' actor_id='' account_id='omar'
            subject='rental' address='' request_id='' created_at=1795367321
        + audit id=9 action='slice-rented' actor='market' actor_id='' account_id='farmer'
            subject='rental' address='' request_id='' created_at=1795367321
        + events id=6 kind='slice-rented' renter_id='omar' farmer_id='farmer' node_id=32
            slice_number=1 rental_id='rental' created_at=1795367321 subject=NULL
        ~ ledger_accounts id=2 balance_micros=28750000
        + ledger_accounts id=4 kind='escrow' owner_id='rental' balance_micros=71250000
            owed_micros=0 settles_at=0
        + ledger_entries ledger_account_id=2 transaction_id=3 amount_micros=-71250000
            balance_after_micros=28750000
        + ledger_entries ledger_account_id=4 transaction_id=3 amount_micros=71250000
            balance_after_micros=71250000
        + ledger_transactions id=3 kind='rental' reference='rental' rental_id='rental'
            reason='Rental of node32_slice_1' created_at=1795367321
        ~ nodes id=32 available_slices=8 allocated_slices=1
        + orders id='01a2043b-3da8-7200-8000-000000000003' account_id='omar' kind='rental'
            total_micros=71250000 token_id=NULL quote_id=NULL created_at=1795367321
        + rental_periods rental_id='rental' number=1
            order_id='01a2043b-3da8-7200-8000-000000000003' payer_id='omar' months=3
            price_micros=25000000 total_micros=71250000 fee_micros=7120000 earned_micros=0
            refunded_micros=0 starts_at=1795367321 ends_at=1803316121
        + rentals id='rental' order_id='01a2043b-3da8-7200-8000-000000000003' node_id=32
            slice_number=1 slices=1 renter_id='omar' farmer_id='farmer' state='active' version=1
            price_micros=25000000 price_until=1834852121 min_uptime=9950 min_bandwidth_mbps=100
            started_at=1795367321 ends_at=1803316121 ended_at=NULL earns_at=1795453721 name=''
            labels='[]' renew_months=NULL renew_max_micros=NULL auto_start=0 renew_token_id=NULL
            renew_most_micros=NULL
        + rentals_begun rental_id='rental' node_id=32 began_at=1795367321 waited_seconds=0
        + responses owner_id='omar' idempotency_key='key' operation='rent'
            fingerprint=x'shkzpdbjsbeucwghmkrqewhnrohdqrlw' status=201 location='/api'
            body='([(32, Some(1), 1)], 71250000)' created_at=1795367321
        + setups rental_id='rental' ssh_keys='[]' template=NULL template_version=NULL sealed=NULL
        ~ slices node_id=32 number=1 state='allocated' rental_id='rental'
        + tenures rental_id='rental' number=1 node_id=32 slice_number=1 farmer_id='farmer'
            min_uptime=9950 min_bandwidth_mbps=100 started_at=1795367321 ended_at=NULL
            evaluated_until=1795367321 evaluate_at=1796256000 earned_micros=0 evaluated_micros=0
    "#]]
    .assert_eq(&text);
    assert_sound(&db);
}

#[track_caller]
fn check(db: &RusqliteDb, attempt: Attempt<'_>, expected: RentError) {
    let before = dump(db);
    assert_eq!(rent(db, attempt), Err(RentFailure::Rule(expected)));
    assert_eq!(dump(db), before);
}

#[test]
fn a_refusal_leaves_nothing() {
    const DRAFT: u32 = 33;
    const PAUSED: u32 = 34;
    const FULL: u32 = 35;
    let db = market();
    register(&db, FARMER, DRAFT, 3);
    register(&db, FARMER, PAUSED, 3);
    publish(&db, PAUSED, "25");
    set(&db, PAUSED, Some(usd("25")), Listing::Paused);
    register(&db, FARMER, FULL, 2);
    publish(&db, FULL, "25");
    rent(&db, Attempt { node: FULL, ..attempt(AIDA, "full") }).unwrap();
    sync::save_reports(&db, &[(report(FULL), carries(1))], now()).unwrap();
    assert_eq!(states(&db, FULL), "R-");

    let omar = attempt(OMAR, "key");
    check(&db, Attempt { node: 99, ..omar }, RentError::NoSuchNode);
    check(&db, Attempt { node: DRAFT, ..omar }, RentError::NoSuchNode);
    check(&db, Attempt { node: PAUSED, ..omar }, RentError::NotOffered);
    check(&db, Attempt { node: FULL, ..omar }, RentError::SoldOut { wanted: 1, free: 0 });
    check(&db, Attempt { node: FULL, slice: Some(1), ..omar }, RentError::SliceTaken);
    check(&db, Attempt { node: FULL, slice: Some(2), ..omar }, RentError::SliceTaken);
    check(&db, Attempt { slice: Some(0), ..omar }, RentError::NoSuchSlice);
    check(&db, Attempt { slice: Some(SLICES + 1), ..omar }, RentError::NoSuchSlice);
    check(&db, Attempt { offer_version: Some(1), ..omar }, RentError::OfferChanged);
    check(&db, Attempt { offer_version: Some(3), ..omar }, RentError::OfferChanged);
    check(&db, attempt(FARMER, "key"), RentError::OwnSlice);
    let poor =
        |total, missing| RentError::InsufficientFunds { total: usd(total), missing: usd(missing) };
    check(&db, Attempt { term: Term::HalfYear, ..omar }, poor("135", "35"));
    check(&db, attempt(OTHER_FARMER, "key"), poor("25", "25"));
    // One cent is enough to refuse, and none to accept.
    publish(&db, NODE, "100.01");
    check(&db, omar, poor("100.01", "0.01"));
    publish(&db, NODE, "100");
    rent(&db, omar).unwrap();
    assert_eq!(balance(&db, OMAR).micros(), 0);
    assert_sound(&db);
}

#[test]
fn the_lowest_free_slice_is_taken_unless_one_is_named() {
    let db = market();
    fund(&db, OMAR, "900");
    let mut next = 0;
    let mut rent_slice = |number| {
        next += 1;
        let key = format!("key-{next}");
        let rental = rent(&db, Attempt { slice: number, id: next, ..attempt(OMAR, &key) }).unwrap();
        slice(&rental)
    };
    assert_eq!(rent_slice(Some(2)), 2);
    assert_eq!(rent_slice(None), 1);
    assert_eq!(rent_slice(None), 3);
    assert_eq!(rent_slice(Some(9)), 9);
    assert_eq!(states(&db, NODE), "RRRaaaaaR");
}

#[test]
fn a_retry_gets_the_stored_response() {
    let db = market();
    let first = attempt(OMAR, "key");
    let rental = rent(&db, first).unwrap();
    let after = dump(&db);
    let retry = Attempt { id: 77, at: now().plus_seconds(60), fee_percent: 50, ..first };
    let answered = "([(32, Some(1), 1)], 25000000)";
    let retried = || order_once(&db, &retry, Basis::Request(&first.request()));
    assert_eq!(retried().as_deref(), Ok(answered));
    // The key alone keeps it from acting again.
    assert_eq!(rent(&db, retry), Err(KEY_USED.into()));
    assert_eq!(dump(&db), after);

    // Whatever has become of the offer, the wallet and the rental since then.
    rent(&db, Attempt { term: Term::Quarter, id: 78, ..attempt(OMAR, "other") }).unwrap();
    set(&db, NODE, Some(usd("400")), Listing::Paused);
    pass(&db, rental.life.grace_until(), 10);
    let after = dump(&db);
    assert_eq!(retried().as_deref(), Ok(answered));
    assert_eq!(dump(&db), after);
    let found = find(&db, account(OMAR), rental.life.id).unwrap().unwrap();
    assert_eq!(found.life.state, RentalState::Ended);
}

#[test]
fn a_key_marks_one_request_of_one_renter() {
    let db = market();
    let first = attempt(OMAR, "key");
    rent(&db, first).unwrap();
    let before = dump(&db);
    for other in [
        Attempt { slice: Some(5), ..first },
        Attempt { term: Term::Quarter, ..first },
        Attempt { node: 99, ..first },
    ] {
        let other = Attempt { id: 77, ..other };
        let answer = order_once(&db, &other, Basis::Request(&other.request()));
        assert_eq!(answer, Err(KEY_USED.into()));
    }
    // Nor does it mark anything else of the account.
    let extend = Attempt { id: 78, ..first };
    let answer = extend_once(&db, &extend, rental_id(first.id), None);
    assert_eq!(answer, Err(KEY_USED.into()));
    assert_eq!(dump(&db), before);
    // Another renter may choose the same key.
    assert_eq!(slice(&rent(&db, attempt(AIDA, "key")).unwrap()), 2);
}

/// A connection on which somebody else is faster: before each of the first saves, `change` happens.
struct Between<'a, F> {
    db: &'a RusqliteDb,
    change: RefCell<F>,
    saves: Cell<u32>,
    changes_max: u32,
}

impl<F: FnMut(&RusqliteDb)> Db for Between<'_, F> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        if sql.contains("INSERT INTO rent\n") {
            self.saves.set(self.saves.get() + 1);
            if self.saves.get() <= self.changes_max {
                (self.change.borrow_mut())(self.db);
            }
        }
        self.db.run(sql, params)
    }
}

/// Rents while `change` happens once, between the look and the save.
fn rent_during(
    db: &RusqliteDb,
    attempt: Attempt<'_>,
    change: impl FnMut(&RusqliteDb),
) -> Result<Rental, RentFailure> {
    let between = Between { db, change: RefCell::new(change), saves: Cell::new(0), changes_max: 1 };
    let outcome = rent(&between, attempt);
    assert_sound(db);
    outcome
}

#[test]
fn what_changes_meanwhile_is_decided_again() {
    let check = |expected, attempt, change: fn(&RusqliteDb)| {
        let db = market();
        let outcome = rent_during(&db, attempt, change);
        assert_eq!(outcome.map(|rental| charged(&rental).to_string()), expected);
    };
    let omar = attempt(OMAR, "key");
    let rule = |error| Err(RentFailure::Rule(error));
    let seen = Attempt { offer_version: Some(2), ..omar };
    let fifth = Attempt { slice: Some(5), ..omar };

    // Who confirmed a price gets that price or nothing; who took any price gets the new one.
    check(rule(RentError::OfferChanged), seen, |db| publish(db, NODE, "30"));
    check(rule(RentError::OfferChanged), seen, |db| publish(db, NODE, "25"));
    check(Ok("30.00".into()), omar, |db| publish(db, NODE, "30"));
    check(rule(RentError::NotOffered), omar, |db| {
        set(db, NODE, Some(usd("25")), Listing::Paused);
    });
    let missing = RentError::InsufficientFunds { total: usd("120"), missing: usd("20") };
    check(rule(missing), omar, |db| publish(db, NODE, "120"));
    let missing = RentError::InsufficientFunds { total: usd("25"), missing: usd("10") };
    check(rule(missing), omar, |db| {
        publish(db, NODE, "85");
        rent(db, Attempt { id: 77, ..attempt(OMAR, "other") }).unwrap();
        publish(db, NODE, "25");
    });
    check(rule(RentError::SliceTaken), fifth, |db| {
        rent(db, Attempt { slice: Some(5), ..attempt(AIDA, "key") }).unwrap();
    });
    check(rule(RentError::SliceTaken), fifth, |db| {
        sync::save_reports(db, &[(report(NODE), carries(4))], now()).unwrap();
    });
    check(rule(RentError::NodeDown), omar, |db| {
        sync::save_missing(db, &[NodeId(NODE)], now()).unwrap();
    });
    // The lowest slice goes to somebody else; any other one will do.
    check(Ok("25.00".into()), omar, |db| drop(rent(db, attempt(AIDA, "key")).unwrap()));
    // A try of the same key was faster.
    check(Err(KEY_USED.into()), omar, |db| {
        rent(db, Attempt { id: 77, ..attempt(OMAR, "key") }).unwrap();
    });
    check(Err(KEY_USED.into()), omar, |db| {
        rent(db, Attempt { id: 77, slice: Some(5), ..attempt(OMAR, "key") }).unwrap();
    });
}

#[test]
fn two_tries_of_one_key_make_one_rental() {
    let db = market();
    let first = attempt(OMAR, "key");
    let change = |db: &RusqliteDb| drop(rent(db, first).unwrap());
    let between =
        Between { db: &db, change: RefCell::new(change), saves: Cell::new(0), changes_max: 1 };
    let second = Attempt { id: 77, ..first };
    let answer = order_once(&between, &second, Basis::Request(&first.request()));
    assert_eq!(answer.as_deref(), Ok("([(32, Some(1), 1)], 25000000)"));
    let found = find(&db, account(OMAR), rental_id(first.id)).unwrap().unwrap();
    assert_eq!(slice(&found), 1);
    assert_sound(&db);
    assert_eq!(balance(&db, OMAR), usd("75"));
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
}

#[test]
fn an_offer_that_never_holds_still_is_given_up_on() {
    let db = market();
    let change = |db: &RusqliteDb| publish(db, NODE, "25");
    let between =
        Between { db: &db, change: RefCell::new(change), saves: Cell::new(0), changes_max: 99 };
    let before = (version(&db, NODE), balance(&db, OMAR));
    let outcome = rent(&between, attempt(OMAR, "key"));
    assert_eq!(outcome, Err(RentFailure::Store(StoreError::Busy)));
    assert_eq!(between.saves.get(), 20);
    assert_eq!((version(&db, NODE), balance(&db, OMAR)), (before.0 + 20, before.1));
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
}

#[test]
fn an_id_that_is_taken_takes_nothing() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let before = dump(&db);
    let same_id = Attempt { id: OMAR, ..attempt(AIDA, "key") };
    // A bug of ours, and no reason to try again.
    let violation = StoreError::Violation("UNIQUE orders.id".into());
    assert_eq!(rent(&db, same_id), Err(RentFailure::Store(violation)));
    assert_eq!(dump(&db), before);
}

#[test]
fn renters_see_their_own_rentals_only() {
    let db = market();
    fund(&db, OMAR, "900");
    for number in 1..=7 {
        let at = now().plus_seconds(number.into());
        let key = format!("key-{number}");
        rent(&db, Attempt { id: 10 + number, at, ..attempt(OMAR, &key) }).unwrap();
    }
    let foreign = rent(&db, attempt(AIDA, "key")).unwrap();
    assert_eq!(find(&db, account(OMAR), foreign.life.id), Ok(None));
    assert_eq!(find(&db, account(FARMER), foreign.life.id), Ok(None));
    assert_eq!(of_renter(&db, account(FARMER), Which::All, None, 100), Ok(vec![]));

    let mut slices = vec![];
    let mut before = None;
    for size in [3, 3, 1, 0] {
        let page = of_renter(&db, account(OMAR), Which::All, before, 3).unwrap();
        assert_eq!(page.len(), size);
        before = page.last().map(|rental| rental.life.id);
        slices.extend(page.iter().map(slice));
    }
    assert_eq!(slices, [7, 6, 5, 4, 3, 2, 1]);
}

#[test]
fn a_rental_has_a_history() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    rent(&db, attempt(AIDA, "key")).unwrap();
    pass(&db, rental.life.ends_at, 10);
    pass(&db, rental.life.grace_until().plus_seconds(5), 10);
    let history: Vec<_> = events(&db, rental.life.id)
        .unwrap()
        .into_iter()
        .map(|event| (event.kind, event.at))
        .collect();
    let expected = [
        (EventKind::SliceRented, now()),
        (EventKind::RentalExpired, rental.life.ends_at),
        (EventKind::RentalEnded, rental.life.grace_until().plus_seconds(5)),
    ];
    assert_eq!(history, expected);
}

/// The account of a session that outlived its account cannot rent.
#[test]
fn nobody_unknown_rents() {
    let db = market();
    check(
        &db,
        attempt(9, "key"),
        RentError::InsufficientFunds { total: usd("25"), missing: usd("25") },
    );
    open_account(&db, 9);
    fund(&db, 9, "25");
    by_hand(&db, "PRAGMA foreign_keys = ON").unwrap();
    rent(&db, attempt(9, "key")).unwrap();
}
