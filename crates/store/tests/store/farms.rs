//! Farms that somebody has verified: who offers their nodes, who takes them over, and what
//! becomes of both when the grid says that a farm has moved.

use domain::id::NodeId;
use domain::listing::Listing;
use domain::time::Timestamp;
use store::accounts::{delete, disable};
use store::farms::{
    Checked, GridFarm, TakeOver, VerificationMethod, all, check, foreign, of_owner, owner, revoke,
    sweep, take_over, unchecked, verify,
};
use store::{Db, Refusal, RusqliteDb, StoreError, nodes, offering, sync};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, carries,
    count, earned, extend, fund, market, now, one, open_account, order, pass, quote, register,
    rent, report, states, usd,
};

/// The farm of every node of a market, and one beside it.
const FARM: u32 = 1;
const OTHER_FARM: u32 = 50;

fn farm(id: u32, twin: u32) -> GridFarm {
    GridFarm { id, name: "Freefarm".into(), twin, account: "5Grwva".into() }
}

fn proves(db: &dyn Db, who: u32, id: u32, at: Timestamp) {
    verify(db, &farm(id, 2), account(who), VerificationMethod::Signature, at).unwrap();
}

fn later(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

/// What somebody was told since `after`: the kinds and subjects of events, in order.
fn told(db: &RusqliteDb, who: u32, after: i64) -> Vec<String> {
    let sql = "SELECT kind || coalesce(' ' || subject, '') FROM events
                WHERE farmer_id = ?1 AND id > ?2 ORDER BY id";
    let rows = db.run(sql, &[account(who).to_string().as_str().into(), after.into()]).unwrap();
    rows.iter().map(|row| row.read().unwrap()).collect()
}

fn last_event(db: &RusqliteDb) -> i64 {
    count(db, "SELECT coalesce(max(id), 0) FROM events")
}

fn listing(db: &dyn Db, farmer: u32, node: u32) -> Listing {
    nodes::find(db, account(farmer), NodeId(node)).unwrap().unwrap().0.offer.listing
}

#[test]
fn a_farm_has_one_owner_and_the_last_who_proves_it_is_it() {
    let db = market();
    assert_eq!(owner(&db, FARM), Ok(None));
    proves(&db, FARMER, FARM, now());
    assert_eq!(owner(&db, FARM), Ok(Some(account(FARMER))));
    assert_eq!(listing(&db, FARMER, NODE), Listing::Published, "it is the owner's own");
    let before = last_event(&db);
    proves(&db, OTHER_FARMER, FARM, later(60));
    assert_eq!(owner(&db, FARM), Ok(Some(account(OTHER_FARMER))));
    assert_eq!(told(&db, OTHER_FARMER, before), ["farm-verified farm1"]);
    assert_eq!(told(&db, FARMER, before), ["farm-lost farm1", "node-claimed farm1", "node-paused"]);
    assert_eq!(listing(&db, FARMER, NODE), Listing::Paused);
    let shown = of_owner(&db, account(OTHER_FARMER), None, 9).unwrap();
    assert_eq!(
        (shown.len(), shown[0].farm.twin, shown[0].method),
        (1, 2, VerificationMethod::Signature)
    );
    assert_eq!(all(&db, None, 9), Ok(shown));
    assert_eq!(of_owner(&db, account(FARMER), None, 9), Ok(vec![]));
    assert_sound(&db);
}

#[test]
fn nobody_else_registers_or_publishes_a_node_of_a_verified_farm() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 3);
    proves(&db, FARMER, FARM, now());
    let before = dump(&db);
    let register =
        |who, node| nodes::register(&db, account(who), "Mine", &report(node), &carries(3), now());
    let refused = Err(StoreError::Refused(Refusal::FarmOfAnotherAccount));
    assert_eq!(register(OTHER_FARMER, 34), refused);
    let publish = |listing| {
        let offering = crate::market::terms(33, Some(usd("20")), listing);
        offering::save(&db, account(OTHER_FARMER), NodeId(33), 1, &offering, now())
    };
    assert_eq!(publish(Listing::Published), refused);
    assert_eq!(dump(&db), before);
    assert_eq!(publish(Listing::Draft), Ok(true), "a draft can be looked after");
    assert_eq!(register(FARMER, 34), Ok(true));
    assert_sound(&db);
}

