//! Extensions: what they cost, what they need the renter's word for, and that each happens once.

use domain::event::EventKind;
use domain::listing::Listing;
use domain::order::RentError;
use domain::rental::{ExtendError, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use store::RusqliteDb;
use store::rentals::{ChangeFailure, Rental, events};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, KEY_USED, NODE, OMAR, assert_sound, attempt, balance, count, earned,
    extend, extend_once, fund, market, now, pass, publish, rent, rental_of, set, states, usd,
};

/// Omar has $900 and a month of slice 1, since `started_at`.
fn rented(started_at: Timestamp) -> (RusqliteDb, Rental) {
    let db = market();
    fund(&db, OMAR, "825");
    let rental = rent(&db, Attempt { at: started_at, ..attempt(OMAR, "key") }).unwrap();
    (db, rental)
}

/// A try to extend it.
fn longer(key: &str, term: Term, at: Timestamp) -> Attempt<'_> {
    Attempt { id: 50, term, at, ..attempt(OMAR, key) }
}

#[track_caller]
fn check_refused(
    db: &RusqliteDb,
    attempt: &Attempt<'_>,
    rental: &Rental,
    max_price: Option<&str>,
    expected: impl Into<ChangeFailure>,
) {
    let before = dump(db);
    assert_eq!(extend(db, attempt, rental.life.id, max_price), Err(expected.into()));
    assert_eq!(dump(db), before);
}

#[test]
fn an_extension_follows_the_last_term_and_is_paid_at_once() {
    let (db, rental) = rented(now());
    let more = longer("more", Term::Quarter, now().plus_seconds(5));
    let extended = extend(&db, &more, rental.life.id, None).unwrap();
    assert_eq!(balance(&db, OMAR), usd("828.75"), "$900 less $71.25");
    assert_eq!(extended.life.ends_at, now().plus_months(4));
    assert_eq!(extended.life.periods.len(), 2);
    assert_eq!(extended.life.periods[1].starts_at, rental.life.ends_at);
    assert_eq!(extended.life.held(), usd("96.25"));
    assert_sound(&db);
    // A retry gets its response, another request with its key is refused.
    let after = dump(&db);
    let once = |attempt| extend_once(&db, &attempt, rental.life.id, None);
    assert_eq!(once(more), Ok(extended.life.ends_at.to_string()));
    assert_eq!(once(Attempt { term: Term::Year, ..more }), Err(KEY_USED.into()));
    assert_eq!(once(Attempt { key: "key", ..more }), Err(KEY_USED.into()));
    assert_eq!(extend(&db, &more, rental.life.id, None), Err(KEY_USED.into()));
    assert_eq!(dump(&db), after);
    // What is answered is what is saved.
    assert_eq!(rental_of(&db, OMAR, rental.life.id), extended);
    let kinds: Vec<EventKind> =
        events(&db, rental.life.id).unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::SliceRented, EventKind::RentalExtended]);
    pass(&db, rental.life.ends_at, 10);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.state, RentalState::Active);
    pass(&db, now().plus_months(4), 10);
    assert_eq!(earned(&db, FARMER), usd("22.50") + usd("64.13"));
    assert_sound(&db);
}

#[test]
fn nobody_extends_what_is_anothers() {
    let (db, rental) = rented(now());
    let others = Attempt { renter: AIDA, ..longer("more", Term::Month, now()) };
    check_refused(&db, &others, &rental, None, ChangeFailure::NoSuchRental);
}

/// Months are counted from the start: from Jan 31, the second ends on Mar 31, not on Mar 28.
#[test]
fn months_are_counted_from_the_start() {
    let january_31 = Timestamp::from_seconds(1_801_396_800);
    assert_eq!(january_31.to_string(), "2027-01-31T12:00:00Z");
    let (db, rental) = rented(january_31);
    assert_eq!(rental.life.ends_at.to_string(), "2027-02-28T12:00:00Z");
    for (number, end) in ["2027-03-31T12:00:00Z", "2027-04-30T12:00:00Z", "2027-05-31T12:00:00Z"]
        .into_iter()
        .enumerate()
    {
        let key = format!("more-{number}");
        let id = 50 + u32::try_from(number).unwrap();
        let more = Attempt { id, ..longer(&key, Term::Month, january_31) };
        let extended = extend(&db, &more, rental.life.id, None).unwrap();
        assert_eq!(extended.life.ends_at.to_string(), end);
        assert_sound(&db);
    }
}

#[test]
fn its_own_price_is_guaranteed_for_a_year() {
    let (db, rental) = rented(now());
    publish(&db, NODE, "40");
    assert_eq!(rental.life.price_until, now().plus_months(13));
    let year = longer("year", Term::Year, now());
    extend(&db, &year, rental.life.id, None).unwrap();
    assert_eq!(balance(&db, OMAR), usd("645"), "$255 for a year at $25");
}

