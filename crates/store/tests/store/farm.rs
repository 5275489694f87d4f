//! A farmer's nodes: registered once, changed by their farmer, at the version that was seen.

use domain::id::NodeId;
use domain::listing::Listing;
use domain::money::Usd;
use domain::node::NodeStatus;
use domain::offering::Offering;
use domain::rental::GRACE_SECONDS;
use domain::slice::SliceState;
use store::nodes::{Summary, farmer_of, find, of_farmer, register as register_node, summary};
use store::offering::save as save_offering;
use store::{Db, RusqliteDb, StoreError, offers};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, SLICES, account, assert_sound, attempt,
    carries, count, email, market, now, open_account, pass, publish, register, rent, report,
    states, terms, usd,
};

#[test]
fn a_node_is_registered_once() {
    let db = market();
    let before = dump(&db);
    for farmer in [FARMER, OTHER_FARMER] {
        let (report, capacity) = (report(NODE), carries(3));
        let done = register_node(&db, account(farmer), "Mine", &report, &capacity, now());
        assert_eq!(done, Ok(false));
    }
    assert_eq!(dump(&db), before);
    assert_eq!(farmer_of(&db, NodeId(NODE)), Ok(Some(account(FARMER))));
    assert_eq!(farmer_of(&db, NodeId(99)), Ok(None));
}

#[test]
fn a_registration_that_breaks_a_rule_leaves_nothing() {
    let db = market();
    let before = dump(&db);
    let long = "x".repeat(81);
    for (farmer, node, name) in
        [(FARMER, 99, ""), (FARMER, 99, &long), (99, 99, "Name"), (FARMER, 0, "Name")]
    {
        let done = register_node(&db, account(farmer), name, &report(node), &carries(3), now());
        assert!(matches!(done, Err(StoreError::Violation(_))), "{farmer} {node} {name}: {done:?}");
    }
    assert_eq!(dump(&db), before);
}

#[test]
fn a_node_begins_as_a_draft_with_its_slices() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 5);
    let (node, slices) = find(&db, account(OTHER_FARMER), NodeId(33)).unwrap().unwrap();
    assert_eq!(
        (node.offer.listing, node.offer.price, node.offer.version),
        (Listing::Draft, None, 1)
    );
    assert_eq!(node.offer.status, NodeStatus::Up);
    assert_eq!((node.capacity, node.offer.available_slices), (carries(5), 5));
    let numbers: Vec<u32> = slices.iter().map(|slice| slice.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5]);
    assert_eq!(offers::find(&db, NodeId(33)), Ok(None), "the market does not show drafts");
    register(&db, OTHER_FARMER, 34, 0);
    assert_eq!(states(&db, 34), "");
    assert_sound(&db);
}

#[test]
fn a_stale_version_changes_nothing() {
    let db = market();
    let before = dump(&db);
    let check = |farmer, node, seen, expected| {
        let terms = terms(NODE, Some(usd("30")), Listing::Paused);
        let done = save_offering(&db, account(farmer), NodeId(node), seen, &terms, now());
        assert_eq!(done, Ok(expected));
        assert_eq!(dump(&db) == before, !expected);
    };
    check(FARMER, NODE, 1, false);
    check(FARMER, NODE, 3, false);
    check(OTHER_FARMER, NODE, 2, false);
    check(FARMER, 99, 2, false);
    check(FARMER, NODE, 2, true);
    // What was just set has moved on: the same form, sent twice, fits once.
    let terms = terms(NODE, Some(usd("30")), Listing::Paused);
    assert_eq!(save_offering(&db, account(FARMER), NodeId(NODE), 2, &terms, now()), Ok(false));
}

#[test]
fn an_offer_without_a_price_is_a_draft() {
    let db = market();
    register(&db, FARMER, 33, 5);
    let before = dump(&db);
    let publish =
        |terms: &Offering| save_offering(&db, account(FARMER), NodeId(33), 1, terms, now());
    let free = [None, Some(Usd::ZERO), Some(-usd("1"))];
    for price in free {
        let done = publish(&terms(33, price, Listing::Published));
        assert!(matches!(done, Err(StoreError::Violation(_))), "{done:?}");
    }
    assert_eq!(dump(&db), before);
    assert_eq!(publish(&terms(33, Some(usd("0.01")), Listing::Published)), Ok(true));
}

