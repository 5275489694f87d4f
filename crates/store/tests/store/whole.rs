//! A whole node: one rental of all its slices, which offers nothing meanwhile.

use domain::id::NodeId;
use domain::order::RentError;
use domain::rental::RentalState;
use domain::term::Term;
use store::offers::{self, Filter, Sort};
use store::rentals::{Import, Rental, end, import};
use store::renting::RentFailure;
use store::{Refusal, RusqliteDb, StoreError, sync};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, account, assert_sound, attempt, balance, carries, earned,
    extend, fund, market, now, one, pass, rent, rent_all, rental_id, rental_of, report, some,
    states, usd, whole,
};

/// A market whose `NODE` Omar has rented whole.
fn rented() -> (RusqliteDb, Rental) {
    let db = market();
    fund(&db, OMAR, "900");
    let ordered = rent_all(&db, &attempt(OMAR, "key"), &whole(NODE)).unwrap();
    let [rental] = <[Rental; 1]>::try_from(ordered.rentals).unwrap();
    (db, rental)
}

#[test]
fn a_whole_node_is_one_rental_and_offers_nothing() {
    let (db, rental) = rented();
    assert_eq!((rental.slice(), rental.life.slices), (None, 9));
    assert_eq!(balance(&db, OMAR), usd("775"), "$1,000 less nine times $25");
    assert_eq!(states(&db, NODE), "RRRRRRRRR");
    assert_eq!(offers::slices(&db, &Filter::default(), Sort::Price, None, 9, now()), Ok(vec![]));
    assert!(offers::find(&db, NodeId(NODE)).unwrap().unwrap().0.is_rented_whole);
    let before = dump(&db);
    let refused = |request, error| {
        let made = rent_all(&db, &attempt(AIDA, "key"), &request);
        assert_eq!(made, Err(RentFailure::Rule(error)));
    };
    refused(one(3), RentError::SliceTaken);
    refused(some(1), RentError::SoldOut { wanted: 1, free: 0 });
    refused(whole(NODE), RentError::SoldOut { wanted: 9, free: 0 });
    assert_eq!(dump(&db), before);
    assert_sound(&db);
}

#[test]
fn a_node_with_a_rental_is_not_whole() {
    let db = market();
    fund(&db, OMAR, "900");
    rent(&db, attempt(AIDA, "key")).unwrap();
    let taken = RentError::SoldOut { wanted: 9, free: 8 };
    assert_eq!(rent_all(&db, &attempt(OMAR, "key"), &whole(NODE)), Err(RentFailure::Rule(taken)));
}

#[test]
fn what_the_grid_reports_meanwhile_waits_for_the_end() {
    for (capacity, after) in [(12, "aaaaaaaaaaaa"), (4, "aaaa-----"), (0, "---------")] {
        let (db, rental) = rented();
        sync::save_reports(&db, &[(report(NODE), carries(capacity))], now()).unwrap();
        assert_eq!(states(&db, NODE), "RRRRRRRRR");
        assert_eq!(
            offers::slices(&db, &Filter::default(), Sort::Price, None, 9, now()),
            Ok(vec![])
        );
        assert_sound(&db);
        pass(&db, rental.life.ends_at, 10);
        assert_eq!(states(&db, NODE), "RRRRRRRRR", "its renter may have it again");
        assert_eq!(earned(&db, FARMER), usd("202.50"), "nine times $22.50");
        pass(&db, rental.life.grace_until(), 10);
        assert_eq!(states(&db, NODE), after);
        assert!(!offers::find(&db, NodeId(NODE)).unwrap().unwrap().0.is_rented_whole);
        assert_sound(&db);
    }
}

#[test]
fn a_whole_node_is_extended_and_ended_as_one() {
    let (db, rental) = rented();
    let longer = Attempt { id: 50, term: Term::Quarter, ..attempt(OMAR, "longer") };
    // Nine times $71.25, though the node would carry more by now.
    sync::save_reports(&db, &[(report(NODE), carries(12))], now()).unwrap();
    extend(&db, &longer, rental.life.id, None).unwrap();
    assert_eq!(balance(&db, OMAR), usd("133.75"));
    let half = now().plus_seconds(15 * 86_400);
    let (ended, refund) = end(&db, account(OMAR), rental.life.id, None, half).unwrap();
    assert_eq!(refund, usd("112.50") + usd("641.25"));
    assert_eq!(ended.life.state, RentalState::Ended);
    assert_eq!(states(&db, NODE), "aaaaaaaaaaaa");
    assert_sound(&db);
}

/// A rental of the node from before there were slices, for three months, that is half over.
fn imported(node: u32) -> Import {
    Import {
        id: rental_id(80),
        node: NodeId(node),
        renter: account(OMAR),
        started_at: now().plus_seconds(-45 * 86_400),
        months: 3,
        price: usd("20"),
    }
}

#[test]
fn a_rental_from_before_there_were_slices_is_taken_over() {
    let db = market();
    import(&db, &imported(NODE), now()).unwrap();
    assert_eq!(states(&db, NODE), "RRRRRRRRR");
    assert_sound(&db);
    let rental = rental_of(&db, OMAR, rental_id(80));
    assert_eq!((rental.life.slices, rental.life.held()), (9, usd("1") - usd("1")));
    assert_eq!(rental.life.ends_at, imported(NODE).started_at.plus_months(3));
    let before = dump(&db);
    let again = import(&db, &imported(NODE), now());
    assert_eq!(again, Err(StoreError::Refused(Refusal::NodeInUse)));
    assert_eq!(dump(&db), before);
    // Nothing was paid here, and nothing comes back; what follows is paid.
    fund(&db, OMAR, "900");
    let longer = Attempt { id: 50, ..attempt(OMAR, "longer") };
    let longer = extend(&db, &longer, rental.life.id, None).unwrap();
    assert_eq!(balance(&db, OMAR), usd("820"), "$1,000 less nine times $20");
    assert_eq!(longer.life.ends_at, imported(NODE).started_at.plus_months(4));
    pass(&db, rental.life.ends_at, 10);
    assert_eq!(earned(&db, FARMER).micros(), 0);
    assert_sound(&db);
    pass(&db, longer.life.ends_at, 10);
    assert_eq!(earned(&db, FARMER), usd("162"));
    pass(&db, longer.life.grace_until(), 10);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    assert_sound(&db);
}

#[test]
fn an_import_ends_without_money() {
    let db = market();
    import(&db, &imported(NODE), now()).unwrap();
    let (_, refund) = end(&db, account(OMAR), rental_id(80), None, now()).unwrap();
    assert_eq!(refund.micros(), 0);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    assert_sound(&db);
}

#[test]
fn nothing_is_imported_over_what_is_rented_or_held() {
    let db = market();
    let refused = |import_of: Import| {
        let before = dump(&db);
        let refused = import(&db, &import_of, now());
        assert!(
            matches!(refused, Err(StoreError::Refused(_) | StoreError::Violation(_))),
            "{refused:?}"
        );
        assert_eq!(dump(&db), before);
    };
    refused(Import { renter: account(FARMER), ..imported(NODE) });
    refused(imported(99));
    crate::market::quote(&db, 1, AIDA, &some(1), true, now()).unwrap();
    refused(imported(NODE));
    store::quotes::release(&db, account(AIDA), crate::market::quote_id(1), now()).unwrap();
    rent(&db, attempt(AIDA, "key")).unwrap();
    refused(imported(NODE));
}
