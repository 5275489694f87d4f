//! A retry of a rent or an extension gets the stored response, and changes nothing.

use domain::recurring::EARN;
use http::header::{CONTENT_TYPE, LOCATION};
use serde_json::{Value, json};
use stage::{ADA, Answer, FARMER, Stage};
use store::{Db, responses};

const RENT: &str = "/api/marketplace/rent-slice";

fn slices(count: u32, months: u32) -> Value {
    json!({ "node_id": "node32", "count": count, "duration_months": months })
}

fn post(stage: &Stage, path: &str, body: Value) -> Answer {
    stage.as_user(ADA).key("k1").post(renting::ROUTES, path, body)
}

/// The number that a query answers with.
fn count(stage: &Stage, sql: &'static str) -> i64 {
    (&stage.db as &dyn Db).one(sql, &[]).unwrap()
}

#[track_caller]
fn assert_same(again: &Answer, first: &Answer) {
    let seen = |answer: &Answer| {
        let header = |name| answer.headers().get(name).cloned();
        (answer.status(), answer.bytes(), header(CONTENT_TYPE), header(LOCATION))
    };
    assert_eq!(seen(again), seen(first));
}

/// Ada rents a slice for a month with the key `k1`.
fn rented(stage: &Stage) -> (Answer, String) {
    let first = post(stage, RENT, slices(1, 1));
    let path = format!("/api/rentals/{}", first.ok(201)["rental"]["id"].as_str().unwrap());
    (first, path)
}

#[test]
fn a_retry_gets_the_same_bytes_whatever_has_happened() {
    let stage = Stage::market();
    let (first, rental) = rented(&stage);
    // It is what the rental is, told before it was written.
    let shown = stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200);
    assert_eq!(first.json()["rental"], shown);
    // The wallet is empty, the price has risen, the rental has ended.
    stage.as_user(ADA).post(renting::ROUTES, RENT, slices(3, 1)).ok(201);
    assert_eq!(stage.balance(ADA), "0.00");
    let raised = "UPDATE nodes SET price_micros = 90000000, name = 'Dear', offer_version = 9";
    stage.db.run(raised, &[]).unwrap();
    assert_same(&post(&stage, RENT, slices(1, 1)), &first);
    stage.pass(29);
    let ended = stage.as_user(ADA).post(renting::ROUTES, &format!("{rental}/cancel"), json!({}));
    ended.ok(200);
    let balance = stage.balance(ADA);
    assert_same(&post(&stage, RENT, slices(1, 1)), &first);
    // However it is written.
    let text = json!({ "node_id": "32", "duration_months": 1 });
    assert_same(&post(&stage, RENT, text), &first);
    assert_eq!(stage.balance(ADA), balance);
    assert_eq!(count(&stage, "SELECT count(*) FROM orders"), 2);
    stage.check_invariants();
}

#[test]
fn several_slices_and_a_whole_node_are_told_before_they_are_rented() {
    for (path, body, rentals) in [
        (RENT, slices(3, 1), 3),
        ("/api/marketplace/rent-node", json!({ "node_id": "node32", "duration_months": 1 }), 1),
    ] {
        let stage = Stage::market();
        stage.credit(ADA, "1000");
        let first = post(&stage, path, body.clone());
        let told = first.ok(201)["rentals"].as_array().unwrap().clone();
        assert_eq!(told.len(), rentals);
        for rental in told {
            let path = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
            assert_eq!(stage.as_user(ADA).get(renting::ROUTES, &path).ok(200), rental);
        }
        assert_same(&post(&stage, path, body), &first);
        stage.check_invariants();
    }
}

#[test]
fn a_retry_of_an_extension_shows_the_rental_as_it_was_then() {
    let stage = Stage::market();
    let (_, rental) = rented(&stage);
    let extend = || {
        let ada = stage.as_user(ADA).key("k2");
        ada.post(renting::ROUTES, &format!("{rental}/extend"), json!({ "duration_months": 1 }))
    };
    let first = extend();
    assert_eq!(stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200), first.ok(201));
    let more = stage.as_user(ADA).key("k3");
    more.post(renting::ROUTES, &format!("{rental}/extend"), json!({ "duration_months": 1 }))
        .ok(201);
    stage.as_user(ADA).post(renting::ROUTES, &format!("{rental}/cancel"), json!({})).ok(200);
    let balance = stage.balance(ADA);
    assert_same(&extend(), &first);
    assert_eq!(stage.balance(ADA), balance);
    stage.check_invariants();
}

#[test]
fn a_key_marks_one_request_of_all_that_an_account_sends() {
    let stage = Stage::market();
    let (first, rental) = rented(&stage);
    let reused = |path: &str, body| {
        post(&stage, path, body).problem(422, "idempotency-key-reused");
    };
    reused(RENT, slices(2, 1));
    reused(RENT, slices(1, 3));
    reused(RENT, json!({ "node_id": "node32", "duration_months": 1, "template": "docker" }));
    reused("/api/marketplace/rent-node", json!({ "node_id": "node32", "duration_months": 1 }));
    reused(&format!("{rental}/extend"), json!({ "duration_months": 1 }));
    // What could not be done anyway is no other answer.
    reused(RENT, slices(50, 12));
    reused(
        "/api/rentals/019f0000-0000-7000-8000-000000000005/extend",
        json!({ "duration_months": 1 }),
    );
    // Nor does a form get the response of the API.
    let form = [("duration_months", "1"), ("idempotency_key", "k1"), ("confirmed", "yes")];
    let page = format!("/dashboard/slices/{}/extend", rental.rsplit_once('/').unwrap().1);
    assert_eq!(stage.as_user(ADA).form(renting::ROUTES, &page, &form).status(), 422);
    assert_same(&post(&stage, RENT, slices(1, 1)), &first);
    assert_eq!(stage.balance(ADA), "75.00");
    // Another account may choose the same one.
    let ben = stage.as_user(stage::BEN).key("k1");
    ben.post(renting::ROUTES, RENT, slices(1, 1)).ok(201);
    stage.check_invariants();
}

