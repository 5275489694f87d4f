//! The sync with the grid: capacity follows, rentals stay, and a grid that fails changes nothing.

use e2e::{Client, MORNING, Market};
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

/// 2027-02-22T17:20:00Z: three calendar months after the market starts.
const THREE_MONTHS_LATER: i64 = MORNING + 92 * 24 * 60 * 60;

/// Nodes 32 and 600 on the market, and Ada, who has rented the last slice of node 32.
async fn market_with_a_rental() -> (Market, Client, Client) {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(600, "18").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let body = json!({
        "node_id": "node32",
        "slice_id": "node32_slice_9",
        "duration_months": 3,
    });
    ada.post("/api/marketplace/rent-slice", &body).await.ok(201);
    (market, farmer, ada)
}

/// A patch that leaves SSD storage for so many slices of node 32.
fn room_for(slices: i64) -> Value {
    json!({ "used_resources": { "sru": 2_000_398_934_016_i64 - slices * (200 << 30) } })
}

/// Free and rented slices of node 32, after a sync.
async fn slices(market: &Market, farmer: &Client) -> (u64, u64) {
    let run = market.sync().await;
    assert_eq!(run["failure"], Value::Null, "{run:#}");
    market.check_invariants().await;
    let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
    let count = |field: &str| node[field].as_u64().unwrap();
    (count("available_slices"), count("allocated_slices"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slices_follow_the_capacity_and_rented_ones_stay() {
    let (market, farmer, ada) = market_with_a_rental().await;
    assert_eq!(slices(&market, &farmer).await, (8, 1));

    for (room, expected) in [(5, (4, 1)), (1, (0, 1)), (0, (0, 1)), (3, (2, 1)), (9, (8, 1))] {
        assert!(market.grid.patch_node(32, room_for(room)));
        assert_eq!(slices(&market, &farmer).await, expected, "room for {room}");
        let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
        let rented = node["slices"].as_array().unwrap().iter();
        let rented: Vec<_> = rented.filter(|slice| !slice["renter"].is_null()).collect();
        assert_eq!(rented.len(), 1);
        assert_eq!(rented[0]["id"], "node32_slice_9");
    }
    let rentals = ada.get("/api/rentals").await.ok(200);
    assert_eq!(rentals["items"][0]["status"], "active");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_down_is_withdrawn_until_it_is_back() {
    let (market, farmer, ada) = market_with_a_rental().await;
    let offered = async || {
        let nodes = market.visitor().get("/api/marketplace/nodes").await.ok(200);
        nodes["items"].as_array().unwrap().len()
    };
    for gone in
        [json!({ "status": "down" }), json!({ "status": "standby" }), json!({ "healthy": false })]
    {
        market.grid.patch_node(32, gone.clone());
        assert_eq!(slices(&market, &farmer).await, (0, 1), "{gone}");
        assert_eq!(offered().await, 1);
        ada.rent("node32", 1).await.problem(409, "node-down");
        market.grid.patch_node(32, json!({ "status": "up", "healthy": true }));
        assert_eq!(slices(&market, &farmer).await, (8, 1));
        assert_eq!(offered().await, 2);
    }
    // Six observations, of which three found it up: the measured uptime says so.
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!((&node["measured_uptime"], &node["uptime_observations"]), (&json!(50.0), &json!(6)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_the_grid_no_longer_lists_is_missing() {
    let (market, farmer, _ada) = market_with_a_rental().await;
    assert!(market.grid.remove_node(32));
    let run = market.sync().await;
    assert_eq!((&run["updated"], &run["missing"]), (&json!(1), &json!(1)));
    let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&node["available_slices"], &node["allocated_slices"]), (&json!(0), &json!(1)));
    let reason = node["reason"].as_str().unwrap();
    assert!(reason.contains("no longer lists"), "{reason}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_cannot_be_used_is_put_aside_and_the_rest_goes_on() {
    let (market, farmer, _ada) = market_with_a_rental().await;
    market.grid.patch_node(600, json!({ "total_resources": "many" }));
    market.grid.patch_node(32, room_for(5));
    let run = market.sync().await;
    let counts = [&run["updated"], &run["missing"], &run["refused"]];
    assert_eq!((counts, &run["failure"]), ([&json!(1), &json!(0), &json!(1)], &Value::Null));

    let seen = market.sync_runs().await;
    let [refused] = &seen["quarantine"].as_array().unwrap()[..] else { panic!("{seen:#}") };
    assert_eq!(refused["node_id"], "node600");
    assert!(refused["excerpt"].as_str().unwrap().contains("node"), "{refused:#}");
    // What was last known of it stays; its farmer is notified.
    let node = farmer.get("/api/farm/nodes/node600").await.ok(200);
    assert_eq!(node["available_slices"], 9);
    let reason = node["reason"].as_str().unwrap();
    assert!(reason.contains("is invalid"), "{reason}");
    assert_eq!(farmer.get("/api/farm/nodes/node32").await.ok(200)["available_slices"], 4);
    market.check_invariants().await;

    market.grid.reset().await;
    assert_eq!(market.sync().await["refused"], 0);
    assert_eq!(market.sync_runs().await["quarantine"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grid_that_fails_changes_nothing_and_is_recorded() {
    let (market, farmer, _ada) = market_with_a_rental().await;
    market.sync().await;
    let before = farmer.get("/api/farm/nodes/node32").await.text();
    market.grid.patch_node(32, room_for(1));
    for effect in [
        Effect::Status { code: 500 },
        Effect::Status { code: 429 },
        Effect::Refuse,
        Effect::Close,
        Effect::Cut { after_bytes: 1_000 },
        Effect::Garbage,
        Effect::Html,
        Effect::BadGzip,
        Effect::Huge { bytes: 16 << 20 },
        Effect::Redirect { location: "http://127.0.0.1:1/".into() },
    ] {
        let name = format!("{effect:?}");
        market.pass(300);
        market.grid.set_fault(Fault::new(effect)).await.unwrap();
        let run = market.sync().await;
        assert!(run["failure"].is_string(), "{name}: {run:#}");
        assert_eq!((&run["updated"], &run["upstream"]), (&json!(0), &Value::Null), "{name}");
        assert_eq!(farmer.get("/api/farm/nodes/node32").await.text(), before, "{name}");
    }
    market.grid.clear_fault().await;
    assert_eq!(slices(&market, &farmer).await, (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_server_is_asked_where_one_fails() {
    let broken = Standin::start(Documents::example().unwrap()).await.unwrap();
    broken.set_fault(Fault::new(Effect::Status { code: 503 })).await.unwrap();
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let (second, urls) = (grid.url(), format!("{}, {}/", broken.url(), grid.url()));
    let market = Market::start_with(grid, [("gridproxy_urls", urls.as_str())]).await;

    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let run = market.sync().await;
    assert_eq!((&run["failure"], &run["updated"]), (&Value::Null, &json!(1)));
    assert_eq!(run["upstream"], second);
    assert_eq!(broken.requests().total, 2);

    broken.clear_fault().await;
    assert_eq!(market.sync().await["upstream"], broken.url());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_ends_after_its_term_and_the_farmer_is_paid() {
    let (market, farmer, ada) = market_with_a_rental().await;
    let rental = ada.get("/api/rentals").await.ok(200)["items"][0].clone();
    assert_eq!(rental["ends_at"], "2027-02-22T17:20:00Z");
    let path = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
    let page = format!("/dashboard/slices/{}", rental["id"].as_str().unwrap());

    // Sessions last thirty days, so each looks with a token from now on, or signs in again.
    let (ada_token, farmer_token) = (ada.token(&["read"]).await, farmer.token(&["read"]).await);
    market.set_clock(THREE_MONTHS_LATER - 60);
    market.sync().await;
    assert_eq!(ada_token.get(&path).await.ok(200)["status"], "active");
    let farm = farmer_token.get("/dashboard/farm").await.page(200);
    // Every day but the last one is earned.
    farm.says(&["In escrow $0.70", "Not paid out yet $63.43"]);

    // Rentals end whether or not the grid answers.
    market.set_clock(THREE_MONTHS_LATER);
    market.grid.set_fault(Fault::new(Effect::Refuse)).await.unwrap();
    assert!(market.sync().await["failure"].is_string());
    assert_eq!(ada_token.get(&path).await.ok(200)["status"], "grace");
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!((&node["available_slices"], &node["total_slices"]), (&json!(8), &json!(9)));
    ada_token.get(&page).await.page(200).says(&["grace", "closed", "2 days left"]);
    // The data is kept for two days, and then nobody has the slice any more.
    market.set_clock(THREE_MONTHS_LATER + 48 * 3_600);
    market.sync().await;
    assert_eq!(ada_token.get(&path).await.ok(200)["status"], "ended");
    let farm = farmer_token.get("/dashboard/farm").await.page(200);
    farm.says(&["In escrow $0.00", "Not paid out yet $64.13", "Slices rented 0 of 18, 18 free"]);
    ada_token.get(&page).await.page(200).says(&["ended", "Rental ended", "closed"]);
    assert_eq!(ada_token.balance().await, "28.75");
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!((&node["available_slices"], &node["total_slices"]), (&json!(9), &json!(9)));
    market.check_invariants().await;

    // Another run ends nothing twice.
    market.sync().await;
    farmer_token.get("/dashboard/farm").await.page(200).says(&["Not paid out yet $64.13"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slice_that_ends_on_a_node_without_room_is_not_offered_again() {
    let (market, farmer, _ada) = market_with_a_rental().await;
    market.grid.patch_node(32, json!({ "status": "down" }));
    assert_eq!(slices(&market, &farmer).await, (0, 1));
    let farmer = farmer.token(&["read"]).await;
    market.set_clock(THREE_MONTHS_LATER + 48 * 3_600);
    assert_eq!(slices(&market, &farmer).await, (0, 0));
    market.grid.patch_node(32, json!({ "status": "up" }));
    assert_eq!(slices(&market, &farmer).await, (9, 0));
}