/// Takes over a document that says that a node is of this farm.
fn sync(db: &dyn Db, node: u32, farm_id: u32, at: Timestamp) {
    let report = domain::node::NodeReport { farm_id, ..report(node) };
    sync::save_reports(db, &[(report, carries(9))], at).unwrap();
}

#[test]
fn a_node_that_moves_to_another_farm_is_paused_and_both_are_told() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    proves(&db, OTHER_FARMER, OTHER_FARM, now());
    let before = last_event(&db);
    for (farm, at) in [(FARM, 60), (0, 120)] {
        sync(&db, NODE, farm, later(at));
        assert_eq!(listing(&db, FARMER, NODE), Listing::Published, "farm {farm}");
    }
    sync(&db, NODE, FARM, later(180));
    crate::market::set(&db, NODE, Some(usd("25")), Listing::Published);
    let seen = last_event(&db);
    assert!(seen > before);
    let version_before = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap().0;
    sync(&db, NODE, OTHER_FARM, later(240));
    assert_eq!(told(&db, FARMER, seen), ["node-moved farm50", "node-paused"]);
    assert_eq!(told(&db, OTHER_FARMER, seen), ["node-moved farm50"]);
    let (node, _) = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    assert_eq!((node.offer.listing, node.offer.allocated_slices), (Listing::Paused, 1));
    assert_eq!(node.offer.version, version_before.offer.version + 1);
    assert_sound(&db);
}

#[test]
fn a_node_that_moves_between_farms_of_its_farmer_goes_on() {
    let db = market();
    for id in [FARM, OTHER_FARM] {
        proves(&db, FARMER, id, now());
    }
    sync(&db, NODE, OTHER_FARM, later(60));
    assert_eq!(listing(&db, FARMER, NODE), Listing::Published);
}

fn said(id: u32, twin: Option<u32>) -> Checked {
    Checked { id, name: twin.map(|_| "Renamed".into()), twin }
}

#[test]
fn a_farm_of_another_twin_is_verified_no_longer() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    proves(&db, FARMER, FARM, now());
    verify(&db, &farm(OTHER_FARM, 90), account(OTHER_FARMER), VerificationMethod::Signature, now())
        .unwrap();
    assert_eq!(unchecked(&db, later(-1), 9), Ok(vec![]));
    assert_eq!(unchecked(&db, now(), 1).unwrap().len(), 1);
    check(&db, &[said(FARM, Some(2)), said(OTHER_FARM, Some(90))], later(3600)).unwrap();
    assert_eq!(unchecked(&db, later(3599), 9), Ok(vec![]));
    assert_eq!(all(&db, None, 9).unwrap()[0].farm.name, "Renamed");
    let before = last_event(&db);
    let left = dump(&db);
    check(&db, &[said(FARM, Some(90))], later(3600)).unwrap();
    assert_eq!(dump(&db), left, "an answer from before the proof was looked at");
    check(&db, &[said(FARM, Some(90))], later(7200)).unwrap();
    assert_eq!(owner(&db, FARM), Ok(None));
    assert_eq!(told(&db, FARMER, before), ["farm-moved farm1", "node-paused"]);
    assert_eq!(told(&db, OTHER_FARMER, before), ["farm-moved farm1"]);
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    assert_sound(&db);
}

#[test]
fn a_farm_that_is_not_listed_is_kept_for_a_day() {
    let (hour, day) = (60 * 60, 24 * 60 * 60);
    let db = market();
    proves(&db, FARMER, FARM, now());
    let absent = |at| check(&db, &[said(FARM, None)], later(at)).unwrap();
    absent(hour);
    absent(day);
    check(&db, &[said(FARM, Some(2))], later(day + hour)).unwrap();
    // The day begins anew.
    absent(day + 2 * hour);
    absent(2 * day + hour);
    assert_eq!(owner(&db, FARM), Ok(Some(account(FARMER))));
    assert_eq!(listing(&db, FARMER, NODE), Listing::Published);
    absent(2 * day + 2 * hour);
    assert_eq!(owner(&db, FARM), Ok(None));
    assert_eq!(listing(&db, FARMER, NODE), Listing::Paused);
    assert_sound(&db);
}

