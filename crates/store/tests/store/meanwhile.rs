//! Something happens between the look and the save: it is decided again, or is refused.

use std::cell::RefCell;

use domain::money::Percent;
use domain::order::HOLDS_MAX;
use domain::order::RentError;
use domain::rental::{ExtendError, Renewal, RentalState};
use domain::term::Term;
use store::quotes::{NewQuote, make};
use store::rentals::{ChangeFailure, RenewalSetter, Rental, RentalSettings, change_settings, end};
use store::renting::{Basis, RentFailure};
use store::transfers::{TransferFailure, accept, offer, withdraw};
use store::{Db, Rows, RusqliteDb, StoreError, Value, due};

use crate::NO_MACHINES;
use crate::market::{
    AIDA, Attempt, NODE, OMAR, SLICES_MAX, account, assert_sound, attempt, balance, count, email,
    extend, fund, market, now, one, order, order_id, publish, quote, quote_id, rent, rental_of,
    some, usd,
};

/// A connection on which something happens before the first statement that contains a text.
pub(crate) struct Meanwhile<'a, F> {
    db: &'a RusqliteDb,
    before: &'static str,
    change: RefCell<Option<F>>,
}

impl<F: FnOnce(&RusqliteDb)> Db for Meanwhile<'_, F> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        if sql.contains(self.before)
            && let Some(change) = self.change.borrow_mut().take()
        {
            change(self.db);
        }
        self.db.run(sql, params)
    }
}

pub(crate) fn meanwhile<'a, F: FnOnce(&RusqliteDb)>(
    db: &'a RusqliteDb,
    before: &'static str,
    change: F,
) -> Meanwhile<'a, F> {
    Meanwhile { db, before, change: RefCell::new(Some(change)) }
}

const CHANGE: &str = "INSERT INTO change_rental";

/// Omar has $900 and a month of slice 1.
fn rented() -> (RusqliteDb, Rental) {
    let db = market();
    fund(&db, OMAR, "825");
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    (db, rental)
}

fn more(key: &str) -> Attempt<'_> {
    Attempt { id: 50, ..attempt(OMAR, key) }
}

#[test]
fn a_third_hold_is_not_joined_by_a_fourth() {
    let db = market();
    for number in 1..HOLDS_MAX {
        quote(&db, number, OMAR, &some(1), true, now()).unwrap();
    }
    let request = some(1);
    let new = NewQuote {
        id: quote_id(9),
        request: &request,
        account: account(OMAR),
        token: None,
        slices_max: SLICES_MAX,
        platform_fee: Percent::whole(10),
        is_held: true,
        sign: &|_| None,
    };
    let faster = meanwhile(&db, "INSERT INTO keep_quote", |db| {
        // Another slice: it is the count that is in the way.
        quote(db, HOLDS_MAX, OMAR, &one(9), true, now()).unwrap();
    });
    let refused = RentError::TooManyHolds(HOLDS_MAX);
    assert_eq!(make(&faster, &new, now()), Err(RentFailure::Rule(refused)));
    assert_sound(&db);
}

#[test]
fn a_quote_has_the_price_of_the_moment_at_which_it_is_made() {
    let db = market();
    let request = some(2);
    for is_held in [true, false] {
        let new = NewQuote {
            id: quote_id(u32::from(is_held)),
            request: &request,
            account: account(OMAR),
            token: None,
            slices_max: SLICES_MAX,
            platform_fee: Percent::whole(10),
            is_held,
            sign: &|_| None,
        };
        let price = if is_held { "30" } else { "35" };
        let faster = meanwhile(&db, "INSERT INTO keep_quote", |db| publish(db, NODE, price));
        let made = make(&faster, &new, now()).unwrap();
        assert_eq!(made.total(), usd(price) + usd(price));
        assert_sound(&db);
    }
}

