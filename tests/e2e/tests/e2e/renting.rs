//! The main path: a farmer offers a node, a renter rents a slice, and everybody sees the same.

use e2e::{Call, Client, Market};
use serde_json::{Value, json};

/// Ada's request: three months of any slice of node 32.
fn three_months() -> Call {
    let body = json!({ "node_id": "node32", "duration_months": 3 });
    Call::post("/api/marketplace/rent-slice", &body).key("order-1")
}

/// Node 32 on the market at $25 a slice and month, and Ada with $100.
async fn farmer_and_renter(market: &Market) -> (Client, Client) {
    let farmer = market.sign_up("farmer@example.org").await;
    let terms = json!({
        "name": "Alpine one",
        "price_per_month": "25.00",
        "min_uptime": 99.5,
        "min_bandwidth_mbps": 100,
    });
    farmer.publish_as(32, &terms).await;
    (farmer, market.sign_up_with("ada@example.org", "100").await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farmer_publishes_nine_slices_of_node_32() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;

    let draft = farmer.add_node(32).await.ok(201);
    assert_eq!((&draft["id"], &draft["listing"]), (&json!("node32"), &json!("draft")));
    assert_eq!((&draft["capacity"], &draft["reason"]), (&json!(9), &Value::Null));
    assert_eq!((&draft["country"], &draft["city"]), (&json!("Belgium"), &json!("Lochristi")));
    assert_eq!(draft["potential_per_month"], Value::Null);
    assert_eq!(market.visitor().get("/api/marketplace/nodes").await.ok(200)["items"], json!([]));

    let terms = json!({ "price_per_month": "25.00" });
    let priced = farmer.patch("/api/farm/nodes/node32", &terms).await.ok(200);
    assert_eq!(priced["potential_per_month"], "225.00");
    let offered = farmer.post_empty("/api/farm/nodes/node32/publish").await.ok(200);
    assert_eq!(
        (&offered["listing"], &offered["available_slices"]),
        (&json!("published"), &json!(9))
    );

    let found = market.visitor().get("/api/marketplace/slices").await.ok(200);
    let slices = found["items"].as_array().unwrap();
    let expected: Vec<_> = (1..=9).map(|number| format!("node32_slice_{number}")).collect();
    assert_eq!(
        slices.iter().map(|slice| &slice["id"]).collect::<Vec<_>>(),
        Vec::from_iter(&expected)
    );
    for slice in slices {
        assert_eq!(slice["node"]["price_per_month"], "25.00");
        assert_eq!([&slice["cpu_cores"], &slice["memory_gb"], &slice["storage_gb"]], [1, 4, 200]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renter_pays_71_25_for_three_months_and_everybody_sees_it() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_renter(&market).await;

    let answer = ada.send(three_months()).await.ok(201);
    assert_eq!(
        (&answer["success"], &answer["access_info"]["state"]),
        (&json!(true), &json!("pending"))
    );
    let rental = &answer["rental"];
    let slice = rental["slice_id"].as_str().unwrap();
    assert_eq!((&rental["status"], &rental["node_name"]), (&json!("active"), &json!("Alpine one")));
    assert_eq!(
        (&rental["monthly_cost"], &rental["discount_percent"]),
        (&json!("25.00"), &json!(5))
    );
    assert_eq!((&rental["total_cost"], &rental["currency"]), (&json!("71.25"), &json!("USD")));
    assert_eq!(rental["started_at"], "2026-11-22T17:20:00Z");
    assert_eq!(rental["ends_at"], "2027-02-22T17:20:00Z");
    assert_eq!((&rental["min_uptime"], &rental["min_bandwidth_mbps"]), (&json!(99.5), &json!(100)));

    // The renter's side of the API.
    assert_eq!(ada.balance().await, "28.75");
    let id = rental["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/api/rentals/{id}")).await.ok(200), *rental);
    let rentals = ada.get("/api/rentals").await.ok(200);
    assert_eq!(rentals, json!({ "items": [rental], "next_cursor": null }));
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    let [paid, credited] = &entries["items"].as_array().unwrap()[..] else { panic!("{entries:#}") };
    assert_eq!((&paid["kind"], &paid["amount"]), (&json!("rental"), &json!("-71.25")));
    assert_eq!((&paid["balance_after"], &paid["rental_id"]), (&json!("28.75"), &json!(id)));
    assert_eq!((&credited["kind"], &credited["amount"]), (&json!("credit"), &json!("100.00")));
    assert_eq!(credited["rental_id"], Value::Null);

    // The market.
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!((&node["available_slices"], &node["total_slices"]), (&json!(8), &json!(9)));
    let states = node["slices"].as_array().unwrap().iter();
    let taken: Vec<_> = states.filter(|slice| slice["state"] == "allocated").collect();
    assert_eq!(taken.iter().map(|slice| &slice["id"]).collect::<Vec<_>>(), [slice]);

    // The farmer's side of the API.
    let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!(node["allocated_slices"], 1);
    let slices = node["slices"].as_array().unwrap();
    let rented = slices.iter().find(|candidate| candidate["id"] == slice).unwrap();
    assert_eq!(rented["renter"], "ada@example.org");
    assert_eq!(rented["rented_until"], "2027-02-22T17:20:00Z");
    assert_eq!(slices.iter().filter(|slice| slice["renter"].is_null()).count(), 8);

    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_dashboards_say_what_the_api_says() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_renter(&market).await;
    let rental = ada.send(three_months()).await.ok(201)["rental"].clone();
    let (id, slice) = (rental["id"].as_str().unwrap(), rental["slice_id"].as_str().unwrap());

    let slices = ada.get("/dashboard/slices").await.page(200);
    slices.says(&[slice, "Alpine one, Lochristi, Belgium", "active", "$23.75"]);
    let page = ada.get(&format!("/dashboard/slices/{id}")).await.page(200);
    page.says(&[slice, "Rented"]);
    let bills = ada.get(&format!("/dashboard/slices/{id}/billing")).await.page(200);
    bills.says(&[slice, "3 months, 5% off", "\u{2212}$71.25", "$28.75"]);
    page.says(&["99.5% uptime, 100 Mbit/s", "ada@example.org"]);
    let wallet = ada.get("/dashboard/wallet").await.page(200);
    wallet.says(&["$28.75 USD", "\u{2212}$71.25", "+$100.00", "Credit: bank transfer"]);

    let farm = farmer.get("/dashboard/farm").await.page(200);
    // What the platform keeps, a tenth, is rounded once: 7.125 to 7.12.
    farm.says(&["Slices rented 1 of 9, 8 free", "In escrow $64.13", "Earned this month $0.00"]);
    let node = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    node.says(&["1 rented, 8 available.", "ada@example.org until"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_with_the_same_key_gets_the_same_answer() {
    let market = Market::start().await;
    let (_farmer, ada) = farmer_and_renter(&market).await;
    let first = ada.send(three_months()).await;
    first.ok(201);

    market.pass(3_600);
    let second = ada.send(three_months()).await;
    second.ok(201);
    assert_eq!(first.text(), second.text());
    assert_eq!(ada.balance().await, "28.75");

    let body = json!({ "node_id": "node32", "duration_months": 1 });
    let other = Call::post("/api/marketplace/rent-slice", &body).key("order-1");
    ada.send(other).await.problem(422, "idempotency-key-reused");
    assert_eq!(ada.balance().await, "28.75");

    // A key is its renter's own: the same one of somebody else is another.
    let ben = market.sign_up_with("ben@example.org", "100").await;
    let bens = ben.send(three_months()).await.ok(201);
    assert_ne!(bens["rental"]["id"], first.json()["rental"]["id"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_renter_gets_another_slice() {
    let market = Market::start().await;
    let (_farmer, ada) = farmer_and_renter(&market).await;
    let ben = market.sign_up_with("ben@example.org", "25").await;
    let adas = ada.send(three_months()).await.ok(201);
    let bens = ben.rent("node32", 1).await.ok(201);
    assert_ne!(adas["rental"]["slice_id"], bens["rental"]["slice_id"]);
    assert_eq!(ben.balance().await, "0.00");

    let again = json!({
        "node_id": "node32",
        "slice_id": adas["rental"]["slice_id"],
        "duration_months": 1,
    });
    market.credit("ben@example.org", "25").await.ok(201);
    ben.post("/api/marketplace/rent-slice", &again).await.problem(409, "slice-taken");
    assert_eq!(ben.balance().await, "25.00");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_keeps_the_price_and_sla_that_were_sold() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_renter(&market).await;
    let rental = ada.send(three_months()).await.ok(201)["rental"].clone();
    let terms = json!({ "price_per_month": "40", "min_uptime": 90, "min_bandwidth_mbps": 10 });
    farmer.patch("/api/farm/nodes/node32", &terms).await.ok(200);

    let now = ada.get(&format!("/api/rentals/{}", rental["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(now, rental);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_four_terms_cost_what_they_say() {
    let market = Market::start().await;
    let (_farmer, ada) = farmer_and_renter(&market).await;
    market.credit("ada@example.org", "900").await.ok(201);
    for (months, total, ends_at) in [
        (1, "25.00", "2026-12-22T17:20:00Z"),
        (3, "71.25", "2027-02-22T17:20:00Z"),
        (6, "135.00", "2027-05-22T17:20:00Z"),
        (12, "255.00", "2027-11-22T17:20:00Z"),
    ] {
        let rental = ada.rent("node32", months).await.ok(201)["rental"].clone();
        assert_eq!(rental["total_cost"], total);
        assert_eq!(rental["ends_at"], ends_at);
    }
    assert_eq!(ada.balance().await, "513.75");
    market.check_invariants().await;
}