#[test]
fn a_refused_request_leaves_its_key_free() {
    let stage = Stage::market();
    post(&stage, RENT, slices(9, 1)).problem(402, "insufficient-funds");
    stage.credit(ADA, "200");
    post(&stage, RENT, slices(9, 1)).ok(201);
    // Nothing is stored for a request without a key.
    stage.credit(ADA, "200");
    let before = count(&stage, "SELECT count(*) FROM responses");
    stage.as_user(ADA).post(renting::ROUTES, RENT, slices(1, 1)).problem(409, "sold-out");
    assert_eq!(count(&stage, "SELECT count(*) FROM responses"), before);
}

#[test]
fn a_dry_run_says_that_its_key_was_used() {
    let stage = Stage::market();
    let (_, rental) = rented(&stage);
    let dry = |mut body: Value| {
        body["dry_run"] = true.into();
        post(&stage, RENT, body)
    };
    let message = dry(slices(1, 1)).ok(200)["message"].as_str().unwrap().to_owned();
    assert!(message.contains("already used"), "{message}");
    dry(slices(2, 1)).problem(422, "idempotency-key-reused");
    let body = json!({ "duration_months": 1, "dry_run": true });
    let extend = format!("{rental}/extend");
    post(&stage, &extend, body.clone()).problem(422, "idempotency-key-reused");
    let ada = stage.as_user(ADA).key("k2");
    ada.post(renting::ROUTES, &extend, json!({ "duration_months": 1 })).ok(201);
    let message = ada.post(renting::ROUTES, &extend, body).ok(200)["message"].to_string();
    assert!(message.contains("already used"), "{message}");
    assert_eq!(stage.balance(ADA), "50.00");
}

#[test]
fn a_form_that_is_sent_twice_rents_and_extends_once() {
    let stage = Stage::market();
    let ada = stage.as_user(ADA);
    let node = ada.get(renting::ROUTES, "/api/marketplace/nodes/node32").ok(200);
    let version = node["offer_version"].to_string();
    let fields = [
        ("node_id", "node32"),
        ("duration_months", "1"),
        ("idempotency_key", "form-1"),
        ("offer_version", version.as_str()),
    ];
    let rent = || ada.form(renting::ROUTES, "/dashboard/slices", &fields);
    let first = rent();
    let page = first.see_other();
    let page = page.split('?').next().unwrap();
    assert_same(&rent(), &first);
    let fields = [("duration_months", "1"), ("idempotency_key", "form-2"), ("confirmed", "yes")];
    // It is asked for once more before anything is charged.
    let asked = ada.form(renting::ROUTES, &format!("{page}/extend"), &fields[..2]);
    assert!(asked.page(200).contains("Extend for $25.00"), "{asked}");
    assert_eq!(stage.balance(ADA), "75.00");
    let extend = || ada.form(renting::ROUTES, &format!("{page}/extend"), &fields);
    let first = extend();
    assert!(first.see_other().starts_with(page));
    assert_same(&extend(), &first);
    assert_eq!(stage.balance(ADA), "50.00");
    stage.check_invariants();
}

/// What an order was made with may be gone when it is sent again.
#[test]
fn a_retry_needs_nothing_of_what_the_first_try_needed() {
    let stage = Stage::market();
    let ada = stage.as_user(ADA);
    let id = "019f0000-0000-7000-8000-000000000005";
    let add = "INSERT INTO ssh_keys SELECT ?1, id, 'laptop', 'ssh-ed25519 AAAA', 'SHA256:x', 0
                 FROM accounts WHERE email = ?2";
    stage.db.run(add, &[id.into(), ADA.email.into()]).unwrap();
    let body = json!({ "node_id": "node32", "duration_months": 1, "ssh_key_id": id });
    let first = post(&stage, RENT, body.clone());
    first.ok(201);
    stage.db.run("DELETE FROM ssh_keys", &[]).unwrap();
    assert_same(&post(&stage, RENT, body), &first);
    // By a quote, which is used up.
    let quote = ada.post(renting::ROUTES, "/api/marketplace/quotes", slices(1, 1)).ok(201);
    let by_quote = || {
        let ada = stage.as_user(ADA).key("k2");
        ada.post(renting::ROUTES, RENT, json!({ "quote_id": quote["id"] }))
    };
    let first = by_quote();
    first.ok(201);
    assert_same(&by_quote(), &first);
    assert_eq!(stage.balance(ADA), "50.00");
}

#[test]
fn bodies_are_deleted_after_30_days_and_keys_are_not() {
    let stage = Stage::market();
    let (first, rental) = rented(&stage);
    stage.pass(30);
    stage.pass_seconds(-1);
    responses::sweep(&stage.db, stage.now()).unwrap();
    assert_same(&post(&stage, RENT, slices(1, 1)), &first);
    stage.pass_seconds(1);
    responses::sweep(&stage.db, stage.now()).unwrap();
    let problem = post(&stage, RENT, slices(1, 1)).problem(410, "response-deleted");
    assert_eq!(problem["location"], rental);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("already succeeded") && detail.contains(&rental), "{detail}");
    post(&stage, RENT, slices(2, 1)).problem(422, "idempotency-key-reused");
    assert_eq!(stage.balance(ADA), "75.00");
    // Time does what it does to the rental meanwhile.
    stage.run(renting::JOBS, &EARN).unwrap();
    assert_eq!(stage.balance(FARMER), "0.00");
    stage.check_invariants();
}
