//! What farmers set: slices that are kept back, raises that wait, locks, and the history.

use domain::id::NodeId;
use domain::listing::Listing;
use domain::offering::{
    Locker, Offering, OfferingError, RAISE_WAITS_SECONDS, Wanted, change as decide,
};
use domain::order::RentError;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use store::nodes::Farmer;
use store::offering::{
    OfferingFailure, apply_raises, change, history, lock, lock_by_operator, save, unlock,
    unlock_by_operator,
};
use store::renting::RentFailure;
use store::{Db, RusqliteDb, nodes, offers, sync};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand,
    carries, count, market, now, one, pass, quote, rent, rent_all, report, states, terms, usd,
    whole,
};

/// The offer of `NODE`.
fn offer(db: &RusqliteDb) -> offers::Offer {
    nodes::find(db, account(FARMER), NodeId(NODE)).unwrap().unwrap().0.offer
}

/// Changes the offer of `NODE` by the rules.
fn set(db: &dyn Db, wanted: &Wanted, at: Timestamp) -> Result<(), OfferingFailure> {
    let rule = |seen: &_| decide(seen, wanted.clone(), at);
    change(db, account(FARMER), NodeId(NODE), None, rule, at)
}

fn price(text: &str) -> Wanted {
    Wanted { price: Some(usd(text)), ..Wanted::default() }
}

fn kept(slices: u32) -> Wanted {
    Wanted { withheld_slices: Some(slices), ..Wanted::default() }
}

#[test]
fn what_is_kept_back_is_not_offered() {
    let db = market();
    let check = |slices, expected| {
        set(&db, &kept(slices), now()).unwrap();
        assert_eq!(states(&db, NODE), expected, "{slices} are kept");
        assert_eq!(offer(&db).withheld_slices, slices);
        assert_sound(&db);
    };
    check(2, "aaaaaaa--");
    check(9, "---------");
    check(512, "---------");
    check(3, "aaaaaa---");
    rent(&db, Attempt { slice: Some(6), ..attempt(OMAR, "key") }).unwrap();
    check(7, "a----R---");
    check(9, "-----R---");
    // What the node can carry follows the grid, and what is kept back follows the farmer.
    sync::save_reports(&db, &[(report(NODE), carries(11))], now()).unwrap();
    assert_eq!(states(&db, NODE), "a----R---");
    check(0, "aaaaaRaaaaa");
}

#[test]
fn rented_and_held_slices_stay_until_they_are_free() {
    let db = market();
    let rental = rent(&db, Attempt { slice: Some(1), ..attempt(OMAR, "key") }).unwrap();
    let told = quote(&db, 1, AIDA, &one(2), true, now()).unwrap();
    set(&db, &kept(9), now()).unwrap();
    assert_eq!(states(&db, NODE), "Rh-------");
    // The hold's SLA is kept, and what lapsed is not free for others.
    let late = now().plus_seconds(400);
    let other = rent(&db, Attempt { at: late, id: 9, ..attempt(OMAR, "more") });
    assert!(matches!(other, Err(RentFailure::Rule(RentError::SoldOut { .. }))), "{other:?}");
    let by_quote = Attempt { id: 10, ..attempt(AIDA, "quote") };
    crate::market::order(&db, &by_quote, store::renting::Basis::Quote(&told)).unwrap();
    assert_eq!(states(&db, NODE), "RR-------");
    assert_sound(&db);
    pass(&db, rental.life.grace_until(), 10);
    assert_eq!(states(&db, NODE), "---------");
    assert_sound(&db);
}

#[test]
fn a_node_that_is_rented_whole_keeps_its_slices() {
    let db = market();
    set(&db, &kept(5), now()).unwrap();
    crate::market::fund(&db, OMAR, "900");
    let rented = rent_all(&db, &attempt(OMAR, "whole"), &whole(NODE)).unwrap();
    assert_eq!(states(&db, NODE), "RRRR-----");
    set(&db, &kept(0), now()).unwrap();
    assert_eq!(states(&db, NODE), "RRRR-----");
    assert_sound(&db);
    pass(&db, rented.rentals[0].life.grace_until(), 10);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    assert_sound(&db);
}

