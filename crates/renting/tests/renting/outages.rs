//! Nodes and machines that are gone: what renters are told, pay and get back.

use domain::event::EventKind;
use domain::id::NodeId;
use domain::recurring::{EARN, EXPIRE, NOTIFY_OF_OUTAGES, RENEW};
use serde_json::{Value, json};
use stage::{ADA, FARMER, Stage, User};
use store::{events, sync};

use crate::by_hand::{ready, set_up};
use crate::rented;

/// The grid's index is asked, and does not list node 32.
fn look(stage: &Stage) {
    sync::save_missing(&stage.db, &[NodeId(32)], stage.now()).unwrap();
}

/// The grid's index is asked for so long, once in six hours, and does not list node 32.
fn unlisted(stage: &Stage, days: i64) {
    for _ in 0..days * 4 {
        look(stage);
        time_passes(stage);
        stage.pass_seconds(6 * 3_600);
    }
}

/// The same, and the node is up.
fn listed(stage: &Stage, days: i64) {
    for _ in 0..days * 4 {
        let report = stage::report(32, 9);
        let capacity = domain::node::capacity(&report);
        sync::save_reports(&stage.db, &[(report, capacity)], stage.now()).unwrap();
        time_passes(stage);
        stage.pass_seconds(6 * 3_600);
    }
}

fn time_passes(stage: &Stage) {
    for job in [&RENEW, &EXPIRE, &EARN] {
        stage.run(renting::JOBS, job).unwrap();
    }
    stage.run(machines::JOBS, &NOTIFY_OF_OUTAGES).unwrap();
}

fn rental(stage: &Stage, path: &str) -> Value {
    stage.as_user(ADA).get(renting::ROUTES, path).ok(200)
}

fn page_of(stage: &Stage, path: &str) -> String {
    let page = path.replace("/api/rentals", "/dashboard/slices");
    stage::reading(&stage.as_user(ADA).get(renting::ROUTES, &page).html(200))
}

fn kinds(stage: &Stage, who: User) -> Vec<EventKind> {
    let of_outages = [EventKind::NodeDown, EventKind::NodeRecovered, EventKind::RentalDown];
    let all = events::since(&stage.db, who.account(), 0, 200).unwrap();
    all.into_iter().map(|event| event.kind).filter(|kind| of_outages.contains(kind)).collect()
}

/// M3: with auto-renew of twelve months, the node is gone from the second day on.
#[test]
fn a_node_that_is_gone_is_told_of_not_renewed_and_not_paid_for() {
    let stage = Stage::market();
    stage.credit(ADA, "900.00");
    let path = rented(&stage);
    let renew = json!({ "auto_renew": { "duration_months": 12, "max_price": 30 } });
    stage.as_user(ADA).call(renting::ROUTES, http::Method::PATCH, &path, renew).ok(200);
    listed(&stage, 2);
    assert_eq!(rental(&stage, &path)["down_since"], Value::Null);
    // The second look that lacks it is the first observation.
    unlisted(&stage, 1);
    assert_eq!(kinds(&stage, ADA), [EventKind::NodeDown]);
    let found = rental(&stage, &path);
    let since = "2026-07-31T18:00:00Z";
    assert_eq!((&found["down_since"], &found["refunded"]), (&json!(since), &json!("0.00")));
    let page = page_of(&stage, &path);
    assert!(page.contains("If it is down for 24 hours, you aren't charged"), "{page}");
    let list = page_of(&stage, "/dashboard/slices");
    assert!(list.contains("down since 31 July 2026, 18:00"), "{list}");
    unlisted(&stage, 1);
    assert_eq!(kinds(&stage, ADA), [EventKind::NodeDown, EventKind::RentalDown]);
    assert_eq!(kinds(&stage, FARMER), [EventKind::NodeDown, EventKind::RentalDown]);
    let page = page_of(&stage, &path);
    for words in
        ["You aren't charged for this outage", "Move to another slice", "isn't auto-renewed"]
    {
        assert!(page.contains(words), "{words}: {page}");
    }
    unlisted(&stage, 28);
    // Its term is over: two days and six hours of 31 days are the farmer's.
    let found = rental(&stage, &path);
    assert_eq!((&found["status"], &found["total_cost"]), (&json!("grace"), &json!("25.00")));
    assert_eq!(
        (&found["refunded"], &found["terms"][0]["earned"]),
        (&json!("23.18"), &json!("1.82"))
    );
    assert_eq!(stage.balance(ADA), "998.18");
    let failed = events::since(&stage.db, ADA.account(), 0, 200).unwrap();
    assert!(failed.iter().any(|event| event.kind == EventKind::RenewalFailed));
    stage.check_invariants();
}