#[test]
fn a_lost_farm_comes_back_with_what_went_off_the_market() {
    let db = market();
    register(&db, FARMER, 33, 3);
    crate::market::set(&db, 33, Some(usd("20")), Listing::Published);
    let publish = |node, version, listing, at| {
        let terms = crate::market::terms(node, Some(usd("20")), listing);
        let saved = offering::save(&db, account(FARMER), NodeId(node), version, &terms, later(at));
        assert_eq!(saved, Ok(true));
    };
    proves(&db, FARMER, FARM, now());
    check(&db, &[said(FARM, Some(90))], later(3600)).unwrap();
    let version = |node| {
        let (found, _) = nodes::find(&db, account(FARMER), NodeId(node)).unwrap().unwrap();
        found.offer.version
    };
    // One of the two is paused once more by its farmer, and stays so.
    publish(33, version(33), Listing::Published, 4000);
    publish(33, version(33), Listing::Paused, 4100);
    assert_eq!(unchecked(&db, later(3600), 9), Ok(vec![(FARM, 2)]));
    let before = last_event(&db);
    check(&db, &[said(FARM, Some(90))], later(7200)).unwrap();
    assert_eq!(owner(&db, FARM), Ok(None));
    check(&db, &[said(FARM, Some(2))], later(10_800)).unwrap();
    assert_eq!(owner(&db, FARM), Ok(Some(account(FARMER))));
    assert_eq!(told(&db, FARMER, before), ["farm-verified farm1", "node-published"]);
    assert_eq!(listing(&db, FARMER, NODE), Listing::Published);
    assert_eq!(listing(&db, FARMER, 33), Listing::Paused);
    assert_eq!(all(&db, None, 9).unwrap()[0].method, VerificationMethod::Signature);
    assert_sound(&db);
}

#[test]
fn a_lost_farm_is_forgotten_where_others_have_it_or_after_a_month() {
    let day = 24 * 60 * 60;
    let lost = |at| {
        let db = market();
        proves(&db, FARMER, FARM, now());
        check(&db, &[said(FARM, Some(90))], later(at)).unwrap();
        db
    };
    let back = |db: &dyn Db, at| {
        check(db, &[said(FARM, Some(2))], later(at)).unwrap();
        owner(db, FARM).unwrap()
    };
    // Whoever proves it meanwhile has it.
    let db = lost(60);
    verify(&db, &farm(FARM, 90), account(OTHER_FARMER), VerificationMethod::Signature, later(90))
        .unwrap();
    check(&db, &[said(FARM, Some(90))], later(120)).unwrap();
    assert_eq!(owner(&db, FARM), Ok(Some(account(OTHER_FARMER))));
    // What the operator takes, the grid does not give back.
    let db = lost(60);
    verify(&db, &farm(FARM, 2), account(FARMER), VerificationMethod::Operator, later(90)).unwrap();
    revoke(&db, FARM, later(120)).unwrap();
    assert_eq!(back(&db, 180), None);

    let db = lost(60);
    sweep(&db, later(30 * day)).unwrap();
    assert_eq!(back(&db, 30 * day), Some(account(FARMER)));
    let db = lost(60);
    sweep(&db, later(30 * day + 61)).unwrap();
    assert_eq!(back(&db, 30 * day + 62), None);
}

#[test]
fn the_operator_takes_a_proof_back() {
    let db = market();
    verify(&db, &farm(FARM, 2), account(FARMER), VerificationMethod::Operator, now()).unwrap();
    assert_eq!(all(&db, None, 9).unwrap()[0].method, VerificationMethod::Operator);
    let before = last_event(&db);
    assert_eq!(revoke(&db, FARM, later(60)), Ok(Some(account(FARMER))));
    assert_eq!(revoke(&db, FARM, later(61)), Ok(None));
    assert_eq!(told(&db, FARMER, before), ["farm-revoked farm1", "node-paused"]);
}