#[test]
fn a_raise_waits_a_day_while_anything_is_rented() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    set(&db, &price("30"), now()).unwrap();
    let due = now().plus_seconds(RAISE_WAITS_SECONDS);
    let waiting = offer(&db);
    assert_eq!(waiting.price, Some(usd("25")));
    assert_eq!(waiting.raise.map(|raise| (raise.price, raise.at)), Some((usd("30"), due)));
    apply_raises(&db, due.plus_seconds(-1)).unwrap();
    assert_eq!(offer(&db), waiting);
    let second = rent(&db, Attempt { id: 9, ..attempt(AIDA, "key") }).unwrap();
    assert_eq!((rental.life.price, second.life.price), (usd("25"), usd("25")));
    apply_raises(&db, due).unwrap();
    let raised = offer(&db);
    assert_eq!((raised.price, raised.raise), (Some(usd("30")), None));
    assert_eq!(raised.version, waiting.version + 1);
    assert_eq!(crate::market::rental_of(&db, OMAR, rental.life.id).life.price, usd("25"));
    apply_raises(&db, due).unwrap();
    assert_eq!(offer(&db), raised);
    assert_sound(&db);
}

#[test]
fn a_raise_is_taken_back_by_a_lower_price_and_not_by_other_changes() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    set(&db, &price("30"), now()).unwrap();
    let later = now().plus_seconds(3_600);
    set(&db, &kept(1), later).unwrap();
    assert_eq!(offer(&db).raise.unwrap().at, now().plus_seconds(RAISE_WAITS_SECONDS));
    set(&db, &price("25"), later).unwrap();
    assert_eq!((offer(&db).price, offer(&db).raise), (Some(usd("25")), None));
    set(&db, &price("31"), later).unwrap();
    set(&db, &price("20"), later).unwrap();
    assert_eq!((offer(&db).price, offer(&db).raise), (Some(usd("20")), None));
    apply_raises(&db, later.plus_seconds(10 * RAISE_WAITS_SECONDS)).unwrap();
    assert_eq!(offer(&db).price, Some(usd("20")));
    assert_sound(&db);
}

/// Whatever the code above decides, the statement itself raises no price over a renter's head.
#[test]
fn the_statement_refuses_a_raise_at_once() {
    for hold in [false, true] {
        let db = market();
        if hold {
            quote(&db, 1, AIDA, &one(2), true, now()).unwrap();
        } else {
            rent(&db, attempt(OMAR, "key")).unwrap();
        }
        let before = dump(&db);
        let raise = |to| terms(NODE, Some(usd(to)), Listing::Published);
        let saved =
            |terms: &Offering| save(&db, account(FARMER), NodeId(NODE), 2, terms, now()).unwrap();
        assert!(!saved(&raise("25.01")));
        assert_eq!(dump(&db), before);
        assert!(saved(&raise("25")));
    }
}

/// The node is rented between the look and the change: the decision is made again.
#[test]
fn a_raise_that_a_rental_overtakes_waits_after_all() {
    let db = market();
    let is_first = std::cell::Cell::new(true);
    let rule = |seen: &_| {
        let after = decide(seen, price("30"), now());
        if is_first.replace(false) {
            assert_eq!(after.as_ref().unwrap().price, Some(usd("30")));
            rent(&db, attempt(OMAR, "key")).unwrap();
        }
        after
    };
    change(&db, account(FARMER), NodeId(NODE), None, rule, now()).unwrap();
    assert_eq!(offer(&db).price, Some(usd("25")));
    assert_eq!(offer(&db).raise.unwrap().price, usd("30"));
}

#[test]
fn of_two_changes_of_one_version_one_counts() {
    let db = market();
    let seen = offer(&db).version;
    let at_version = |wanted: Wanted| {
        let rule = |node: &_| decide(node, wanted.clone(), now());
        change(&db, account(FARMER), NodeId(NODE), Some(seen), rule, now())
    };
    assert_eq!(at_version(price("20")), Ok(()));
    assert_eq!(at_version(price("19")), Err(OfferingFailure::Changed));
    assert_eq!(offer(&db).price, Some(usd("20")));
    // Nothing changed, so that no version is used up.
    let version = offer(&db).version;
    set(&db, &price("20"), now()).unwrap();
    assert_eq!(offer(&db).version, version);
    let farm = Farmer { account: account(FARMER), farm: Some(99) };
    let stay = |seen: &_| decide(seen, price("1"), now());
    let found = change(&db, farm, NodeId(NODE), None, stay, now());
    assert_eq!(found, Err(OfferingFailure::NoSuchNode));
}

#[test]
fn an_sla_is_measured_by_what_the_syncs_saw() {
    let db = market();
    let full = Wanted { min_uptime: Some(Uptime::FULL), ..Wanted::default() };
    set(&db, &full, now()).unwrap();
    set(&db, &Wanted { min_uptime: Uptime::from_hundredths(0), ..Wanted::default() }, now())
        .unwrap();
    // Once is no observation yet.
    sync::save_missing(&db, &[NodeId(NODE)], now()).unwrap();
    sync::save_missing(&db, &[NodeId(NODE)], now()).unwrap();
    let refused = set(&db, &full, now());
    let Err(OfferingFailure::Rule(OfferingError::SlaAboveMeasured(above))) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(above.cost_per_month, usd("12.50"));
    let confirmed = Wanted { confirmed_cost: Some(usd("12.50")), ..full };
    set(&db, &confirmed, now()).unwrap();
    assert_eq!(offer(&db).min_uptime, Uptime::FULL);
}

