//! Every way in which a request to rent is refused, and that nothing changes by it.

use e2e::{Call, Client, Market};
use serde_json::{Value, json};

const RENT: &str = "/api/marketplace/rent-slice";

/// Node 32 at $25, node 600 paused, node 11 a draft; Ada has $100.
async fn farmer_and_renter(market: &Market) -> (Client, Client) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(600, "18").await;
    farmer.post_empty("/api/farm/nodes/node600/pause").await.ok(200);
    farmer.add_node(11).await.ok(201);
    (farmer, market.sign_up_with("ada@example.org", "100").await)
}

fn order(node: &str) -> Value {
    json!({ "node_id": node, "duration_months": 3 })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_rents_what_is_not_on_offer() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_renter(&market).await;
    let slice =
        |slice: &str| json!({ "node_id": "node32", "slice_id": slice, "duration_months": 3 });
    let version =
        |seen: i64| json!({ "node_id": "node32", "duration_months": 3, "offer_version": seen });

    ada.post(RENT, &order("node999")).await.problem(404, "not-found");
    ada.post(RENT, &order("node11")).await.problem(404, "not-found");
    ada.post(RENT, &slice("node32_slice_10")).await.problem(404, "not-found");
    ada.post(RENT, &order("node600")).await.problem(409, "not-offered");
    ada.post(RENT, &version(1)).await.problem(409, "offer-changed");
    farmer.post(RENT, &order("node32")).await.problem(403, "own-slice");

    assert_eq!(ada.balance().await, "100.00");
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!(node["available_slices"], 9);
    ada.post(RENT, &version(node["offer_version"].as_i64().unwrap())).await.ok(201);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_refused() {
    let market = Market::start().await;
    let (_farmer, ada) = farmer_and_renter(&market).await;

    let wrong = async |body: Value| ada.post(RENT, &body).await.wrong_fields();
    assert_eq!(
        wrong(json!({ "node_id": "node32", "duration_months": 2 })).await,
        ["duration_months"]
    );
    assert_eq!(
        wrong(json!({ "node_id": "32nd", "duration_months": 0 })).await,
        ["node_id", "duration_months"]
    );
    let mixed = json!({ "node_id": "node32", "slice_id": "node11_slice_1", "duration_months": 1 });
    assert_eq!(wrong(mixed).await, ["slice_id"]);
    let no_key = ada.send(Call::post(RENT, &order("node32")).key("a key with spaces")).await;
    assert_eq!(no_key.wrong_fields(), ["Idempotency-Key"]);

    for body in [
        json!({ "node_id": "node32", "duration_months": 3, "coupon": "FREE" }),
        json!({ "node_id": "node32", "duration_months": "3" }),
        json!({ "where": "Belgium", "duration_months": 3 }),
        json!([]),
    ] {
        ada.post(RENT, &body).await.problem(400, "malformed-request");
    }
    for body in ["", "{", "node_id=node32&duration_months=3", "\u{0}", "{\"node_id\": \"\u{1}\"}"] {
        let call = Call::post(RENT, &Value::Null).body(body);
        ada.send(call).await.problem(400, "malformed-request");
    }
    let long = format!("{{\"node_id\": \"{}\"}}", "n".repeat(64 * 1024));
    ada.send(Call::post(RENT, &Value::Null).body(long)).await.problem(413, "body-too-large");

    assert_eq!(ada.balance().await, "100.00");
    assert_eq!(ada.get("/api/rentals").await.ok(200)["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_allowed_is_refused_and_not_ignored() {
    let market = Market::start().await;
    let (_farmer, ada) = farmer_and_renter(&market).await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    let extend = format!("/api/rentals/{}/extend", rental.as_str().unwrap());
    let operator = market.operator();
    let credit = json!({ "email": "ada@example.org", "amount_usd": "5", "reason": "transfer" });
    let sla = json!({ "rental_id": rental, "amount_usd": "0.01", "reason": "down" });
    for (client, path, body) in [
        (&ada, RENT, order("node32")),
        (&ada, "/api/marketplace/rent-node", json!({ "node_id": "node32", "duration_months": 1 })),
        (&ada, extend.as_str(), json!({ "duration_months": 1 })),
        (&operator, "/api/admin/credits", credit),
        (&operator, "/api/admin/sla-credits", sla),
    ] {
        // Twice, as a retry is.
        for _ in 0..2 {
            let answer = client.send(Call::post(path, &body).key("cl\u{e9}-1")).await;
            assert_eq!(answer.wrong_fields(), ["Idempotency-Key"], "{path}");
            let errors = &answer.json()["errors"];
            assert!(errors.to_string().contains("visible ASCII characters"), "{errors}");
        }
    }
    assert_eq!(ada.balance().await, "75.00");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_may_rent_rents() {
    let market = Market::start().await;
    let (farmer, ada) = farmer_and_renter(&market).await;

    let visitor = market.visitor();
    visitor.post(RENT, &order("node32")).await.problem(401, "not-signed-in");
    visitor.with_token("myc_nobody").rent("node32", 3).await.problem(401, "not-signed-in");
    visitor.with_cookie("session=nobody").rent("node32", 3).await.problem(401, "not-signed-in");
    market.operator().rent("node32", 3).await.problem(401, "not-signed-in");
    let reader = ada.token(&["read", "farm"]).await;
    reader.rent("node32", 3).await.problem(403, "missing-scope");
    let rental = ada.token(&["rent"]).await.rent("node32", 3).await.ok(201)["rental"].clone();

    // What is somebody else's does not exist.
    let rental = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
    ada.get(&rental).await.ok(200);
    farmer.get(&rental).await.problem(404, "not-found");
    ada.get("/api/rentals/no-such-rental").await.problem(404, "not-found");
    assert_eq!(farmer.get("/api/rentals").await.ok(200)["items"], json!([]));
    for node in ["node32", "node999", "n"] {
        let path = format!("/api/farm/nodes/{node}");
        ada.get(&path).await.problem(404, "not-found");
        ada.patch(&path, &json!({ "price_per_month": 1 })).await.problem(404, "not-found");
        ada.post_empty(&format!("{path}/publish")).await.problem(404, "not-found");
        ada.post_empty(&format!("{path}/pause")).await.problem(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poor_renter_learns_what_is_missing_and_nothing_changes() {
    let market = Market::start().await;
    let (farmer, _ada) = farmer_and_renter(&market).await;
    let poor = market.sign_up_with("poor@example.org", "30").await;
    let before = farmer.get("/api/farm/nodes/node32").await.text();

    let refused = poor.rent("node32", 3).await.problem(402, "insufficient-funds");
    assert_eq!((&refused["total_cost"], &refused["missing"]), (&json!("71.25"), &json!("41.25")));
    assert_eq!(refused["success"], false);

    assert_eq!(poor.balance().await, "30.00");
    let entries = poor.get("/api/wallet/entries").await.ok(200);
    assert_eq!(entries["items"].as_array().unwrap().len(), 1);
    assert_eq!(poor.get("/api/rentals").await.ok(200)["items"], json!([]));
    assert_eq!(farmer.get("/api/farm/nodes/node32").await.text(), before);
    market.check_invariants().await;

    // With what was missing, the same request succeeds.
    market.credit("poor@example.org", "41.25").await.ok(201);
    poor.rent("node32", 3).await.ok(201);
    assert_eq!(poor.balance().await, "0.00");
}