#[test]
fn an_owner_takes_a_node_over_with_what_is_rented_on_it() {
    let db = market();
    fund(&db, OMAR, "100");
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let ended = rent(&db, Attempt { id: 60, ..attempt(AIDA, "aida") }).unwrap();
    store::rentals::end(&db, account(AIDA), ended.life.id, None, later(10)).unwrap();
    let before = earned(&db, FARMER);
    let take = |who| take_over(&db, NodeId(NODE), account(who), later(60)).unwrap();
    assert_eq!(take(OTHER_FARMER), TakeOver::NotOwned);
    proves(&db, OTHER_FARMER, FARM, later(30));
    let found = foreign(&db, account(OTHER_FARMER), 9).unwrap();
    let found: Vec<_> = found.iter().map(|it| (it.node, it.farm, it.allocated_slices)).collect();
    assert_eq!(found, [(NodeId(NODE), FARM, 1)]);
    let seen = last_event(&db);
    assert_eq!(take(OTHER_FARMER), TakeOver::Done);
    assert_eq!(told(&db, FARMER, seen), ["node-lost"]);
    assert_eq!(told(&db, OTHER_FARMER, seen), ["node-taken-over", "farmer-changed"]);
    assert_eq!(nodes::find(&db, account(FARMER), NodeId(NODE)), Ok(None));
    let (node, _) = nodes::find(&db, account(OTHER_FARMER), NodeId(NODE)).unwrap().unwrap();
    assert_eq!((node.offer.listing, node.offer.version), (Listing::Paused, 4));
    assert_sound(&db);
    let after = dump(&db);
    assert_eq!(take(OTHER_FARMER), TakeOver::Done, "it is theirs already");
    assert_eq!(dump(&db), after);

    // What comes is the new farmer's; what was earned stays.
    pass(&db, now().plus_months(1), 100);
    assert_eq!(earned(&db, FARMER), before);
    assert!(earned(&db, OTHER_FARMER) > usd("20"));
    let at = now().plus_months(1);
    extend(&db, &Attempt { id: 61, at, ..attempt(OMAR, "more") }, rental.life.id, None).unwrap();
    assert_sound(&db);
}

#[test]
fn a_farmer_who_rents_on_a_node_does_not_take_it_over() {
    let db = market();
    open_account(&db, 9);
    fund(&db, 9, "100");
    let rental = rent(&db, attempt(9, "key")).unwrap();
    proves(&db, 9, FARM, later(30));
    let before = dump(&db);
    let take = |at| take_over(&db, NodeId(NODE), account(9), at).unwrap();
    assert_eq!(take(later(60)), TakeOver::Renting);
    assert_eq!(dump(&db), before);
    store::rentals::end(&db, account(9), rental.life.id, None, later(90)).unwrap();
    assert_eq!(take(later(120)), TakeOver::Done);
    assert_sound(&db);
}

#[test]
fn what_the_new_farmer_held_is_free_again() {
    let db = market();
    let told = quote(&db, 1, OMAR, &one(4), true, now()).unwrap();
    quote(&db, 2, AIDA, &one(5), true, now()).unwrap();
    assert_eq!(states(&db, NODE), "aaahhaaaa");
    proves(&db, OMAR, FARM, later(10));
    assert_eq!(take_over(&db, NodeId(NODE), account(OMAR), later(20)), Ok(TakeOver::Done));
    assert_eq!(states(&db, NODE), "aaaahaaaa");
    let by_quote = Attempt { at: later(30), ..attempt(OMAR, "quote") };
    assert!(order(&db, &by_quote, store::renting::Basis::Quote(&told)).is_err());
    assert_sound(&db);
}

#[test]
fn a_decision_about_a_rental_from_before_is_decided_again() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    proves(&db, OTHER_FARMER, FARM, later(30));
    let before = count(&db, "SELECT version FROM rentals");
    take_over(&db, NodeId(NODE), account(OTHER_FARMER), later(60)).unwrap();
    assert_eq!(count(&db, "SELECT version FROM rentals"), before + 1);
    assert_eq!(count(&db, "SELECT count(*) FROM rentals WHERE state <> 'ended'"), 1);
}

#[test]
fn with_an_account_its_proofs_go() {
    let db = market();
    open_account(&db, 9);
    proves(&db, 9, OTHER_FARM, now());
    disable(&db, account(9), Some(now())).unwrap();
    assert_eq!(owner(&db, OTHER_FARM), Ok(Some(account(9))));
    assert_eq!(delete(&db, account(9), now()), Ok(true));
    assert_eq!(owner(&db, OTHER_FARM), Ok(None));
}