/// The kinds of the events of `node`, in order.
fn events(db: &RusqliteDb, node: u32) -> Vec<String> {
    let sql = "SELECT kind FROM events WHERE node_id = ?1 ORDER BY id";
    let rows = db.run(sql, &[node.into()]).unwrap();
    rows.iter().map(|row| row.read().unwrap()).collect()
}

#[test]
fn changes_of_an_offer_are_events() {
    let db = market();
    register(&db, FARMER, 33, 5);
    let change = |price, listing| crate::market::set(&db, 33, Some(usd(price)), listing);
    change("20", Listing::Draft);
    change("20", Listing::Published);
    change("20", Listing::Published);
    change("25", Listing::Published);
    change("25", Listing::Paused);
    change("25", Listing::Published);
    assert_eq!(
        events(&db, 33),
        [
            "node-registered",
            "offer-changed",
            "node-published",
            "offer-changed",
            "node-paused",
            "node-published",
        ]
    );
    let seen_by = "SELECT count(*) FROM events WHERE node_id = 33 AND renter_id IS NULL
                      AND farmer_id = (SELECT farmer_id FROM nodes WHERE id = 33)";
    assert_eq!(count(&db, seen_by), 6);
}

#[test]
fn farmers_see_their_own_nodes_only() {
    let db = market();
    for node in [40, 35, 41] {
        register(&db, OTHER_FARMER, node, 1);
    }
    register(&db, FARMER, 36, 1);
    assert_eq!(find(&db, account(OTHER_FARMER), NodeId(NODE)), Ok(None));
    assert_eq!(find(&db, account(FARMER), NodeId(99)), Ok(None));
    let ids = |farmer, behind: Option<u32>, limit| {
        let page = of_farmer(&db, account(farmer), behind.map(NodeId), limit).unwrap();
        page.iter().map(|node| node.offer.node.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(OTHER_FARMER, None, 2), [35, 40]);
    assert_eq!(ids(OTHER_FARMER, Some(40), 2), [41]);
    assert_eq!(ids(FARMER, None, 100), [NODE, 36]);
    assert_eq!(ids(OMAR, None, 100), [0; 0]);
}

#[test]
fn a_farmer_sees_who_rents_which_slice() {
    let db = market();
    let rental = rent(&db, Attempt { slice: Some(3), ..attempt(OMAR, "key") }).unwrap();
    let (_, slices) = find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    assert_eq!(slices.len(), 9);
    let third = &slices[2];
    assert_eq!((third.number, third.state), (3, SliceState::Allocated));
    assert_eq!(third.renter.as_deref(), Some(email(OMAR).as_str()));
    assert_eq!(third.ends_at, Some(rental.life.ends_at));
    assert_eq!((slices[3].state, &slices[3].renter), (SliceState::Available, &None));
    // Who rented it once is nobody's business any more.
    pass(&db, rental.life.grace_until(), 10);
    let (_, slices) = find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    assert!(slices.iter().all(|slice| slice.renter.is_none() && slice.ends_at.is_none()));
}

#[test]
fn a_farm_in_figures() {
    let db = market();
    register(&db, FARMER, 33, 4);
    publish(&db, 33, "40");
    rent(&db, attempt(OMAR, "key")).unwrap();
    rent(&db, Attempt { node: 33, ..attempt(AIDA, "key") }).unwrap();
    let running = Summary {
        nodes: 2,
        available_slices: SLICES + 4 - 2,
        reserved_slices: 0,
        allocated_slices: 2,
        in_escrow: usd("58.50"),
        earned: Usd::ZERO,
    };
    assert_eq!(summary(&db, account(FARMER)), Ok(running));
    pass(&db, now().plus_months(1).plus_seconds(GRACE_SECONDS), 10);
    let over = Summary {
        available_slices: SLICES + 4,
        allocated_slices: 0,
        in_escrow: Usd::ZERO,
        earned: usd("58.50"),
        ..running
    };
    assert_eq!(summary(&db, account(FARMER)), Ok(over));
    let nothing = Summary { nodes: 0, available_slices: 0, earned: Usd::ZERO, ..over };
    open_account(&db, 9);
    assert_eq!(summary(&db, account(9)), Ok(nothing));
}
