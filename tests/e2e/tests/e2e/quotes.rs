//! Quotes, renting several slices and whole nodes, dry runs, and every refusal.

use e2e::{Answer, Call, Client, Market};
use serde_json::{Value, json};

const QUOTES: &str = "/api/marketplace/quotes";
const RENT: &str = "/api/marketplace/rent-slice";
const RENT_NODE: &str = "/api/marketplace/rent-node";

/// Node 32 at $25 and node 600 at $18 on the market, nine slices each; Ada with $100, Ben with
/// $1,000.
struct Scene {
    market: Market,
    farmer: Client,
    ada: Client,
    ben: Client,
}

impl Scene {
    async fn new() -> Scene {
        let market = Market::start().await;
        let farmer = market.sign_up("farmer@example.org").await;
        farmer.publish(32, "25").await;
        farmer.publish(600, "18").await;
        let ada = market.sign_up_with("ada@example.org", "100").await;
        let ben = market.sign_up_with("ben@example.org", "1000").await;
        Scene { market, farmer, ada, ben }
    }

    async fn set_price(&self, price: &str) {
        let body = json!({ "price_per_month": price });
        self.farmer.patch("/api/farm/nodes/node32", &body).await.ok(200);
    }

    /// How many slices of a node are free.
    async fn free(&self, node: &str) -> i64 {
        let found = self.market.visitor().get(&format!("/api/marketplace/nodes/{node}")).await;
        found.ok(200)["available_slices"].as_i64().unwrap()
    }
}

