//! Earnings of farms that nobody has verified: not paid out until the farm is verified, or renters
//! have used it for a month.

use domain::id::NodeId;
use domain::money::Usd;
use domain::payout::{PROVEN_DAYS, RequestError};
use domain::term::Term;
use domain::time::Timestamp;
use domain::top_up::settles_at;
use store::farms::{
    Checked, GridFarm, TakeOver, VerificationMethod, check, revoke, take_over, verify,
};
use store::payouts::{self, RequestFailure, UnprovenFarm};
use store::top_ups::Settled;
use store::{Db, Refusal, RusqliteDb, StoreError, accounts, rentals};

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, count,
    evaluate, last_week, market, now, pass, rent, usd,
};
use crate::payouts::ask;
use crate::top_ups::{begin, pay};

const FARM: u32 = 1;
const DAY: i64 = 86_400;

fn day(count: i64) -> Timestamp {
    now().plus_seconds(count * DAY)
}

/// A market whose farmer is paid to an address, and has verified nothing.
fn unproven_market() -> RusqliteDb {
    let db = market();
    accounts::set_payout(&db, account(FARMER), "BE71", None, last_week()).unwrap();
    db
}

fn proves(db: &dyn Db, who: u32, at: Timestamp) {
    let farm = GridFarm { id: FARM, name: "Freefarm".into(), twin: 2, account: "5Grwva".into() };
    verify(db, &farm, account(who), VerificationMethod::Signature, at).unwrap();
}

/// The jobs run once a day, from one day on to another.
fn live(db: &dyn Db, days: std::ops::RangeInclusive<i64>) {
    days.for_each(|count| pass(db, day(count), 99));
}

fn held(db: &dyn Db) -> Usd {
    payouts::unproven(db, account(FARMER)).unwrap().iter().fold(Usd::ZERO, |sum, it| sum + it.held)
}

fn balance(db: &dyn Db) -> Usd {
    payouts::funds(db, account(FARMER), now()).unwrap().balance
}

/// What the farmer can ask for then, once all that is over was compared with its SLA.
fn payable(db: &dyn Db, at: Timestamp) -> Usd {
    payouts::funds(db, account(FARMER), at).unwrap().payable()
}

#[test]
fn what_an_unverified_farm_earns_is_paid_out_once_it_is_verified() {
    let db = unproven_market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, now().plus_months(2), 10);
    evaluate(&db, now().plus_months(2));
    assert_eq!((balance(&db), held(&db)), (usd("22.50"), usd("22.50")));
    let farm = UnprovenFarm {
        farm: FARM,
        name: "Freefarm".into(),
        held: usd("22.50"),
        days: 1,
        is_of_another: false,
    };
    assert_eq!(payouts::unproven(&db, account(FARMER)), Ok(vec![farm]));
    let nothing = RequestError::InsufficientFarmerEarnings { balance: Usd::ZERO };
    assert_eq!(ask(&db, 1, "5"), Err(RequestFailure::Rule(nothing)));
    // Whoever was faster than the eye is stopped by the database.
    let by_force = "INSERT INTO request_payout
                    SELECT 'p', id, 5000000, 'BE71', json_object('kind', 'payout-request',
                           'reference', 'p', 'reason', '', 'entries', json_array(
                               json_object('kind', 'earnings', 'owner', id, 'micros', -5000000),
                               json_object('kind', 'escrow', 'owner', 'p', 'micros', 5000000))), 5,
                           60, NULL, 0
                      FROM accounts WHERE payout_address IS NOT NULL";
    let refused = db.run(by_force, &[]).unwrap_err();
    assert!(refused == StoreError::Refused(Refusal::EarningsWithheld), "{refused}");
    proves(&db, OTHER_FARMER, now());
    assert!(payouts::unproven(&db, account(FARMER)).unwrap()[0].is_of_another);
    assert_eq!(payable(&db, now()), Usd::ZERO);
    proves(&db, FARMER, now());
    assert_eq!((held(&db), payable(&db, now())), (Usd::ZERO, usd("22.50")));
    ask(&db, 1, "22.50").unwrap();
    assert_sound(&db);
}

#[test]
fn a_farm_that_was_used_for_a_month_pays_out() {
    let db = unproven_market();
    rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    let last = i64::from(PROVEN_DAYS);
    live(&db, 1..=last - 1);
    // Several runs and rentals of a day are one day.
    rent(&db, Attempt { id: 60, at: day(last - 2), ..attempt(AIDA, "key") }).unwrap();
    for _ in 0..3 {
        pass(&db, day(last - 1).plus_seconds(60), 99);
    }
    assert_eq!(payouts::unproven(&db, account(FARMER)).unwrap()[0].days, PROVEN_DAYS - 1);
    assert_eq!((held(&db), payable(&db, day(last))), (balance(&db), Usd::ZERO));
    live(&db, last..=last);
    assert_eq!(held(&db), Usd::ZERO);
    assert!(payable(&db, day(last)) > Usd::ZERO);
    // It stays so, also for what is earned later.
    live(&db, last + 1..=last + 2);
    assert_eq!(held(&db), Usd::ZERO);
    assert_sound(&db);
}