#[test]
fn a_quote_that_is_used_or_given_back_meanwhile_is_no_more() {
    let db = market();
    let told = quote(&db, 1, OMAR, &some(1), true, now()).unwrap();
    let faster = meanwhile(&db, "INSERT INTO rent\n", |db| {
        order(db, &attempt(OMAR, "other"), Basis::Quote(&told)).unwrap();
    });
    let used = order(&faster, &more("key"), Basis::Quote(&told));
    assert_eq!(used, Err(RentFailure::QuoteUsed));
    let told = quote(&db, 2, OMAR, &some(1), true, now()).unwrap();
    let late = Attempt { at: now().plus_seconds(5), ..more("key") };
    let faster = meanwhile(&db, "INSERT INTO rent\n", |db| {
        store::quotes::release(db, account(OMAR), told.id, now().plus_seconds(4)).unwrap();
    });
    let given_back = order(&faster, &late, Basis::Quote(&told));
    assert_eq!(given_back, Err(RentFailure::QuoteExpired));
    // Given back by a machine whose clock is ahead: what was held has the market's price again.
    let told = quote(&db, 3, OMAR, &some(1), true, now()).unwrap();
    let faster = meanwhile(&db, "INSERT INTO rent\n", |db| {
        publish(db, NODE, "30");
        store::quotes::release(db, account(OMAR), told.id, now().plus_seconds(60)).unwrap();
    });
    let dearer = order(&faster, &late, Basis::Quote(&told));
    assert_eq!(dearer, Err(RentFailure::Rule(RentError::OfferChanged)));
    assert_sound(&db);
}

#[test]
fn what_is_extended_meanwhile_is_ended_whole() {
    let (db, rental) = rented();
    let faster = meanwhile(&db, CHANGE, |db| {
        extend(db, &more("more"), rental.life.id, None).unwrap();
    });
    let half = now().plus_seconds(15 * 86_400);
    let (_, refund) = end(&faster, account(OMAR), rental.life.id, None, half).unwrap();
    assert_eq!(refund, usd("37.50"), "half of the first month, and all of the second");
    assert_sound(&db);
    // What was confirmed is not that.
    let (db, rental) = rented();
    let faster = meanwhile(&db, CHANGE, |db| {
        extend(db, &more("more"), rental.life.id, None).unwrap();
    });
    let refused = end(&faster, account(OMAR), rental.life.id, Some(usd("12.50")), half);
    let (refund, confirmed) = (usd("37.50"), usd("12.50"));
    assert_eq!(refused, Err(ChangeFailure::RefundChanged { refund, confirmed }));
}

#[test]
fn what_ends_or_goes_meanwhile_is_not_extended() {
    let (db, rental) = rented();
    let faster = meanwhile(&db, CHANGE, |db| {
        end(db, account(OMAR), rental.life.id, None, now()).unwrap();
    });
    let refused = extend(&faster, &more("more"), rental.life.id, None);
    assert_eq!(refused, Err(ChangeFailure::Extend(ExtendError::Ended)));
    assert_eq!(balance(&db, OMAR), usd("925"));
    assert_sound(&db);
    let (db, rental) = rented();
    offer(&db, account(OMAR), rental.life.id, &email(AIDA), None, now()).unwrap();
    let faster = meanwhile(&db, CHANGE, |db| {
        accept(db, account(AIDA), rental.life.id, 9, &NO_MACHINES, now()).unwrap();
    });
    let refused = extend(&faster, &more("more"), rental.life.id, None);
    assert_eq!(refused, Err(ChangeFailure::NoSuchRental));
    assert_eq!((balance(&db, OMAR), balance(&db, AIDA)), (usd("900"), usd("100")));
    assert_sound(&db);
}

#[test]
fn a_day_is_not_earned_twice() {
    let (db, rental) = rented();
    let at = now().plus_seconds(86_400);
    let faster = meanwhile(&db, CHANGE, |db| drop(due::earn(db, at, 9).unwrap()));
    assert_eq!(due::earn(&faster, at, 9).unwrap(), vec![]);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.held(), usd("24.17"));
    assert_sound(&db);
    let over = rental.life.ends_at;
    let faster = meanwhile(&db, CHANGE, |db| drop(due::expire(db, over, 9).unwrap()));
    assert_eq!(due::expire(&faster, over, 9).unwrap(), vec![]);
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-expired'"), 1);
    assert_sound(&db);
}