async fn rent_by(client: &Client, quote: &Value) -> Answer {
    client.post(RENT, &json!({ "quote_id": quote["id"] })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_says_what_it_costs_and_is_used_once() {
    let scene = Scene::new().await;
    let body = json!({ "node_id": "node32", "duration_months": 3 });
    let quote = scene.ada.post(QUOTES, &body).await.ok(201);
    assert_eq!((&quote["total_cost"], &quote["state"]), (&json!("71.25"), &json!("open")));
    assert_eq!(
        (&quote["is_held"], &quote["expires_at"]),
        (&json!(false), &json!("2026-11-22T17:25:00Z"))
    );
    let item = &quote["items"][0];
    assert_eq!((&item["discount_percent"], &item["discount"]), (&json!(5), &json!("3.75")));
    assert_eq!((&item["price_per_month"], &item["slice_id"]), (&json!("25.00"), &Value::Null));
    let signature = quote["signature"].as_str().unwrap();
    assert!(
        signature.starts_with("1:") && quote["document"].as_str().unwrap().contains("71250000")
    );
    assert_eq!(scene.free("node32").await, 9);

    let path = format!("{QUOTES}/{}", quote["id"].as_str().unwrap());
    assert_eq!(scene.ada.get(&path).await.ok(200), quote);
    scene.ben.get(&path).await.problem(404, "not-found");
    rent_by(&scene.ben, &quote).await.problem(404, "not-found");

    let call = || Call::post(RENT, &json!({ "quote_id": quote["id"] })).key("by-quote");
    let answer = scene.ada.send(call()).await.ok(201);
    assert_eq!(
        (&answer["total_cost"], &answer["rental"]["total_cost"]),
        (&json!("71.25"), &json!("71.25"))
    );
    assert_eq!(scene.ada.balance().await, "28.75");
    // The same intention again is the same answer; another one finds the quote used.
    assert_eq!(scene.ada.send(call()).await.ok(201), answer);
    rent_by(&scene.ada, &quote).await.problem(409, "quote-used");
    assert_eq!(scene.ada.get(&path).await.ok(200)["state"], "used");
    scene.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_keeps_slice_and_price_for_five_minutes() {
    let scene = Scene::new().await;
    let body = json!({ "node_id": "node32", "count": 9, "duration_months": 1, "hold": true });
    let quote = scene.ben.post(QUOTES, &body).await.ok(201);
    assert_eq!((&quote["total_cost"], &quote["is_held"]), (&json!("225.00"), &json!(true)));
    assert_eq!(scene.ben.balance().await, "1000.00");
    assert_eq!(scene.free("node32").await, 0);
    scene.ada.rent("node32", 1).await.problem(409, "sold-out");

    // Whatever the farmer does meanwhile, the quote is kept to.
    scene.set_price("40").await;
    scene.farmer.post_empty("/api/farm/nodes/node32/pause").await.ok(200);
    let answer = rent_by(&scene.ben, &quote).await.ok(201);
    assert_eq!(
        (&answer["total_cost"], answer["rentals"].as_array().unwrap().len()),
        (&json!("225.00"), 9)
    );
    assert_eq!(scene.ben.balance().await, "775.00");
    scene.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_that_is_over_is_in_nobodys_way() {
    let scene = Scene::new().await;
    let body = json!({ "node_id": "node32", "count": 9, "duration_months": 1, "hold": true });
    let quote = scene.ben.post(QUOTES, &body).await.ok(201);
    scene.market.pass(300);
    // No job has run: whoever comes gets the slices all the same.
    rent_by(&scene.ben, &quote).await.problem(409, "quote-expired");
    scene.ada.rent("node32", 1).await.ok(201);
    assert_eq!(scene.free("node32").await, 8);

    // By hand it goes sooner, and by the schedule everybody sees it.
    let hold = json!({ "node_id": "node32", "duration_months": 1, "hold": true });
    let quote = scene.ben.post(QUOTES, &hold).await.ok(201);
    let path = format!("{QUOTES}/{}", quote["id"].as_str().unwrap());
    assert_eq!(scene.free("node32").await, 7);
    scene.ben.delete(&path).await.ok(204);
    assert_eq!(scene.free("node32").await, 8);
    for _ in 0..3 {
        scene.ben.post(QUOTES, &hold).await.ok(201);
    }
    let fourth = json!({ "node_id": "node600", "duration_months": 1, "hold": true });
    scene.ben.post(QUOTES, &fourth).await.problem(409, "too-many-holds");
    scene.market.pass(300);
    assert_eq!(scene.free("node32").await, 5);
    scene.market.run_clock().await.unwrap();
    assert_eq!(scene.free("node32").await, 8);
    scene.ben.post(QUOTES, &fourth).await.ok(201);
    scene.market.check_invariants().await;
}

/// Holding costs nothing, and yet nobody without money holds anything; and nobody forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_needs_money_and_does_not_last_for_ever() {
    let scene = Scene::new().await;
    let eve = scene.market.sign_up("eve@example.org").await;
    let whole = |node: &str| json!({ "node_id": node, "whole_node": true, "duration_months": 1 });
    let hold = |node: &str| {
        let mut body = whole(node);
        body["hold"] = json!(true);
        body
    };
    for node in ["node32", "node600"] {
        let refused = eve.post(QUOTES, &hold(node)).await.problem(402, "insufficient-funds");
        assert_eq!(refused["missing"], refused["total_cost"]);
        eve.post(QUOTES, &whole(node)).await.ok(201);
    }
    assert_eq!(scene.free("node32").await, 9);
    // Ada has $100, which is enough for four slices and not for nine.
    scene.ada.post(QUOTES, &hold("node32")).await.problem(402, "insufficient-funds");
    let free = scene.free("node600").await;
    for _ in 0..3 {
        scene.ben.post(QUOTES, &hold("node600")).await.ok(201);
        scene.market.pass(301);
    }
    let refused = scene.ben.post(QUOTES, &hold("node600")).await.problem(409, "too-many-holds");
    assert!(refused["detail"].as_str().unwrap().contains("3 times in 24 hours"), "{refused}");
    scene.market.run_clock().await.unwrap();
    assert_eq!(scene.free("node600").await, free);
    let rent = json!({ "node_id": "node600", "duration_months": 1 });
    scene.ben.post(RENT_NODE, &rent).await.ok(201);
    scene.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_refusal_has_its_type_and_what_helps() {
    let scene = Scene::new().await;
    let Scene { market, farmer, ada, ben } = &scene;
    let order = |more: Value| {
        let mut body = json!({ "node_id": "node32", "duration_months": 1 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let version =
        market.visitor().get("/api/marketplace/nodes/node32").await.ok(200)["offer_version"]
            .clone();
    scene.set_price("30").await;
    let changed = ada.post(RENT, &order(json!({ "offer_version": version }))).await;
    let changed = changed.problem(409, "offer-changed");
    assert_eq!(changed["quote"]["total_cost"], "30.00");
    assert_eq!(rent_by(ada, &changed["quote"]).await.ok(201)["total_cost"], "30.00");

    let quote = ada.post(QUOTES, &order(json!({}))).await.ok(201);
    scene.set_price("28").await;
    let changed = rent_by(ada, &quote).await.problem(409, "offer-changed");
    assert_eq!(changed["quote"]["total_cost"], "28.00");

    let poor =
        ada.post(RENT, &order(json!({ "count": 3 }))).await.problem(402, "insufficient-funds");
    assert_eq!((&poor["total_cost"], &poor["missing"]), (&json!("84.00"), &json!("14.00")));
    assert_eq!(poor["top_up"], "/dashboard/wallet");
    ada.post(RENT, &order(json!({ "max_price": "27.99" }))).await.problem(409, "above-max-price");
    farmer.post(RENT, &order(json!({}))).await.problem(403, "own-slice");
    let sold_out = ben.post(RENT, &order(json!({ "count": 9 }))).await.problem(409, "sold-out");
    assert_eq!(sold_out["alternatives"][0]["node_id"], "node600");
    ben.post(RENT, &order(json!({ "slice_id": "node32_slice_1" })))
        .await
        .problem(409, "slice-taken");

    let terms = json!({ "terms": [1, 12] });
    let node = farmer.patch("/api/farm/nodes/node32", &terms).await.ok(200);
    assert_eq!(node["terms"], json!([1, 12]));
    let half_year = json!({ "node_id": "node32", "duration_months": 6 });
    ben.post(RENT, &half_year).await.problem(409, "term-not-offered");
    for terms in [json!([]), json!([2]), json!([1, 0])] {
        let refused = farmer.patch("/api/farm/nodes/node32", &json!({ "terms": terms })).await;
        assert_eq!(refused.wrong_fields(), ["terms"]);
    }

    market.grid.patch_node(600, json!({ "status": "down" }));
    market.sync().await;
    let down = ben.rent("node600", 1).await.problem(409, "node-down");
    assert_eq!(down["alternatives"][0]["node_id"], "node32");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_rents_at_most_what_it_may() {
    let grid = gridproxy::Standin::start(gridproxy::Documents::example().unwrap()).await.unwrap();
    let url = grid.url();
    let variables = [("account_slices_max", "2"), ("gridproxy_urls", url.as_str())];
    let market = Market::start_with(grid, variables).await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let three = json!({ "node_id": "node32", "duration_months": 1, "count": 3 });
    ada.post(RENT, &three).await.problem(409, "over-account-limit");
    ada.rent("node32", 1).await.ok(201);
    ada.rent("node32", 1).await.ok(201);
    ada.rent("node32", 1).await.problem(409, "over-account-limit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_slices_are_rented_all_or_none() {
    let scene = Scene::new().await;
    let order = json!({ "count": 4, "spread": "different-nodes", "duration_months": 1 });
    scene.ben.post(RENT, &order).await.problem(409, "sold-out");
    let order = json!({ "count": 2, "spread": "different-countries", "duration_months": 1 });
    let answer = scene.ben.post(RENT, &order).await.ok(201);
    assert_eq!(answer["total_cost"], "43.00");
    let countries: Vec<_> =
        answer["rentals"].as_array().unwrap().iter().map(|r| &r["country"]).collect();
    assert_eq!(countries, ["Canada", "Belgium"], "the lowest price first");
    let order = json!({ "count": 10, "duration_months": 1, "where": { "country": "belgium" } });
    scene.ben.post(RENT, &order).await.problem(409, "sold-out");
    assert_eq!((scene.free("node32").await, scene.free("node600").await), (8, 8));
    for (field, body) in [
        ("count", json!({ "count": 51, "duration_months": 1 })),
        ("spread", json!({ "spread": "wide", "duration_months": 1 })),
        ("duration_months", json!({ "count": 1 })),
        ("min_uptime", json!({ "where": { "min_uptime": 101 }, "duration_months": 1 })),
        ("max_price", json!({ "max_price": "1e3", "duration_months": 1 })),
        ("quote_id", json!({ "quote_id": "00000000-0000-7000-8000-000000000000", "count": 1 })),
        ("node_id", json!({ "node_id": "node32", "spread": "any", "duration_months": 1 })),
    ] {
        assert_eq!(scene.ben.post(RENT, &body).await.wrong_fields(), [field], "{body}");
    }
    scene.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_rented_whole_offers_nothing() {
    let scene = Scene::new().await;
    let order = json!({ "node_id": "node600", "duration_months": 3 });
    scene.ada.post(RENT_NODE, &order).await.problem(402, "insufficient-funds");
    let answer = scene.ben.post(RENT_NODE, &order).await.ok(201);
    let rental = &answer["rental"];
    assert_eq!((&rental["slice_id"], &rental["whole_node"]), (&Value::Null, &json!(true)));
    assert_eq!((&rental["slices"], &rental["monthly_cost"]), (&json!(9), &json!("162.00")));
    assert_eq!(
        (&answer["total_cost"], scene.ben.balance().await),
        (&json!("461.70"), "538.30".into())
    );
    let node = scene.market.visitor().get("/api/marketplace/nodes/node600").await.ok(200);
    assert_eq!((&node["available_slices"], &node["rented_whole"]), (&json!(0), &json!(true)));
    scene.ada.rent("node600", 1).await.problem(409, "sold-out");
    let listed = scene.market.visitor().get("/api/marketplace/nodes").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    scene
        .market
        .visitor()
        .get("/marketplace/compute/node600")
        .await
        .page(200)
        .says(&["rented whole"]);

    // A node of which a slice is rented cannot be had whole.
    scene.ada.rent("node32", 1).await.ok(201);
    let other = json!({ "node_id": "node32", "duration_months": 1 });
    scene.ben.post(RENT_NODE, &other).await.problem(409, "sold-out");

    // The grid says that it is gone and comes back: nothing of it is offered to others.
    scene.market.grid.patch_node(600, json!({ "status": "down" }));
    scene.market.sync().await;
    scene.market.grid.patch_node(600, json!({ "status": "up" }));
    scene.market.sync().await;
    assert_eq!(scene.free("node600").await, 0);
    let path = format!("/api/rentals/{}/cancel", rental["id"].as_str().unwrap());
    scene.ben.post_empty(&path).await.ok(200);
    assert_eq!(scene.free("node600").await, 9);
    scene.market.check_invariants().await;
}

/// A booking: its kind, and the account and amount of each entry.
type Booked = (String, Vec<(String, String)>);

/// What a dry run says that would be booked, with the entries of each booking in order.
fn booked(answer: &Value) -> Vec<Booked> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let entries = |booking: &Value| {
        let entries = booking["entries"].as_array().unwrap().iter();
        let mut entries: Vec<_> =
            entries.map(|entry| (text(&entry["account"]), text(&entry["amount"]))).collect();
        entries.sort();
        entries
    };
    let bookings = answer["bookings"].as_array().unwrap().iter();
    bookings.map(|booking| (text(&booking["kind"]), entries(booking))).collect()
}

/// What was booked for a rental since the transaction `after`, as `booked` gives it.
fn ledger(market: &Market, rental: &str, after: i64) -> Vec<Booked> {
    let db = market.open_database();
    let sql = "SELECT t.id, t.kind, a.kind, e.amount_micros
                 FROM ledger_transactions t
                 JOIN ledger_entries e ON e.transaction_id = t.id
                 JOIN ledger_accounts a ON a.id = e.ledger_account_id
                WHERE t.rental_id = ?1 AND t.id > ?2 ORDER BY t.id";
    let mut statement = db.connection().prepare(sql).unwrap();
    let rows = statement.query_map((rental, after), |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?))
    });
    let mut found: Vec<(i64, Booked)> = Vec::new();
    for row in rows.unwrap() {
        let (id, kind, account, micros): (i64, String, String, i64) = row.unwrap();
        if found.last().is_none_or(|(last, _)| *last != id) {
            found.push((id, (kind, Vec::new())));
        }
        let amount = domain::money::Usd::from_micros(micros).to_string();
        found.last_mut().unwrap().1.1.push((account, amount));
    }
    let sorted = |(_, (kind, mut entries)): (i64, Booked)| {
        entries.sort();
        (kind, entries)
    };
    found.into_iter().map(sorted).collect()
}

fn last_transaction(market: &Market) -> i64 {
    let db = market.open_database();
    let sql = "SELECT max(id) FROM ledger_transactions";
    db.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_every_entry_and_changes_nothing() {
    let scene = Scene::new().await;
    let Scene { market, ada, .. } = &scene;
    let check = async |path: &str, body: Value, rental: Option<&str>| -> Value {
        let mut dry = body.clone();
        dry["dry_run"] = json!(true);
        let before = market.dump();
        let answer = ada.post(path, &dry).await.ok(200);
        assert_eq!(answer["dry_run"], true);
        assert_eq!(without_counters(&market.dump()), without_counters(&before));
        let after = last_transaction(market);
        let real = ada.post(path, &body).await.json();
        let id = rental.or_else(|| real["rental"]["id"].as_str()).unwrap();
        assert_eq!(booked(&answer), ledger(market, id, after), "{path}");
        assert_eq!(answer["balance_after"], ada.balance().await);
        real
    };
    let order = json!({ "node_id": "node32", "duration_months": 1 });
    let rented = check(RENT, order, None).await;
    let id = rented["rental"]["id"].as_str().unwrap().to_owned();
    let extend = format!("/api/rentals/{id}/extend");
    check(&extend, json!({ "duration_months": 1 }), Some(&id)).await;
    market.pass(10 * 86_400 + 5);
    let ended = check(&format!("/api/rentals/{id}/cancel"), json!({}), Some(&id)).await;
    assert_eq!(ended["rental"]["status"], "ended");
    market.check_invariants().await;

    // What books nothing says so.
    let other = ada.rent("node600", 1).await.ok(201)["rental"]["id"].clone();
    let path = format!("/api/rentals/{}", other.as_str().unwrap());
    let dry = json!({ "name": "web", "dry_run": true });
    assert_eq!(ada.patch(&path, &dry).await.ok(200)["bookings"], json!([]));
    assert_eq!(ada.get(&path).await.ok(200)["name"], "");
    let dry = json!({ "email": "ben@example.org", "dry_run": true });
    ada.post(&format!("{path}/transfer"), &dry).await.ok(200);
    assert_eq!(scene.ben.get("/api/transfers").await.ok(200), json!([]));
}

/// A dump without what each request moves: its counters, and when a session was seen.
fn without_counters(dump: &str) -> String {
    let stays = |line: &&str| !line.starts_with("rate_limits ") && !line.starts_with("sessions ");
    dump.lines().filter(stays).collect::<Vec<_>>().join("\n")
}
