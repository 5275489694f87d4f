//! A rental that is offered to somebody else: taken over once, by whom it was offered to.

use domain::order::RentError;
use domain::rental::{Renewal, RentalState, TRANSFER_SECONDS};
use domain::term::Term;
use store::RusqliteDb;
use store::rentals::{
    RenewalSetter, Rental, RentalSettings, SettingsFailure, change_settings, end,
};
use store::renting::Basis;
use store::transfers::{TransferFailure, accept, of_rental, offer, sweep, to_account, withdraw};

use crate::NO_MACHINES;
use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, SLICES_MAX, account, assert_sound, attempt, balance, count,
    email, extend, market, now, order_once, pass, rent, rental_of, states, usd,
};

/// Omar has a month of slice 1, and offers it to somebody.
fn offered(to: u32) -> (RusqliteDb, Rental) {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!(offer(&db, account(OMAR), rental.life.id, &email(to), None, now()), Ok(true));
    (db, rental)
}

fn take(db: &RusqliteDb, who: u32, rental: &Rental) -> Result<(), TransferFailure> {
    accept(db, account(who), rental.life.id, SLICES_MAX, &NO_MACHINES, now().plus_seconds(60))
}

#[test]
fn a_rental_is_taken_over_once() {
    let (db, rental) = offered(AIDA);
    let own = RentalSettings {
        name: "my cluster".into(),
        labels: vec!["a".into()],
        renewal: Some(Renewal { term: Term::Month, max_price: usd("25") }),
        renewal_by: RenewalSetter::Renter,
        auto_start: true,
    };
    assert_eq!(change_settings(&db, account(OMAR), rental.life.id, &own), Ok(()));
    assert_eq!(
        change_settings(&db, account(AIDA), rental.life.id, &own),
        Err(SettingsFailure::NoSuchRental)
    );
    let shown = to_account(&db, account(AIDA), now()).unwrap();
    assert_eq!((shown.len(), shown[0].from.as_str()), (1, email(OMAR).as_str()));
    let mine = of_rental(&db, account(OMAR), rental.life.id, now()).unwrap().unwrap();
    assert_eq!(mine.to, email(AIDA).as_str());
    assert_eq!(of_rental(&db, account(AIDA), rental.life.id, now()), Ok(None));
    take(&db, AIDA, &rental).unwrap();
    let taken = rental_of(&db, AIDA, rental.life.id);
    // What was the old renter's own is gone, money has not moved.
    assert_eq!((taken.name.as_str(), &taken.labels, taken.renewal), ("", &vec![], None));
    assert!(!taken.auto_start);
    assert_eq!((balance(&db, OMAR), balance(&db, AIDA)), (usd("75"), usd("100")));
    assert_eq!(store::rentals::find(&db, account(OMAR), rental.life.id), Ok(None));
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    assert_sound(&db);
    let after = dump(&db);
    assert_eq!(take(&db, AIDA, &rental), Err(TransferFailure::NotOffered));
    assert_eq!(dump(&db), after);
    let kinds = "SELECT count(*) FROM events
                  WHERE kind IN ('rental-transferred', 'rental-received')";
    assert_eq!(count(&db, kinds), 2);
}

#[test]
fn what_comes_back_is_the_new_renters() {
    let (db, rental) = offered(AIDA);
    take(&db, AIDA, &rental).unwrap();
    let half = now().plus_seconds(15 * 86_400);
    let (_, refund) = end(&db, account(AIDA), rental.life.id, None, half).unwrap();
    assert_eq!(refund, usd("12.50"));
    assert_eq!((balance(&db, OMAR), balance(&db, AIDA)), (usd("75"), usd("112.50")));
    assert_sound(&db);
}

/// A retry of the order tells what was made, and not who has it now.
#[test]
fn a_retry_of_the_order_does_not_tell_who_has_it() {
    let (db, rental) = offered(AIDA);
    take(&db, AIDA, &rental).unwrap();
    let retry = attempt(OMAR, "key");
    let again = order_once(&db, &retry, Basis::Request(&retry.request()));
    assert_eq!(again.as_deref(), Ok("([(32, Some(1), 1)], 25000000)"));
}

#[test]
fn whoever_takes_it_pays_what_follows() {
    let (db, rental) = offered(AIDA);
    take(&db, AIDA, &rental).unwrap();
    let more = Attempt { id: 50, ..attempt(AIDA, "more") };
    extend(&db, &more, rental.life.id, None).unwrap();
    assert_eq!((balance(&db, OMAR), balance(&db, AIDA)), (usd("75"), usd("75")));
    pass(&db, now().plus_months(2), 10);
    assert_sound(&db);
}