/// Its renter extends it at the last moment of the grace, while a run is about to free it.
#[test]
fn what_is_extended_meanwhile_is_not_freed() {
    let (db, rental) = rented();
    due::expire(&db, rental.life.ends_at, 9).unwrap();
    let (last, free) = (rental.life.grace_until().plus_seconds(-1), rental.life.grace_until());
    let faster = meanwhile(&db, CHANGE, |db| {
        extend(db, &Attempt { at: last, ..more("more") }, rental.life.id, None).unwrap();
    });
    assert_eq!(due::expire(&faster, free, 9).unwrap(), vec![]);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.state, RentalState::Active);
    assert_sound(&db);
}

#[test]
fn a_renewal_that_is_not_wanted_any_more_waits_for_the_next_look() {
    let (db, rental) = rented();
    let renewal = Some(Renewal { term: Term::Month, max_price: usd("25") });
    let own = RentalSettings {
        name: String::new(),
        labels: vec![],
        renewal,
        renewal_by: RenewalSetter::Renter,
        auto_start: false,
    };
    change_settings(&db, account(OMAR), rental.life.id, &own).unwrap();
    let at = rental.life.ends_at;
    let notice = &due::renewing(&db, at, 9).unwrap()[0];
    let faster = meanwhile(&db, CHANGE, |db| {
        end(db, account(OMAR), rental.life.id, None, at).unwrap();
    });
    assert_eq!(due::renew(&faster, notice, Percent::whole(10), order_id(80), at), Ok(None));
    assert_eq!(balance(&db, OMAR), usd("900"));
    assert_sound(&db);
}

#[test]
fn what_is_taken_back_or_ends_meanwhile_is_not_taken_over() {
    let changes: [fn(&RusqliteDb, &Rental); 2] = [
        |db, rental| assert_eq!(withdraw(db, account(OMAR), rental.life.id), Ok(true)),
        |db, rental| drop(end(db, account(OMAR), rental.life.id, None, now()).unwrap()),
    ];
    for change in changes {
        let (db, rental) = rented();
        offer(&db, account(OMAR), rental.life.id, &email(AIDA), None, now()).unwrap();
        let faster = meanwhile(&db, "INSERT INTO take_over_rental", |db| change(db, &rental));
        let refused = accept(&faster, account(AIDA), rental.life.id, 9, &NO_MACHINES, now());
        assert_eq!(refused, Err(TransferFailure::NotOffered));
        assert_sound(&db);
    }
    // Or its new renter rents as much as they may.
    let (db, rental) = rented();
    offer(&db, account(OMAR), rental.life.id, &email(AIDA), None, now()).unwrap();
    let faster = meanwhile(&db, "INSERT INTO take_over_rental", |db| {
        rent(db, Attempt { id: 60, ..attempt(AIDA, "key") }).unwrap();
    });
    let refused = accept(&faster, account(AIDA), rental.life.id, 1, &NO_MACHINES, now());
    assert_eq!(refused, Err(TransferFailure::Rule(RentError::OverLimit { slices: 1, max: 1 })));
}

#[test]
fn an_account_does_not_pass_its_limit_meanwhile() {
    let db = market();
    let limited = Attempt { slices_max: 1, ..attempt(OMAR, "key") };
    let faster = meanwhile(&db, "INSERT INTO rent\n", |db| {
        rent(db, Attempt { id: 60, ..attempt(OMAR, "other") }).unwrap();
    });
    let over = RentError::OverLimit { slices: 1, max: 1 };
    assert_eq!(rent(&faster, limited), Err(RentFailure::Rule(over)));
    assert_sound(&db);
}
