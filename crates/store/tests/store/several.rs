//! Several slices in one order: all or none, spread as wanted, within what the account may have.

use std::collections::BTreeSet;

use domain::id::NodeId;
use domain::listing::Listing;
use domain::order::{Filter, RentError, RentRequest, Spread, Wanted};
use domain::term::Term;
use store::renting::{Basis, RentFailure};
use store::{RusqliteDb, sync};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, SLICES_MAX, account, assert_sound, attempt,
    balance, carries, count, fund, market, now, order_once, pass, publish, register, rent,
    rent_all, report, request, set, shown, slice, some, states, usd,
};

/// So many slices of the market, of which each costs at most `max` dollars.
fn market_wide(count: u32, spread: Spread, max: Option<&str>) -> RentRequest {
    let filter = Filter { max_price: max.map(usd), ..Filter::default() };
    request(Wanted::OnMarket { filter, count, spread })
}

/// The nodes of an order's rentals, in order.
fn nodes_of(
    db: &RusqliteDb,
    attempt: &Attempt<'_>,
    request: &RentRequest,
) -> Result<Vec<u32>, RentFailure> {
    let ordered = rent_all(db, attempt, request)?;
    Ok(ordered.rentals.iter().map(|rental| rental.life.node.0).collect())
}

#[test]
fn several_slices_are_rented_as_one() {
    let db = market();
    let ordered = rent_all(&db, &attempt(OMAR, "key"), &some(4)).unwrap();
    assert_eq!(ordered.rentals.iter().map(slice).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!((ordered.total, balance(&db, OMAR)), (usd("100"), usd("0.01") - usd("0.01")));
    assert_eq!(states(&db, NODE), "RRRRaaaaa");
    assert_eq!(count(&db, "SELECT count(*) FROM orders"), 1);
    assert_eq!(count(&db, "SELECT count(*) FROM ledger_transactions WHERE kind = 'rental'"), 4);
    assert_sound(&db);
    // A retry gets them all, whatever has become of them.
    pass(&db, now().plus_months(2), 100);
    let retry = Attempt { id: 70, ..attempt(OMAR, "key") };
    assert_eq!(order_once(&db, &retry, Basis::Request(&some(4))), Ok(shown(&ordered)));
}

#[test]
fn all_of_them_or_none() {
    let db = market();
    fund(&db, OMAR, "24.99");
    let before = dump(&db);
    let rule = |error| Err(RentFailure::Rule(error));
    let refused = |count| rent_all(&db, &attempt(OMAR, "key"), &some(count));
    let (total, missing) = (usd("125"), usd("0.01"));
    assert_eq!(refused(5), rule(RentError::InsufficientFunds { total, missing }));
    assert_eq!(refused(10), rule(RentError::SoldOut { wanted: 10, free: 9 }));
    assert_eq!(dump(&db), before);
}

#[test]
fn slices_are_spread_over_the_market() {
    let place = |farm: i64, country: &str| (farm, country.to_owned());
    let db = market();
    fund(&db, OMAR, "9000");
    for (node, (farm_id, country), slices, price) in [
        (40, place(1, "Belgium"), 2, "10"),
        (41, place(2, "Belgium"), 3, "11"),
        (42, place(2, "Austria"), 5, "12"),
        (43, place(3, ""), 5, "13"),
    ] {
        register(&db, OTHER_FARMER, node, slices);
        let report = domain::node::NodeReport {
            farm_id: farm_id.try_into().unwrap(),
            country,
            ..report(node)
        };
        sync::save_reports(&db, &[(report, carries(slices))], now()).unwrap();
        publish(&db, node, price);
    }
    let mut number = 100;
    let mut rented = |count, spread, max| {
        number += 1;
        let key = format!("key-{number}");
        nodes_of(
            &db,
            &Attempt { id: number, ..attempt(OMAR, &key) },
            &market_wide(count, spread, max),
        )
    };
    let sold_out = |wanted, free| Err(RentFailure::Rule(RentError::SoldOut { wanted, free }));
    assert_eq!(rented(2, Spread::Farms, None), Ok(vec![40, 41]));
    assert_eq!(rented(3, Spread::Nodes, None), Ok(vec![40, 41, 42]));
    assert_eq!(rented(2, Spread::Countries, None), Ok(vec![41, 42]));
    assert_eq!(rented(3, Spread::Countries, None), sold_out(3, 2));
    assert_eq!(rented(4, Spread::SameNode, None), Ok(vec![43; 4]));
    assert_eq!(rented(4, Spread::Any, Some("12.99")), sold_out(4, 3));
    assert_eq!(rented(4, Spread::Any, Some("13")), Ok(vec![42, 42, 42, 43]));
    assert_sound(&db);
}

#[test]
fn a_highest_price_is_kept_to() {
    let db = market();
    let max = |max| RentRequest { max_price: Some(usd(max)), ..some(1) };
    let (price, limit) = (usd("25"), usd("24.99"));
    assert_eq!(
        rent_all(&db, &attempt(OMAR, "key"), &max("24.99")),
        Err(RentFailure::Rule(RentError::AboveMaxPrice { price, max: limit }))
    );
    rent_all(&db, &attempt(OMAR, "key"), &max("25")).unwrap();
}

#[test]
fn a_term_that_is_not_offered_is_not_sold() {
    let db = market();
    let terms = domain::offering::Offering {
        terms: domain::term::Terms::of([Term::Month, Term::Year]).unwrap(),
        ..crate::market::terms(NODE, Some(usd("1")), Listing::Published)
    };
    assert!(crate::market::save(&db, account(FARMER), NODE, 2, &terms));
    let refused = rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") });
    assert_eq!(refused, Err(RentFailure::Rule(RentError::TermNotOffered(3))));
    rent(&db, Attempt { term: Term::Year, ..attempt(OMAR, "key") }).unwrap();
}

#[test]
fn an_account_rents_no_more_than_it_may() {
    let db = market();
    register(&db, FARMER, 40, 512);
    publish(&db, 40, "0.10");
    let of_node = |count| request(Wanted::OfNode(NodeId(40), count));
    for number in 0..3 {
        let key = format!("key-{number}");
        let id = 50 + number;
        rent_all(&db, &Attempt { id, ..attempt(OMAR, &key) }, &of_node(50)).unwrap();
    }
    assert_eq!(SLICES_MAX, 150);
    let over = RentError::OverLimit { slices: 150, max: 150 };
    let more = Attempt { id: 60, ..attempt(OMAR, "more") };
    assert_eq!(rent(&db, more), Err(RentFailure::Rule(over)));
    rent(&db, attempt(AIDA, "key")).unwrap();
    // What is in its grace still counts; what has ended does not.
    pass(&db, now().plus_months(1), 500);
    let later = Attempt { at: now().plus_months(1), ..more };
    assert_eq!(rent(&db, later), Err(RentFailure::Rule(over)));
    pass(&db, now().plus_months(2), 500);
    rent(&db, later).unwrap();
    assert_sound(&db);
}

/// Of two orders of three of five slices, one is whole and the other is nothing.
#[test]
fn what_goes_meanwhile_is_decided_again() {
    let db = market();
    set(&db, NODE, Some(usd("1")), Listing::Paused);
    register(&db, FARMER, 40, 5);
    publish(&db, 40, "1");
    let three = request(Wanted::OfNode(NodeId(40), 3));
    rent_all(&db, &attempt(AIDA, "key"), &three).unwrap();
    let refused = rent_all(&db, &attempt(OMAR, "key"), &three);
    let sold_out = RentError::SoldOut { wanted: 3, free: 2 };
    assert_eq!(refused, Err(RentFailure::Rule(sold_out)));
    let both: BTreeSet<u32> =
        nodes_of(&db, &attempt(OMAR, "any"), &market_wide(2, Spread::Any, None))
            .unwrap()
            .into_iter()
            .collect();
    assert_eq!(both, BTreeSet::from([40]));
    assert_eq!(states(&db, 40), "RRRRR");
    assert_sound(&db);
}