#[test]
fn it_is_for_whom_it_was_offered_to() {
    let (db, rental) = offered(AIDA);
    let before = dump(&db);
    assert_eq!(take(&db, FARMER, &rental), Err(TransferFailure::NotOffered));
    let aida = account(AIDA);
    assert_eq!(offer(&db, aida, rental.life.id, &email(AIDA), None, now()), Ok(false));
    assert_eq!(withdraw(&db, account(FARMER), rental.life.id), Ok(false));
    assert_eq!(dump(&db), before);
    // Another offer of it takes the place of the first.
    assert_eq!(offer(&db, account(OMAR), rental.life.id, &email(FARMER), None, now()), Ok(true));
    assert_eq!(take(&db, AIDA, &rental), Err(TransferFailure::NotOffered));
    assert_eq!(take(&db, FARMER, &rental), Err(TransferFailure::Rule(RentError::OwnSlice)));
    assert_sound(&db);
}

#[test]
fn either_side_says_no() {
    for who in [AIDA, OMAR] {
        let (db, rental) = offered(AIDA);
        assert_eq!(withdraw(&db, account(who), rental.life.id), Ok(true));
        assert_eq!(withdraw(&db, account(who), rental.life.id), Ok(false));
        assert_eq!(take(&db, AIDA, &rental), Err(TransferFailure::NotOffered));
        assert_eq!(rental_of(&db, OMAR, rental.life.id), rental);
    }
}

#[test]
fn an_offer_is_open_for_a_week() {
    let (db, rental) = offered(AIDA);
    let over = now().plus_seconds(TRANSFER_SECONDS);
    let take_at = |at| accept(&db, account(AIDA), rental.life.id, SLICES_MAX, &NO_MACHINES, at);
    assert_eq!(take_at(over), Err(TransferFailure::NotOffered));
    assert_eq!(to_account(&db, account(AIDA), over), Ok(vec![]));
    sweep(&db, over.plus_seconds(-1)).unwrap();
    take_at(over.plus_seconds(-1)).unwrap();
    let (db, _) = offered(AIDA);
    sweep(&db, over).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM transfers"), 0);
}

#[test]
fn what_has_ended_is_nobodys_to_take() {
    let (db, rental) = offered(AIDA);
    end(&db, account(OMAR), rental.life.id, None, now()).unwrap();
    assert_eq!(take(&db, AIDA, &rental), Err(TransferFailure::NotOffered));
    assert_eq!(offer(&db, account(OMAR), rental.life.id, &email(AIDA), None, now()), Ok(false));
    assert_eq!(count(&db, "SELECT count(*) FROM transfers"), 0);
    // In its grace it still is, and the new renter may extend it.
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, rental.life.ends_at, 10);
    let over = rental.life.ends_at;
    assert_eq!(offer(&db, account(OMAR), rental.life.id, &email(AIDA), None, over), Ok(true));
    accept(&db, account(AIDA), rental.life.id, SLICES_MAX, &NO_MACHINES, over).unwrap();
    let more = Attempt { id: 50, at: over, ..attempt(AIDA, "more") };
    let again = extend(&db, &more, rental.life.id, None).unwrap();
    assert_eq!(again.life.state, RentalState::Active);
    assert_sound(&db);
}

#[test]
fn nobody_takes_over_more_than_they_may_rent() {
    let (db, rental) = offered(AIDA);
    rent(&db, Attempt { id: 60, ..attempt(AIDA, "own") }).unwrap();
    let before = dump(&db);
    let refused = accept(&db, account(AIDA), rental.life.id, 1, &NO_MACHINES, now());
    assert_eq!(refused, Err(TransferFailure::Rule(RentError::OverLimit { slices: 1, max: 1 })));
    assert_eq!(dump(&db), before);
    accept(&db, account(AIDA), rental.life.id, 2, &NO_MACHINES, now()).unwrap();
}

/// The address of a deleted account is nobody's, and nobody's to find.
#[test]
fn an_offer_to_a_deleted_account_is_gone() {
    let (db, _) = offered(AIDA);
    assert_eq!(store::accounts::delete(&db, account(AIDA), now()), Ok(true));
    assert_eq!(count(&db, "SELECT count(*) FROM transfers"), 0);
}