#[test]
fn a_raise_needs_the_renters_word() {
    let (db, rental) = rented(now());
    extend(&db, &longer("year", Term::Year, now()), rental.life.id, None).unwrap();
    publish(&db, NODE, "40");
    // Its term ends where the price does: from there on, it is the farmer's.
    let more = Attempt { id: 51, ..longer("more", Term::Month, now()) };
    let raised = ExtendError::PriceRaised { agreed: usd("25"), price: usd("40") };
    check_refused(&db, &more, &rental, None, raised);
    check_refused(&db, &more, &rental, Some("39.99"), raised);
    set(&db, NODE, Some(usd("40")), Listing::Paused);
    check_refused(&db, &more, &rental, Some("50"), ExtendError::NotOffered);
    set(&db, NODE, Some(usd("40")), Listing::Published);
    let extended = extend(&db, &more, rental.life.id, Some("40")).unwrap();
    assert_eq!(balance(&db, OMAR), usd("605"));
    assert_eq!(extended.life.price, usd("40"));
    assert_eq!(extended.life.price_until, extended.life.ends_at.plus_months(12));
    assert_sound(&db);
    // A lower price needs no word.
    let (db, rental) = rented(now());
    extend(&db, &longer("year", Term::Year, now()), rental.life.id, None).unwrap();
    publish(&db, NODE, "5");
    extend(&db, &more, rental.life.id, None).unwrap();
    assert_eq!(balance(&db, OMAR), usd("640"));
}

#[test]
fn a_ceiling_below_the_own_price_is_kept_to() {
    let (db, rental) = rented(now());
    let more = longer("more", Term::Month, now());
    let (price, max) = (usd("25"), usd("24.99"));
    let refused = ExtendError::Money(RentError::AboveMaxPrice { price, max });
    check_refused(&db, &more, &rental, Some("24.99"), refused);
    extend(&db, &more, rental.life.id, Some("25")).unwrap();
}

#[test]
fn in_its_grace_only_the_renter_takes_it_again() {
    let (db, rental) = rented(now());
    let over = rental.life.ends_at;
    pass(&db, over, 10);
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    let last = rental.life.grace_until().plus_seconds(-1);
    let late = Attempt { at: rental.life.grace_until(), ..longer("late", Term::Month, over) };
    check_refused(&db, &late, &rental, None, ExtendError::Ended);
    let again = extend(&db, &Attempt { at: last, ..late }, rental.life.id, None).unwrap();
    assert_eq!((again.life.state, again.life.ends_at), (RentalState::Active, now().plus_months(2)));
    assert_sound(&db);
    // Before the run that begins the grace, it is the same.
    let (db, rental) = rented(now());
    check_refused(&db, &late, &rental, None, ExtendError::Ended);
    let again = extend(&db, &Attempt { at: last, ..late }, rental.life.id, None).unwrap();
    assert_eq!((again.life.state, again.life.ends_at), (RentalState::Active, now().plus_months(2)));
    assert_sound(&db);
    // What was not earned in time is due at once; the days of the new term at their own time.
    let due_at = "SELECT earns_at FROM rentals";
    assert_eq!(count(&db, due_at), last.seconds());
    pass(&db, last, 10);
    assert_eq!(earned(&db, FARMER), usd("22.50") + usd("0.72"), "and one day of 31");
    assert_eq!(count(&db, due_at), rental.life.grace_until().seconds());
    pass(&db, now().plus_months(2), 10);
    assert_eq!(earned(&db, FARMER), usd("45"));
    assert_sound(&db);
}

#[test]
fn what_has_ended_stays_so() {
    let (db, rental) = rented(now());
    pass(&db, rental.life.ends_at, 10);
    pass(&db, rental.life.grace_until(), 10);
    let more = longer("more", Term::Month, now());
    check_refused(&db, &more, &rental, None, ExtendError::Ended);
}

#[test]
fn nobody_pays_too_far_ahead_or_what_they_have_not() {
    let (db, rental) = rented(now());
    fund(&db, OMAR, "600");
    for (number, key) in ["one", "two"].into_iter().enumerate() {
        let id = 50 + u32::try_from(number).unwrap();
        let year = Attempt { id, ..longer(key, Term::Year, now()) };
        extend(&db, &year, rental.life.id, None).unwrap();
    }
    let third = Attempt { id: 53, ..longer("three", Term::Year, now()) };
    check_refused(&db, &third, &rental, Some("999"), ExtendError::TooFarAhead);
    let (db, _) = rented(now());
    let year = Attempt { renter: AIDA, ..longer("year", Term::Year, now()) };
    let aida = rent(&db, Attempt { id: 60, ..attempt(AIDA, "key") }).unwrap();
    let (total, missing) = (usd("255"), usd("180"));
    let poor = ExtendError::Money(RentError::InsufficientFunds { total, missing });
    check_refused(&db, &year, &aida, None, poor);
}