#[test]
fn a_locked_offer_does_not_change() {
    let db = market();
    let (farmer, node) = (account(FARMER), NodeId(NODE));
    rent(&db, attempt(OMAR, "key")).unwrap();
    set(&db, &price("30"), now()).unwrap();
    let version = offer(&db).version;
    assert_eq!(lock(&db, account(OTHER_FARMER), node, now()), Err(OfferingFailure::NoSuchNode));
    assert_eq!(lock(&db, farmer, node, now()), Ok(true));
    assert_eq!(lock(&db, farmer, node, now()), Ok(false));
    let before = dump(&db);
    let locked = |by| OfferingFailure::Rule(OfferingError::Locked(by));
    assert_eq!(set(&db, &price("20"), now()), Err(locked(Locker::Farmer)));
    // The statement itself refuses, too; and a raise waits on.
    let lower = terms(NODE, Some(usd("20")), Listing::Paused);
    assert_eq!(save(&db, farmer, node, version, &lower, now()), Ok(false));
    apply_raises(&db, now().plus_seconds(2 * RAISE_WAITS_SECONDS)).unwrap();
    assert_eq!(dump(&db), before);
    assert_eq!(unlock(&db, farmer, node, now()), Ok(true));
    assert_eq!(unlock(&db, farmer, node, now()), Ok(false));
    apply_raises(&db, now().plus_seconds(2 * RAISE_WAITS_SECONDS)).unwrap();
    assert_eq!(offer(&db).price, Some(usd("30")));

    assert_eq!(lock(&db, farmer, node, now()), Ok(true));
    assert_eq!(lock_by_operator(&db, node, "Asked", now()), Ok(Some(farmer)));
    assert_eq!(unlock(&db, farmer, node, now()), Err(locked(Locker::Operator)));
    assert_eq!(lock(&db, farmer, node, now()), Err(locked(Locker::Operator)));
    assert_eq!(set(&db, &price("20"), now()), Err(locked(Locker::Operator)));
    assert_eq!(unlock_by_operator(&db, node, now()), Ok(Some(farmer)));
    assert_eq!(lock_by_operator(&db, NodeId(99), "Asked", now()), Ok(None));
    assert_eq!(unlock_by_operator(&db, NodeId(99), now()), Ok(None));
    set(&db, &price("20"), now()).unwrap();
    let kinds = "SELECT count(*) FROM events WHERE kind = 'node-locked' AND node_id = 32";
    assert_eq!(count(&db, kinds), 3);
    let kinds = "SELECT count(*) FROM events WHERE kind = 'node-unlocked' AND node_id = 32";
    assert_eq!(count(&db, kinds), 2);
    assert_sound(&db);
}

#[test]
fn every_version_is_in_the_history() {
    let db = market();
    let (farmer, node) = (account(FARMER), NodeId(NODE));
    rent(&db, attempt(OMAR, "key")).unwrap();
    set(&db, &price("30"), now()).unwrap();
    let due = now().plus_seconds(RAISE_WAITS_SECONDS);
    apply_raises(&db, due).unwrap();
    let found = history(&db, farmer, node, None, 10).unwrap();
    let of = |version: &store::offering::Version| {
        let offering = &version.offering;
        let raise = offering.raise.map(|raise| raise.price.to_string());
        let price = offering.price.map(|price| price.to_string());
        (version.number, price.unwrap_or_default(), raise.unwrap_or_default())
    };
    let expected = [(4, "30.00", ""), (3, "25.00", "30.00"), (2, "25.00", ""), (1, "", "")];
    let expected = expected.map(|(number, price, raise)| (number, price.into(), raise.into()));
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), expected);
    assert_eq!((found[0].changed_at, found[3].changed_at), (due, now()));
    assert_eq!(found[3].offering.listing, Listing::Draft);
    let page = history(&db, farmer, node, Some(3), 1).unwrap();
    assert_eq!(page, found[2..3]);
    assert_eq!(history(&db, account(OTHER_FARMER), node, None, 10), Ok(vec![]));
    for change in ["UPDATE offer_history SET price_micros = 1", "DELETE FROM offer_history"] {
        let refused = by_hand(&db, change).unwrap_err().to_string();
        assert!(refused.contains("append_only"), "{refused}");
    }
    assert_sound(&db);
}
