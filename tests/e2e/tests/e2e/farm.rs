//! A farmer's nodes: what the grid says of them, what may be set, and the listing.

use e2e::Market;
use gridproxy::{Effect, Fault};
use serde_json::{Value, json};

/// Each of the sixteen recorded nodes: the slices that it can provide, and what the farmer is
/// notified where it is none.
const RECORDED: [(u32, u32, &str); 16] = [
    (1, 0, "less than 200 GB of SSD storage is free"),
    (11, 4, ""),
    (17, 2, ""),
    (32, 9, ""),
    (198, 1, ""),
    (534, 0, "hard disks cannot hold a slice"),
    (600, 9, ""),
    (4000, 0, "the whole node is rented on the grid"),
    (4001, 0, "the farm is dedicated"),
    (4002, 0, "remove the fee"),
    (5001, 0, "in standby"),
    (5002, 0, "in standby"),
    (5003, 0, "down"),
    (5004, 0, "health check can't reach"),
    (7001, 4, ""),
    (7002, 3, ""),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recorded_node_can_provide_what_it_must() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for (id, slices, reason) in RECORDED {
        let node = farmer.add_node(id).await.ok(201);
        assert_eq!(
            (&node["capacity"], &node["available_slices"]),
            (&json!(slices), &json!(slices))
        );
        assert_eq!(node["slices"].as_array().unwrap().len(), slices as usize, "node {id}");
        assert_eq!(node["reason"].is_null(), slices > 0, "node {id}: {}", node["reason"]);
        let said = node["reason"].as_str().unwrap_or_default();
        assert!(said.contains(reason), "node {id}: {said}");
        let page = farmer.get(&format!("/dashboard/farm/nodes/node{id}")).await.page(200);
        let words = if slices == 0 { reason } else { "this node can provide" }.to_lowercase();
        assert!(page.words().to_lowercase().contains(&words), "{}", page.words());
    }
    let listed = farmer.get("/api/farm/nodes?limit=100").await.ok(200);
    let listed: Vec<_> =
        listed["items"].as_array().unwrap().iter().map(|node| &node["grid_node_id"]).collect();
    assert_eq!(listed, RECORDED.map(|(id, ..)| id));
    market.check_invariants().await;

    // A node without a slice may be published; it is on the market as soon as it has one.
    let terms = json!({ "price_per_month": "10" });
    farmer.patch("/api/farm/nodes/node5001", &terms).await.ok(200);
    farmer.post_empty("/api/farm/nodes/node5001/publish").await.ok(200);
    assert_eq!(market.visitor().get("/api/marketplace/nodes").await.ok(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_registered_once_and_only_if_the_grid_knows_it() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let other = market.sign_up("other@example.org").await;
    farmer.add_node(32).await.ok(201);
    farmer.add_node(32).await.problem(409, "node-taken");
    other.add_node(32).await.problem(409, "node-taken");
    farmer.add_node(99_999_999).await.problem(404, "no-such-grid-node");
    for id in [json!(0), json!(-32), json!(4_294_967_296_i64)] {
        let refused = farmer.post("/api/farm/nodes", &json!({ "grid_node_id": id })).await;
        assert_eq!(refused.wrong_fields(), ["grid_node_id"]);
    }
    for id in [json!("32"), json!(32.5), Value::Null, json!(18_446_744_073_709_551_615_u64)] {
        let refused = farmer.post("/api/farm/nodes", &json!({ "grid_node_id": id })).await;
        refused.problem(400, "malformed-request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grid_that_fails_registers_nothing() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for (effect, kind) in [
        (Effect::Refuse, "grid-unreachable"),
        (Effect::Close, "grid-unreachable"),
        (Effect::Status { code: 500 }, "grid-unreachable"),
        (Effect::Status { code: 429 }, "grid-unreachable"),
        (Effect::Cut { after_bytes: 100 }, "grid-unreachable"),
        (Effect::Redirect { location: "http://127.0.0.1:1/".into() }, "grid-unreachable"),
        (Effect::Garbage, "unusable-grid-document"),
        (Effect::Html, "unusable-grid-document"),
    ] {
        let name = format!("{effect:?}");
        market.grid.set_fault(Fault::new(effect)).await.unwrap();
        let refused = farmer.add_node(32).await;
        assert_eq!(refused.status, 502, "{name}: {refused}");
        refused.problem(502, kind);
    }
    // A 404 of something else than the grid's server does not say that the node does not exist.
    let proxy = Effect::Body {
        status: 404,
        content_type: "text/html".into(),
        body: "<h1>no such site</h1>".into(),
    };
    market.grid.set_fault(Fault::new(proxy)).await.unwrap();
    farmer.add_node(32).await.problem(502, "grid-unreachable");
    // Nor does the document of another node.
    let other = Effect::Body {
        status: 200,
        content_type: "application/json".into(),
        body: std::fs::read_to_string(gridproxy::recorded("server_single_600.json")).unwrap(),
    };
    market.grid.set_fault(Fault::new(other)).await.unwrap();
    farmer.add_node(32).await.problem(502, "unusable-grid-document");

    market.grid.clear_fault().await;
    assert_eq!(farmer.get("/api/farm/nodes").await.ok(200)["items"], json!([]));
    farmer.add_node(32).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_goes_on_and_off_the_market() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let renter = market.sign_up_with("ada@example.org", "100").await;
    farmer.add_node(32).await.ok(201);
    let (publish, pause) = ("/api/farm/nodes/node32/publish", "/api/farm/nodes/node32/pause");

    farmer.post_empty(publish).await.problem(409, "price-missing");
    farmer.post_empty(pause).await.problem(409, "never-published");
    market.visitor().get("/api/marketplace/nodes/node32").await.problem(404, "not-found");
    farmer.patch("/api/farm/nodes/node32", &json!({ "price_per_month": 25 })).await.ok(200);
    assert_eq!(farmer.post_empty(publish).await.ok(200)["listing"], "published");
    assert_eq!(farmer.post_empty(publish).await.ok(200)["listing"], "published");
    let rental = renter.rent("node32", 1).await.ok(201)["rental"].clone();

    assert_eq!(farmer.post_empty(pause).await.ok(200)["listing"], "paused");
    assert_eq!(market.visitor().get("/api/marketplace/nodes").await.ok(200)["items"], json!([]));
    renter.rent("node32", 1).await.problem(409, "not-offered");
    let rental = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
    assert_eq!(renter.get(&rental).await.ok(200)["status"], "active");
    assert_eq!(farmer.post_empty(publish).await.ok(200)["available_slices"], 8);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_and_an_sla_have_limits() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.add_node(32).await.ok(201);
    let change = async |body: Value| farmer.patch("/api/farm/nodes/node32", &body).await;
    for price in ["0.99", "500.01", "0", "-25", "25.001", "", "2e1", "many"] {
        assert_eq!(
            change(json!({ "price_per_month": price })).await.wrong_fields(),
            ["price_per_month"]
        );
    }
    let all = json!({
        "price_per_month": 1_000,
        "min_uptime": 100.01,
        "min_bandwidth_mbps": -1,
        "name": "two\nlines",
    });
    let mut wrong = change(all).await.wrong_fields();
    wrong.sort();
    assert_eq!(wrong, ["min_bandwidth_mbps", "min_uptime", "name", "price_per_month"]);
    change(json!({ "price": 25 })).await.problem(400, "malformed-request");

    for (field, value) in [
        ("price_per_month", json!("1.00")),
        ("price_per_month", json!("500.00")),
        ("min_uptime", json!(99.95)),
        ("min_bandwidth_mbps", json!(810)),
        ("name", json!("Ütrecht \u{1f344}")),
    ] {
        let node = change(json!({ field: value })).await.ok(200);
        assert_eq!(node[field], value);
    }
    // The grid has measured 940 Mbit/s up and 810 down: more is asked about.
    let above = change(json!({ "min_bandwidth_mbps": 1_000_000 })).await;
    let above = above.problem(409, "sla-above-measured");
    assert_eq!(above["measured_bandwidth_mbps"], 810);
    assert_eq!(above["cost_per_month"], "50.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_was_decided_on_an_old_offer_is_refused() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let seen = farmer.publish(32, "25").await["offer_version"].as_i64().unwrap();
    let change =
        |price: u32, version: i64| json!({ "price_per_month": price, "offer_version": version });
    let node = "/api/farm/nodes/node32";
    let now = farmer.patch(node, &change(30, seen)).await.ok(200);
    assert_ne!(now["offer_version"], seen);
    farmer.patch(node, &change(10, seen)).await.problem(409, "offer-changed");
    assert_eq!(farmer.get(node).await.ok(200)["price_per_month"], "30.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_name_is_text_everywhere() {
    const NAME: &str = "<script>alert(1)</script>\"'&amp;{{7*7}}";
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish_as(32, &json!({ "name": NAME, "price_per_month": "25" })).await;
    let renter = market.sign_up_with("ada@example.org", "100").await;
    let rental = renter.rent("node32", 1).await.ok(201)["rental"].clone();
    assert_eq!(rental["node_name"], NAME);
    let rental = format!("/dashboard/slices/{}", rental["id"].as_str().unwrap());

    for (client, path) in [
        (&renter, "/marketplace/compute"),
        (&renter, "/marketplace/compute/node32"),
        (&renter, "/dashboard/slices"),
        (&renter, rental.as_str()),
        (&renter, "/dashboard/wallet"),
        (&farmer, "/dashboard/farm"),
        (&farmer, "/dashboard/farm/nodes/node32"),
    ] {
        let page = client.get(path).await.page(200);
        assert!(!page.html().contains("<script>alert"), "{path}");
        assert!(!page.html().contains("\"'&amp;"), "{path}");
    }
    let page = renter.get("/marketplace/compute/node32").await.page(200);
    assert!(page.html().contains("&#60;script&#62;alert(1)"), "{}", page.html());
}