/// The farmer's friends rent and end, many times in a minute or once a day: nobody has kept a
/// machine.
#[test]
fn rentals_that_end_at_once_prove_nothing() {
    let db = unproven_market();
    for nth in 0..40 {
        let at = day(i64::from(nth));
        let key = format!("key-{nth}");
        let tried = Attempt { id: 100 + nth, at, ..attempt(OMAR, &key) };
        let rental = rent(&db, tried).unwrap().life.id;
        rentals::end(&db, account(OMAR), rental, None, at.plus_seconds(7_200)).unwrap();
    }
    assert!(balance(&db) > usd("1"));
    assert_eq!(held(&db), balance(&db));
    assert_eq!(count(&db, "SELECT count(*) FROM farm_uses"), 0);
    assert_sound(&db);
}

/// What was earned while the farm was verified stays free, and what is earned while it is not is
/// held until the grid gives it back.
#[test]
fn a_farm_that_is_lost_holds_what_it_earns_until_it_is_back() {
    let db = unproven_market();
    proves(&db, FARMER, now());
    rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    live(&db, 1..=3);
    let before = balance(&db);
    assert_eq!(held(&db), Usd::ZERO);
    let said = |twin, at| check(&db, &[Checked { id: FARM, name: None, twin }], at).unwrap();
    said(None, day(3));
    said(None, day(4).plus_seconds(1));
    assert_eq!(count(&db, "SELECT count(*) FROM lost_farms"), 1);
    live(&db, 5..=8);
    assert_eq!(held(&db), balance(&db) - before);
    said(Some(2), day(9));
    assert_eq!(held(&db), Usd::ZERO);
    // Whoever lost it by the operator's word waits as anybody does.
    assert_eq!(revoke(&db, FARM, day(9)), Ok(Some(account(FARMER))));
    live(&db, 9..=9);
    assert!(held(&db) > Usd::ZERO);
    assert_sound(&db);
}

/// The owner takes a node over from who had registered it: what that one has earned stays held, and
/// the owner's own is free.
#[test]
fn who_loses_a_node_to_its_owner_is_not_paid_for_it() {
    let db = unproven_market();
    rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    live(&db, 1..=20);
    let before = held(&db);
    assert_eq!(before, balance(&db));
    proves(&db, OTHER_FARMER, day(20));
    let taken = take_over(&db, NodeId(NODE), account(OTHER_FARMER), day(20));
    assert_eq!(taken, Ok(TakeOver::Done));
    live(&db, 21..=60);
    assert_eq!((held(&db), payable(&db, day(60))), (before, Usd::ZERO));
    let owner = payouts::funds(&db, account(OTHER_FARMER), day(60)).unwrap();
    assert!(owner.balance > Usd::ZERO && owner.unproven == Usd::ZERO);
    assert_sound(&db);
}

/// Money by card is held for one reason at a time, and by the other once the first is gone.
#[test]
fn what_is_proven_before_it_has_settled_waits_for_that() {
    let db = unproven_market();
    let top_up = begin(&db, OMAR, 1, "50");
    assert_eq!(pay(&db, top_up, "pi_1", 5_000), Settled::Credited);
    rent(&db, attempt(OMAR, "key")).unwrap();
    rent(&db, Attempt { id: 60, ..attempt(AIDA, "key") }).unwrap();
    live(&db, 1..=10);
    let funds = || payouts::funds(&db, account(FARMER), day(10)).unwrap();
    let (all, half) = (funds().balance, Usd::from_micros(funds().balance.micros() / 2));
    let withheld = funds().withheld;
    let held = "SELECT sum(micros) FROM unproven_earnings";
    assert_eq!(count(&db, held), all.micros());
    assert_eq!(count(&db, "SELECT count(*) FROM unsettled_earnings"), 0);
    proves(&db, FARMER, day(10));
    assert_eq!((funds().unproven, funds().unsettled), (Usd::ZERO, half.min(all - withheld)));
    assert_eq!(count(&db, "SELECT sum(micros) FROM unsettled_earnings"), half.micros());
    // Once it has settled, it is held no longer.
    pass(&db, settles_at(now()), 99);
    assert_eq!(count(&db, "SELECT count(*) FROM unsettled_earnings"), 0);
    assert_sound(&db);
}
