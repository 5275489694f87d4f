//! Waitlists: joined on the page of a full node, and offered in turn.

use domain::recurring::{OFFER_WAITLIST_SLICES, RELEASE_HOLDS};
use serde_json::{Value, json};
use stage::{ADA, Answer, BEN, Caller, FARMER, Stage};

const API: &str = "/api/waitlist";
const NODE: &str = "/marketplace/compute/node32";

fn get(who: &Caller<'_>, path: &str) -> Answer {
    who.get(renting::ROUTES, path)
}

fn join(who: &Caller<'_>, months: u32) -> Answer {
    let body = json!({ "node_id": "node32", "duration_months": months });
    who.post(renting::ROUTES, API, body)
}

fn places(who: &Caller<'_>) -> Vec<Value> {
    get(who, API).ok(200)["items"].as_array().unwrap().clone()
}

/// A market whose three slices are rented by Ada, and where one of the rentals is ended.
fn full() -> (Stage, String) {
    let stage = Stage::three_slices();
    stage.credit(BEN, "100");
    let body = json!({ "node_id": "node32", "duration_months": 1, "count": 3 });
    let ada = stage.as_user(ADA);
    let rented = ada.post(renting::ROUTES, "/api/marketplace/rent-slice", body).ok(201);
    let id = rented["rentals"][0]["id"].as_str().unwrap();
    (stage, format!("/api/rentals/{id}/cancel"))
}

fn offer(stage: &Stage) {
    stage.run(renting::JOBS, &RELEASE_HOLDS).unwrap();
    stage.run(renting::JOBS, &OFFER_WAITLIST_SLICES).unwrap();
}

#[test]
fn a_full_node_is_waited_for_and_offered_in_turn() {
    let (stage, cancel) = full();
    let (ada, ben) = (stage.as_user(ADA), stage.as_user(BEN));
    let page = get(&ben, NODE).page(200);
    assert!(page.contains("Notify me"), "{page}");
    let fields = [("node_id", "node32"), ("duration_months", "1")];
    let back = ben.form(renting::ROUTES, "/dashboard/waitlist", &fields).see_other();
    assert_eq!(back.split('?').next(), Some(NODE));
    let page = get(&ben, NODE).page(200);
    assert!(page.contains("You're number 1 of 1 in line for a slice for 1 month."), "{page}");
    offer(&stage);
    assert_eq!(places(&ben)[0]["position"], 1, "nothing is free");
    ada.post(renting::ROUTES, &cancel, json!({})).ok(200);
    offer(&stage);
    offer(&stage);
    let place = &places(&ben)[0];
    assert_eq!((&place["position"], &place["waiting"]), (&Value::Null, &json!(0)));
    let page = get(&ben, NODE).page(200);
    assert!(page.contains("is held for you until") && page.contains("Rent for $25"), "{page}");
    let listed = get(&ben, "/dashboard/searches").page(200);
    assert!(listed.contains("A slice is held for you until"), "{listed}");
    // Nobody else has it.
    let other = json!({ "node_id": "node32", "duration_months": 1 });
    let refused = ada.post(renting::ROUTES, "/api/marketplace/rent-slice", other);
    refused.problem(409, "sold-out");
    stage.pass_seconds(14 * 60);
    let quote = place["quote_id"].as_str().unwrap();
    let fields = [("node_id", "node32"), ("quote_id", quote), ("idempotency_key", "k1")];
    ben.form(renting::ROUTES, "/dashboard/slices", &fields).see_other();
    assert_eq!((stage.balance(BEN).as_str(), places(&ben).len()), ("75.00", 0));
    stage.check_invariants();
}

#[test]
fn a_turn_that_lapses_goes_to_the_next_in_line() {
    let (stage, cancel) = full();
    let ben = stage.as_user(BEN);
    let farmer = stage.as_user(FARMER);
    join(&farmer, 1).problem(403, "own-slice");
    join(&ben, 3).ok(201);
    assert_eq!(join(&ben, 1).ok(201)["duration_months"], 1, "the term can be changed");
    stage.as_user(ADA).post(renting::ROUTES, &cancel, json!({})).ok(200);
    offer(&stage);
    assert!(places(&ben)[0]["held_until"].is_string());
    join(&ben, 1).problem(409, "slice-is-held");
    stage.pass_seconds(15 * 60);
    offer(&stage);
    assert_eq!(places(&ben).len(), 0);
    join(&ben, 1).problem(409, "slices-free");
    stage.check_invariants();
}

#[test]
fn without_the_money_people_are_told_and_lose_their_place() {
    let (stage, cancel) = full();
    let ben = stage.as_user(BEN);
    // A year costs $270, more than $100.
    join(&ben, 12).ok(201);
    let page = get(&ben, NODE).page(200);
    assert!(page.contains("Without it, no slice is held for you."), "{page}");
    stage.as_user(ADA).post(renting::ROUTES, &cancel, json!({})).ok(200);
    offer(&stage);
    assert_eq!(places(&ben).len(), 0);
    let sql = "SELECT subject FROM events WHERE kind = 'waitlist-passed'";
    let why: String = stage.db.connection().query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(why.starts_with("your balance is $"), "{why}");
    stage.check_invariants();
}

#[test]
fn leaving_gives_the_place_up() {
    let (stage, _) = full();
    let ben = stage.as_user(BEN);
    join(&ben, 1).ok(201);
    let path = format!("{API}/node32");
    stage.as_user(ADA).delete(renting::ROUTES, &path).problem(404, "not-found");
    assert_eq!(ben.delete(renting::ROUTES, &path).status(), 204);
    join(&ben, 1).ok(201);
    ben.form(renting::ROUTES, "/dashboard/waitlist/node32/leave", &[]).see_other();
    assert_eq!(places(&ben).len(), 0);
    let visitor = get(&stage.as_visitor(), NODE).page(200);
    assert!(visitor.contains("Sign in to join the waitlist"), "{visitor}");
    stage.check_invariants();
}
