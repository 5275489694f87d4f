//! What a farmer offers: SLAs and their cost, raises that wait, slices that are kept back,
//! locks, maintenance, and the history.

use e2e::{Client, Market};
use serde_json::{Value, json};

const NODE: &str = "/api/farm/nodes/node32";
const PAGE: &str = "/dashboard/farm/nodes/node32";
const DAY: i64 = 86_400;

/// The kinds of the events that somebody may see, in order.
async fn events(client: &Client) -> Vec<String> {
    let found = client.get("/api/events?after=0").await.ok(200);
    let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
    found["items"].as_array().unwrap().iter().map(kind).collect()
}

/// A market in which node 32 was found up, and then not listed, twice: once says nothing of it. It
/// is measured at 50 %.
async fn half_up() -> (Market, Client) {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    market.sync().await;
    assert!(market.grid.remove_node(32));
    for _ in 0..2 {
        market.pass(300);
        market.sync().await;
    }
    (market, farmer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sla_above_what_was_measured_is_confirmed_with_its_cost() {
    let (market, farmer) = half_up().await;
    let node = farmer.get(NODE).await.ok(200);
    assert_eq!(node["measured_uptime"], 50.0, "{node:#}");
    farmer.patch(NODE, &json!({ "min_uptime": 50 })).await.ok(200);

    let problem = farmer.patch(NODE, &json!({ "min_uptime": 99.5 })).await;
    let problem = problem.problem(409, "sla-above-measured");
    assert_eq!(problem["cost_per_month"], "12.50");
    assert_eq!((&problem["min_uptime"], &problem["measured_uptime"]), (&json!(99.5), &json!(50.0)));
    assert_eq!(farmer.get(NODE).await.ok(200)["min_uptime"], 50.0);
    let sla = |cost: &str| json!({ "min_uptime": 99.5, "confirm_cost_per_month": cost });
    farmer.patch(NODE, &sla("12.49")).await.problem(409, "sla-above-measured");
    let guaranteed = farmer.patch(NODE, &sla("12.50")).await.ok(200);
    assert_eq!(guaranteed["min_uptime"], 99.5);
    // What stands is not asked about again.
    farmer.patch(NODE, &json!({ "min_uptime": 99.5, "name": "Cellar" })).await.ok(200);

    // The form asks the same, without any script.
    let form = [("min_uptime", "99.9"), ("min_bandwidth_mbps", "10")];
    let page = farmer.get(PAGE).await.page(200);
    let refused = farmer.send(page.submit(PAGE, &form)).await.page(409);
    refused.says(&["99.9% uptime is guaranteed but 50% was measured", "estimated cost of $12.50"]);
    assert!(refused.html().contains("name=\"confirm_cost_per_month\" value=\"12.50\""));
    let sent = [("min_uptime", "99.9"), ("confirm_cost_per_month", "12.50")];
    let done = farmer.send(refused.submit(PAGE, &sent)).await;
    assert!(done.see_other().contains("done=changed"), "{done}");
    assert_eq!(farmer.get(NODE).await.ok(200)["min_uptime"], 99.9);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raise_waits_a_day_and_renters_keep_their_price() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    farmer.publish(32, "25").await;
    farmer.patch(NODE, &json!({ "price_per_month": "26" })).await.ok(200);
    let rental = ada.rent("node32", 1).await.ok(201)["rental"].clone();

    let waits = farmer.patch(NODE, &json!({ "price_per_month": "30" })).await.ok(200);
    assert_eq!(waits["price_per_month"], "26.00");
    assert_eq!(waits["pending_price_per_month"], "30.00");
    assert_eq!(waits["pending_price_at"], "2026-11-23T17:20:00Z");
    let page = market.visitor().get("/marketplace/compute/node32").await.page(200);
    page.says(&["$30.00 from 23 November 2026, 17:20 UTC"]);
    let page = farmer.get(PAGE).await.page(200);
    page.says(&[
        "New rentals cost $26.00 until 23 November 2026, 17:20 UTC",
        "and $30.00 after that",
    ]);
    // The form that saves something else keeps the raise.
    farmer.send(page.submit(PAGE, &[("name", "Cellar")])).await.see_other();
    assert_eq!(farmer.get(NODE).await.ok(200)["pending_price_at"], "2026-11-23T17:20:00Z");

    market.pass(DAY - 1);
    market.run_clock().await.unwrap();
    assert_eq!(farmer.get(NODE).await.ok(200)["price_per_month"], "26.00");
    market.pass(1);
    market.run_clock().await.unwrap();
    let raised = farmer.get(NODE).await.ok(200);
    assert_eq!(
        (&raised["price_per_month"], &raised["pending_price_at"]),
        (&json!("30.00"), &Value::Null)
    );
    let kept = ada.get(&format!("/api/rentals/{}", rental["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(kept["monthly_cost"], "26.00");
    let next = ada.rent("node32", 1).await.ok(201);
    assert_eq!(next["rental"]["monthly_cost"], "30.00");

    // A cut is there at once, and takes a raise back.
    farmer.patch(NODE, &json!({ "price_per_month": "40" })).await.ok(200);
    let cut = farmer.patch(NODE, &json!({ "price_per_month": "20" })).await.ok(200);
    assert_eq!(
        (&cut["price_per_month"], &cut["pending_price_per_month"]),
        (&json!("20.00"), &Value::Null)
    );
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_form_sets_terms_and_what_is_kept_back() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let node = farmer.patch(NODE, &json!({ "withheld_slices": 4, "terms": [1, 12] })).await.ok(200);
    assert_eq!((&node["available_slices"], &node["withheld_slices"]), (&json!(5), &json!(4)));
    farmer.get(PAGE).await.page(200).says(&["4 slices withheld."]);
    let market_page = market.visitor().get("/marketplace/compute/node32").await.page(200);
    market_page.says(&["Withheld by the farmer", "4 slices"]);
    for (field, value) in
        [("withheld_slices", json!(513)), ("withheld_slices", json!(-1)), ("terms", json!([2]))]
    {
        let refused = farmer.patch(NODE, &json!({ field: value })).await;
        assert_eq!(refused.wrong_fields(), [field]);
    }
    let page = farmer.get(PAGE).await.page(200);
    let refused = farmer.send(page.submit(PAGE, &[("withheld_slices", "many")])).await.page(400);
    refused.says(&["A whole number, 0 to 512."]);
    farmer.send(page.submit(PAGE, &[("withheld_slices", "1"), ("terms", "3")])).await.see_other();
    let node = farmer.get(NODE).await.ok(200);
    assert_eq!((&node["withheld_slices"], &node["terms"]), (&json!(1), &json!([3])));

    let history = farmer.get(&format!("{NODE}/history?limit=2")).await.ok(200);
    assert_eq!(history["items"][0]["withheld_slices"], 1);
    assert_eq!(history["items"][1]["terms"], json!([1, 12]));
    let rest = format!("{NODE}/history?cursor={}", history["next_cursor"].as_str().unwrap());
    let rest = farmer.get(&rest).await.ok(200);
    let listings: Vec<&Value> =
        rest["items"].as_array().unwrap().iter().map(|it| &it["listing"]).collect();
    assert_eq!(listings, ["published", "draft", "draft"]);
    farmer.get(&format!("{PAGE}/history")).await.page(200).says(&["1 and 12 months"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_locked_offer_changes() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let page = farmer.get(PAGE).await.page(200);
    let locked = farmer.send(page.submit(&format!("{PAGE}/lock"), &[])).await;
    assert!(locked.see_other().contains("done=locked"), "{locked}");
    assert_eq!(farmer.get(NODE).await.ok(200)["locked_by"], "farmer");
    let window = json!({
        "starts_at": "2026-11-25T10:00:00Z", "ends_at": "2026-11-25T12:00:00Z",
    });
    let nothing_goes = async || {
        farmer.patch(NODE, &json!({ "price_per_month": "20" })).await.problem(409, "node-locked");
        farmer.patch(NODE, &json!({ "name": "Mine" })).await.problem(409, "node-locked");
        farmer.post_empty(&format!("{NODE}/pause")).await.problem(409, "node-locked");
        farmer.post(&format!("{NODE}/maintenance"), &window).await.problem(409, "node-locked");
    };
    nothing_goes().await;
    let locked = farmer.get(PAGE).await.page(200);
    locked.says(&["You locked this offer."]);
    assert!(!locked.actions().contains(&format!("{PAGE}/pause")));
    let unlocked = farmer.send(locked.submit(&format!("{PAGE}/unlock"), &[])).await;
    assert!(unlocked.see_other().contains("done=unlocked"), "{unlocked}");
    farmer.patch(NODE, &json!({ "price_per_month": "24" })).await.ok(200);

    let operator = market.operator();
    let admin = "/api/admin/nodes/node32";
    let reason = json!({ "reason": "The SLA is under review" });
    let wrong = operator.post(&format!("{admin}/lock"), &json!({ "reason": "" })).await;
    assert_eq!(wrong.wrong_fields(), ["reason"]);
    farmer.post(&format!("{admin}/lock"), &reason).await.problem(404, "not-found");
    operator.post("/api/admin/nodes/node33/lock", &reason).await.problem(404, "not-found");
    operator.post(&format!("{admin}/lock"), &reason).await.ok(204);
    let node = farmer.get(NODE).await.ok(200);
    assert_eq!(node["locked_by"], "operator");
    assert_eq!(node["lock_reason"], "The SLA is under review");
    nothing_goes().await;
    farmer.post_empty(&format!("{NODE}/unlock")).await.problem(409, "node-locked");
    farmer.get(PAGE).await.page(200).says(&["Reason: The SLA is under review."]);
    operator.post(&format!("{admin}/unlock"), &reason).await.ok(204);
    assert_eq!(farmer.get(NODE).await.ok(200)["locked_by"], Value::Null);
    farmer.patch(NODE, &json!({ "price_per_month": "23" })).await.ok(200);

    let kinds = events(&farmer).await;
    let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
    assert_eq!((count("node-locked"), count("node-unlocked")), (2, 2));
    let audit = operator.get("/api/admin/audit?limit=100").await.ok(200);
    let is_lock = |entry: &&Value| {
        entry["action"] == "lock-set"
            && entry["actor"] == "operator"
            && entry["subject"] == "node32: The SLA is under review"
    };
    assert!(audit["items"].as_array().unwrap().iter().any(|entry| is_lock(&entry)), "{audit:#}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_is_told_to_who_rents_there() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    farmer.publish(32, "25").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    let rental = format!("/dashboard/slices/{}", rental.as_str().unwrap());
    let list = format!("{NODE}/maintenance");
    let note = "New disks";
    let window =
        |starts: &str, ends: &str| json!({ "starts_at": starts, "ends_at": ends, "note": note });
    let too_soon = window("2026-11-23T10:00:00Z", "2026-11-23T19:00:00Z");
    let mut wrong = farmer.post(&list, &too_soon).await.wrong_fields();
    wrong.sort();
    assert_eq!(wrong, ["ends_at", "starts_at"]);
    let first = window("2026-11-25T10:00:00Z", "2026-11-25T12:00:00Z");
    let announced = farmer.post(&list, &first).await.ok(201);
    farmer.post(&list, &first).await.problem(409, "maintenance-overlaps");
    for day in 26..=28 {
        let (starts, ends) =
            (format!("2026-11-{day}T10:00:00Z"), format!("2026-11-{day}T11:00:00Z"));
        farmer.post(&list, &window(&starts, &ends)).await.ok(201);
    }
    let fifth = window("2026-11-29T10:00:00Z", "2026-11-29T11:00:00Z");
    farmer.post(&list, &fifth).await.problem(409, "too-many-windows");
    let listed = farmer.get(&list).await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    let shown = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!(shown["maintenance"][0]["id"], announced["id"]);
    for (client, path) in [(&ada, rental.as_str()), (&ada, "/marketplace/compute/node32")] {
        let page = client.get(path).await.page(200);
        page.says(&["25 November 2026, 10:00 UTC", "Note from the farmer: New disks"]);
    }

    // A day before, farmer and renter are reminded: once.
    market.set_clock(e2e::MORNING + 2 * DAY);
    market.run_clock().await.unwrap();
    market.run_clock().await.unwrap();
    for who in [&ada, &farmer] {
        let kinds = events(who).await;
        let count = |kind: &str| kinds.iter().filter(|it| *it == kind).count();
        assert_eq!((count("maintenance-announced"), count("maintenance-due")), (4, 1));
    }
    let cancel = format!("{list}/{}", announced["id"].as_str().unwrap());
    let other = market.sign_up("other@example.org").await;
    other.delete(&cancel).await.problem(404, "not-found");
    other.get(&list).await.problem(404, "not-found");
    farmer.delete(&cancel).await.ok(204);
    farmer.delete(&cancel).await.problem(404, "not-found");
    assert!(events(&ada).await.contains(&"maintenance-canceled".to_owned()));
    assert!(!ada.get(&rental).await.page(200).words().contains("25 November 2026, 10:00"));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn maintenance_is_announced_and_canceled_on_its_page() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let path = format!("{PAGE}/maintenance");
    let page = farmer.get(&path).await.page(200);
    let soon = [("starts_at", "2026-11-23T10:00"), ("hours", "2"), ("note", "Disks")];
    let refused = farmer.send(page.submit(&path, &soon)).await.page(400);
    refused.says(&["A time 24 hours to 90 days from now."]);
    let sent = [("starts_at", "2026-11-25T10:00"), ("hours", "2"), ("note", "Disks")];
    let done = farmer.send(page.submit(&path, &sent)).await;
    assert!(done.see_other().contains("done=announced"), "{done}");
    let again = farmer.send(page.submit(&path, &sent)).await.page(409);
    again.says(&["This node already has maintenance scheduled at that time"]);
    let page = farmer.get(&path).await.page(200);
    page.says(&["25 November 2026, 12:00 UTC", "Disks"]);
    farmer.get(PAGE).await.page(200).says(&["25 November 2026, 10:00 UTC"]);
    let action = page.actions().into_iter().find(|action| action.ends_with("/cancel")).unwrap();
    let done = farmer.send(page.submit(&action, &[])).await;
    assert!(done.see_other().contains("done=maintenance-canceled"), "{done}");
    farmer.get(&path).await.page(200).says(&["canceled"]);
    market.check_invariants().await;
}
