//! Business logic and money: rules that no client can get around.

use e2e::{Call, Cast, Client, Market, Snapshot};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::race::{CLIENTS, market_with_renters, race};

const RENT: &str = "/api/marketplace/rent-slice";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_01_one_slice_one_renter() {
    let (market, renters) = market_with_renters(CLIENTS).await;
    let body = json!({
        "node_id": "node32",
        "slice_id": "node32_slice_1",
        "duration_months": 3,
    });
    let mut winners = 0;
    for (renter, answer) in race(renters, body).await {
        if answer.status == 201 {
            winners += 1;
            assert_eq!(answer.ok(201)["rental"]["slice_id"], "node32_slice_1");
            assert_eq!(renter.balance().await, "28.75");
        } else {
            answer.problem(409, "slice-taken");
            assert_eq!(renter.balance().await, "100.00");
        }
    }
    assert_eq!((winners, Snapshot::of(&market.database()).count("rentals")), (1, 1));
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!(node["available_slices"], 8);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_03_no_step_can_be_skipped() {
    let Cast { market, farmer, ada, ben, ada_rental, .. } = Cast::meet().await;
    let before = Snapshot::of(&market.database());
    // A draft without a price cannot be published, paused or rented.
    farmer.post_empty("/api/farm/nodes/node11/publish").await.problem(409, "price-missing");
    farmer.post_empty("/api/farm/nodes/node11/pause").await.problem(409, "never-published");
    ada.rent("node11", 1).await.problem(404, "not-found");
    // Nobody rents without money, and a retry of the refused request changes nothing either.
    let poor = json!({ "node_id": "node32", "duration_months": 12 });
    for _ in 0..2 {
        let order = Call::post(RENT, &poor).key("too-much");
        ada.send(order).await.problem(402, "insufficient-funds");
    }
    // What is another's is not there to be read, changed or taken.
    ben.get(&format!("/api/rentals/{ada_rental}")).await.problem(404, "not-found");
    assert_eq!(before.changes(&Snapshot::of(&market.database())), [""; 0]);

    // To confirm twice is to confirm once; with another order it is a mistake.
    let order = json!({ "node_id": "node32", "duration_months": 1 });
    let order = |months: i64| {
        let mut order = order.clone();
        order["duration_months"] = json!(months);
        Call::post(RENT, &order).key("once")
    };
    let first = ada.send(order(1)).await;
    first.ok(201);
    assert_eq!(ada.send(order(1)).await.text(), first.text());
    ada.send(order(3)).await.problem(422, "idempotency-key-reused");
    assert_eq!(ada.balance().await, "50.00");

    // After the end, a rental is over for good: it ends once, and frees its slice once.
    market.pass(40 * 24 * 60 * 60);
    market.sync().await;
    let ended = Snapshot::of(&market.database());
    market.sync().await;
    assert_eq!(ended.count("rentals"), Snapshot::of(&market.database()).count("rentals"));
    let ada = market.sign_in("ada@example.org").await;
    let rental = ada.get(&format!("/api/rentals/{ada_rental}")).await.ok(200);
    assert_eq!((&rental["status"], ada.balance().await.as_str()), (&json!("ended"), "50.00"));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_04_limits_are_the_servers() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.add_node(32).await.ok(201);
    let node = "/api/farm/nodes/node32";
    for price in ["0", "0.99", "500.01", "1000000", "-1", "25.001", "1e2"] {
        let refused = farmer.patch(node, &json!({ "price_per_month": price })).await;
        assert_eq!(refused.wrong_fields(), ["price_per_month"], "{price}");
    }
    for price in ["1", "500.00"] {
        farmer.patch(node, &json!({ "price_per_month": price })).await.ok(200);
    }
    let terms = json!({ "price_per_month": "100" });
    farmer.patch(node, &terms).await.ok(200);
    farmer.post_empty(&format!("{node}/publish")).await.ok(200);
    let ada = market.sign_up_with("ada@example.org", "10000").await;
    for months in [-1, 0, 2, 4, 13, 24, i64::MAX] {
        assert_eq!(ada.rent("node32", months).await.wrong_fields(), ["duration_months"]);
    }
    // What it costs is for the server to say: the price times months, less 0, 5, 10 or 15 %.
    for (months, total) in [(1, "100.00"), (3, "285.00"), (6, "540.00"), (12, "1020.00")] {
        let rental = ada.rent("node32", months).await.ok(201)["rental"].clone();
        assert_eq!(rental["total_cost"], total);
    }
    for (name, value) in
        [("total_cost", json!("0.01")), ("price_per_month", json!("1")), ("discount", json!(99))]
    {
        let mut order = json!({ "node_id": "node32", "duration_months": 1 });
        order[name] = value;
        ada.post(RENT, &order).await.problem(400, "malformed-request");
    }
    assert_eq!(ada.balance().await, "8055.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_05_numbers_beyond_what_they_count_are_refused() {
    let Cast { market, farmer, ada, .. } = Cast::meet().await;
    let before = Snapshot::of(&market.database());
    let huge = ["9223372036854775807", "9223372036854775808", "1e308", "-1", "1e999", "NaN"];
    for number in huge {
        let bodies = [
            (&ada, RENT, format!("{{\"node_id\":\"node32\",\"duration_months\":{number}}}")),
            (&farmer, "/api/farm/nodes", format!("{{\"grid_node_id\":{number}}}")),
        ];
        for (client, path, body) in bodies {
            refused(client, Call::new(http::Method::POST, path), body).await;
        }
        for field in ["price_per_month", "min_uptime", "min_bandwidth_mbps"] {
            let call = Call::new(http::Method::PATCH, "/api/farm/nodes/node32");
            refused(&farmer, call, format!("{{\"{field}\":{number}}}")).await;
            let call = Call::new(http::Method::PATCH, "/api/farm/nodes/node32");
            refused(&farmer, call, format!("{{\"{field}\":\"{number}\"}}")).await;
        }
    }
    for (field, value) in [
        ("min_uptime", json!(100.01)),
        ("min_uptime", json!("101")),
        ("min_bandwidth_mbps", json!(1_000_001)),
        ("min_bandwidth_mbps", json!(0.5)),
    ] {
        let mut terms = json!({});
        terms[field] = value;
        let answer = farmer.patch("/api/farm/nodes/node32", &terms).await;
        assert_eq!(answer.wrong_fields(), [field]);
    }
    // A list of the fields' values is not the object that is described.
    let call = Call::new(http::Method::POST, RENT);
    refused(&ada, call, "[\"node32\", null, 1, null]".to_owned()).await;
    assert_eq!(before.changes(&Snapshot::of(&market.database())), [""; 0]);
}

/// Expects that a body is refused as the client's mistake.
async fn refused(client: &Client, call: Call, body: String) {
    let call = call.with("content-type", "application/json").body(body.clone());
    let answer = client.send(call).await;
    assert_eq!(answer.status, 400, "{body}: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_07_fields_that_nobody_asked_for_change_nothing() {
    let Cast { market, farmer, ada, .. } = Cast::meet().await;
    let before = Snapshot::of(&market.database());
    let extra = [
        ("role", json!("operator")),
        ("is_admin", json!(true)),
        ("balance", json!("1000000")),
        ("id", json!("01936f2c-0000-7000-8000-000000000000")),
        ("user_id", json!("somebody")),
        ("account_id", json!("somebody")),
        ("farmer_id", json!("somebody")),
        ("status", json!("published")),
        ("listing", json!("published")),
        ("price_locked", json!(true)),
        ("created_at", json!(0)),
    ];
    let operator = market.operator();
    let visitor = market.visitor();
    let orders: [(&Client, Call, Value); 6] = [
        (
            &visitor,
            Call::new(http::Method::POST, "/api/account"),
            json!({ "email": "eve@example.org", "password": e2e::PASSWORD }),
        ),
        (
            &ada,
            Call::new(http::Method::POST, "/api/account/tokens"),
            json!({ "name": "a", "scopes": ["read"] }),
        ),
        (
            &ada,
            Call::new(http::Method::POST, RENT),
            json!({ "node_id": "node32", "duration_months": 1 }),
        ),
        (&farmer, Call::new(http::Method::POST, "/api/farm/nodes"), json!({ "grid_node_id": 600 })),
        (
            &farmer,
            Call::new(http::Method::PATCH, "/api/farm/nodes/node32"),
            json!({ "price_per_month": "30" }),
        ),
        (
            &operator,
            Call::new(http::Method::POST, "/api/admin/credits"),
            json!({ "email": "ada@example.org", "amount_usd": "1", "reason": "a" }),
        ),
    ];
    for (client, call, body) in orders {
        for (name, value) in &extra {
            let mut body = body.clone();
            body[*name] = value.clone();
            let answer = client.send(call.clone().json(&body)).await;
            answer.problem(400, "malformed-request");
        }
    }
    assert_eq!(before.changes(&Snapshot::of(&market.database())), [""; 0]);

    // A form is read as strictly: what it has no field for is refused, and nobody is signed up.
    let page = visitor.get("/signup").await.page(200);
    let fields = [("email", "eve@example.org"), ("password", e2e::PASSWORD)];
    for extra in [("role", "operator"), ("balance", "1000000"), ("id", "01936f2c")] {
        let fields = [fields[0], fields[1], extra];
        visitor.send(page.submit("/signup", &fields)).await.page(400);
        assert_eq!(before.changes(&Snapshot::of(&market.database())), [""; 0], "{extra:?}");
    }
    let signed_up = visitor.send(page.submit("/signup", &fields)).await;
    signed_up.see_other();
    let eve = visitor.with_cookie(&signed_up.cookie());
    assert_eq!(eve.balance().await, "0.00");
    let refused = eve.get("/api/admin/invariants").await;
    assert!(matches!(refused.status, 401 | 403 | 404), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_08_the_same_money_is_spent_once() {
    let (market, renters) = market_with_renters(1).await;
    // $100 is four slices of $25, of the nine there are; and sixty-four ask at once.
    let mut running = JoinSet::new();
    for _ in 0..CLIENTS {
        let renter = renters[0].clone();
        running.spawn(async move { renter.rent("node32", 1).await });
    }
    let mut rented = 0;
    for answer in running.join_all().await {
        if answer.status == 201 {
            rented += 1;
        } else {
            answer.problem(402, "insufficient-funds");
        }
    }
    assert_eq!((rented, renters[0].balance().await.as_str()), (4, "0.00"));
    assert_eq!(Snapshot::of(&market.database()).count("rentals"), 4);
    market.check_invariants().await;
}