#[test]
fn a_node_that_comes_back_in_time_is_renewed() {
    let stage = Stage::market();
    stage.credit(ADA, "900.00");
    let path = rented(&stage);
    let renew = json!({ "auto_renew": { "duration_months": 1, "max_price": 30 } });
    stage.as_user(ADA).call(renting::ROUTES, http::Method::PATCH, &path, renew).ok(200);
    listed(&stage, 25);
    unlisted(&stage, 7);
    assert_eq!(rental(&stage, &path)["status"], "grace");
    listed(&stage, 1);
    let found = rental(&stage, &path);
    assert_eq!((&found["status"], &found["duration_months"]), (&json!("active"), &json!(2)));
    assert_eq!(kinds(&stage, ADA).last(), Some(&EventKind::NodeRecovered));
    stage.check_invariants();
}

/// A host that was away for a day has seen nothing of it.
#[test]
fn what_nobody_has_seen_is_not_refunded() {
    let stage = Stage::market();
    let path = ready(&stage);
    look(&stage);
    look(&stage);
    assert_eq!(kinds(&stage, ADA), [EventKind::NodeDown]);
    stage.pass_seconds(25 * 3_600);
    time_passes(&stage);
    assert_eq!(rental(&stage, &path)["refunded"], "0.00");
    assert_eq!(kinds(&stage, ADA), [EventKind::NodeDown]);
    look(&stage);
    stage.pass_seconds(3_600);
    time_passes(&stage);
    assert_ne!(rental(&stage, &path)["refunded"], "0.00");
    assert_eq!(kinds(&stage, ADA), [EventKind::NodeDown, EventKind::RentalDown]);
    stage.check_invariants();
}

/// M4: no SLA is needed to get the dead time back.
#[test]
fn a_rental_that_was_dead_is_ended_with_the_dead_time_back() {
    let stage = Stage::market();
    let path = rented(&stage);
    unlisted(&stage, 29);
    look(&stage);
    let end = format!("{path}/cancel");
    let answer = stage.as_user(ADA).post(renting::ROUTES, &end, json!({})).ok(200);
    // Six hours until it was seen that the node is gone.
    assert_eq!(answer["rental"]["refunded"], "24.80", "{answer}");
    assert_eq!(stage.balance(ADA), "99.80");
    stage.check_invariants();
}

#[test]
fn a_rental_that_is_down_for_a_day_can_be_moved_and_earns_nothing_for_its_old_farmer() {
    let stage = Stage::market();
    let report = stage::report(33, 3);
    stage.register("Antwerp 2", &report);
    stage.offer(33, "Antwerp 2", domain::listing::Listing::Published);
    let path = ready(&stage);
    let alternatives = format!("{path}/alternatives");
    let to = |stage: &Stage| {
        let found = stage.as_user(ADA).get(renting::ROUTES, &alternatives).ok(200);
        json!({ "node_id": "node33", "offer_version": found[0]["offer_version"] })
    };
    let go = format!("{path}/move");
    unlisted(&stage, 1);
    let refused = stage.as_user(ADA).post(renting::ROUTES, &go, to(&stage));
    refused.problem(409, "not-leaving");
    unlisted(&stage, 1);
    look(&stage);
    let moved = stage.as_user(ADA).post(renting::ROUTES, &go, to(&stage)).ok(200);
    assert_eq!(moved["node_id"], "node33");
    set_up(&stage, 33, &path);
    assert_eq!(moved["terms"][0]["earned"], "0.20");
    stage.check_invariants();
    // What was down before is still refunded, and nothing more.
    unlisted(&stage, 1);
    let found = rental(&stage, &path);
    assert_eq!((&found["down_since"], &found["refunded"]), (&Value::Null, &json!("1.41")));
    stage.check_invariants();
}
