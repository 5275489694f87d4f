//! The routes of renting, called natively on SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod by_hand;
mod ceilings;
mod changes;
mod checks;
mod farms;
mod hostile;
mod leaving;
mod market;
mod outages;
mod ports;
mod rentals;
mod retries;
mod searches;
mod searching;
mod servers;
mod several;
mod sheet;
mod status;
mod waitlist;
mod whole_nodes;

use domain::recurring::{EARN, EXPIRE, RELEASE_HOLDS, RunBy};
use serde_json::{Value, json};
use stage::{ADA, Answer, BEN, FARMER, Stage};
use store::{Db, job_runs};
use web::job::run_due;

const RENT: &str = "/api/marketplace/rent-slice";

fn slice(node: u32, months: u32) -> Value {
    json!({ "node_id": format!("node{node}"), "duration_months": months })
}

/// Ada rents a slice of node 32 for a month; answers the path of the rental.
fn rented(stage: &Stage) -> String {
    let answer = stage.as_user(ADA).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    format!("/api/rentals/{}", answer["rental"]["id"].as_str().unwrap())
}

#[test]
fn a_rent_moves_the_money_once_for_each_key() {
    let stage = Stage::market();
    for (key, balance) in [("k1", "75.00"), ("k2", "50.00")] {
        stage.as_user(ADA).key(key).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
        assert_eq!(stage.balance(ADA), balance);
    }
    stage.as_user(BEN).key("k1").post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    assert_eq!((stage.balance(BEN), stage.balance(FARMER)), ("75.00".into(), "0.00".into()));
    stage.check_invariants();
}

#[test]
fn a_key_that_is_not_allowed_is_refused_and_not_ignored() {
    let stage = Stage::market();
    let extend = format!("{}/extend", rented(&stage));
    let ada = stage.as_user(ADA);
    let bad = [
        ada.clone().key("cl\u{e9}-1"),
        ada.clone().key("a key with spaces"),
        ada.clone().key(""),
        ada.clone().key("k1").key("k1"),
        ada.key(&"k".repeat(129)),
    ];
    for (caller, path, body) in bad.iter().flat_map(|caller| {
        let node = json!({ "node_id": "node32", "duration_months": 1 });
        let month = json!({ "duration_months": 1 });
        [
            (caller, RENT, slice(32, 1)),
            (caller, "/api/marketplace/rent-node", node),
            (caller, extend.as_str(), month),
        ]
    }) {
        let answer: Answer = caller.post(renting::ROUTES, path, body);
        assert_eq!(answer.wrong_fields(), ["Idempotency-Key"], "{path}");
        let rule = &answer.json()["errors"][0];
        assert!(rule.to_string().contains("visible ASCII characters"), "{rule}");
    }
    assert_eq!(stage.balance(ADA), "75.00");
}

#[test]
fn somebody_elses_rental_does_not_exist() {
    let stage = Stage::market();
    let rental = rented(&stage);
    stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200);
    for other in [BEN, FARMER] {
        stage.as_user(other).get(renting::ROUTES, &rental).problem(404, "not-found");
    }
    stage.as_visitor().get(renting::ROUTES, &rental).problem(401, "not-signed-in");
}

#[test]
fn a_visitor_rents_after_signing_in() {
    let stage = Stage::market();
    let visitor = stage.as_visitor();
    let page = visitor.get(renting::ROUTES, "/marketplace/compute/node32").page(200);
    assert!(page.contains("Canal house") && page.contains("$25"), "{page}");
    let asked = visitor.get(renting::ROUTES, "/dashboard/slices").see_other();
    assert_eq!(asked, "/login?next=%2Fdashboard%2Fslices");
}

#[test]
fn a_form_rents_and_leads_to_the_rental() {
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
    let rental = ada.form(renting::ROUTES, "/dashboard/slices", &fields).see_other();
    assert_eq!(stage.balance(ADA), "75.00");
    let page = ada.get(renting::ROUTES, &rental).page(200);
    assert!(page.contains("node32_slice_"), "{page}");
    stage.check_invariants();
}

#[test]
fn what_time_does_to_a_rental() {
    let stage = Stage::market();
    let rental = rented(&stage);
    let status = || stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200)["status"].clone();
    stage.run(renting::JOBS, &EXPIRE).unwrap();
    assert_eq!(status(), "active");
    // A month has 31 days at most; the grace is short.
    stage.pass(32);
    stage.run(renting::JOBS, &EXPIRE).unwrap();
    assert_eq!(status(), "grace");
    stage.pass(30);
    stage.run(renting::JOBS, &EXPIRE).unwrap();
    assert_eq!(status(), "ended");
    stage.run(renting::JOBS, &EARN).unwrap();
    stage.check_invariants();
}

#[test]
fn every_page_is_well_formed() {
    let stage = Stage::three_slices();
    let rental = stage.rent().life.id.to_string();
    let top_up = "019fadbe-f200-7000-8000-00000000000a";
    let begin = "INSERT INTO top_ups (id, account_id, amount_micros, provider, created_at)
                 VALUES ('019fadbe-f200-7000-8000-00000000000a', ?1, 42500000, 'stripe', 1)";
    stage.db.run(begin, &[ADA.account().to_string().as_str().into()]).unwrap();
    let names =
        [("node", "node32"), ("rental", rental.as_str()), ("top_up", top_up), ("farm", "1")];
    stage.as_user(ADA).get_every_page(renting::ROUTES, &names);
    stage.as_visitor().get_every_page(renting::ROUTES, &names);
}

#[test]
fn a_component_does_each_of_its_jobs_at_its_interval() {
    let stage = Stage::market();
    let wake = |by| assert!(run_due(&stage.env(), by, &[renting::JOBS]).is_empty());
    let runs = || {
        let runs = job_runs::all(&stage.db).unwrap();
        [EXPIRE, RELEASE_HOLDS].map(|job| runs.get(job.name).map_or(0, |run| run.runs))
    };
    wake(RunBy::Mailer);
    assert_eq!(runs(), [0, 0], "they are those of another component");
    for (seconds, expected) in [(0, [1, 1]), (10, [1, 2]), (280, [1, 3]), (10, [2, 4])] {
        stage.pass_seconds(seconds);
        wake(RunBy::Clock);
        assert_eq!(runs(), expected, "{seconds} seconds later");
    }
}
