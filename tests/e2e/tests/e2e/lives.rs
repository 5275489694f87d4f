//! The life of a rental over HTTP: extended, renewed, named, transferred, ended, and reminded of.

use e2e::{Call, Client, Market};
use serde_json::json;

const DAY: i64 = 86_400;

/// Ada with $100 and a slice of node 32 at $25 for a month; the path of the rental.
async fn a_rental(market: &Market) -> (Client, Client, String) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    (farmer, ada, format!("/api/rentals/{}", rental.as_str().unwrap()))
}

/// Raises the price. While something is rented, that takes a day.
async fn raise(market: &Market, farmer: &Client, price: &str) {
    let body = json!({ "price_per_month": price });
    farmer.patch("/api/farm/nodes/node32", &body).await.ok(200);
    market.pass(DAY);
    market.run_clock().await.unwrap();
    assert_eq!(farmer.get("/api/farm/nodes/node32").await.ok(200)["price_per_month"], "40.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_is_extended_at_its_own_price() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    raise(&market, &farmer, "40").await;
    let extend = format!("{path}/extend");
    let call = || Call::post(&extend, &json!({ "duration_months": 3 })).key("longer");
    let first = ada.send(call()).await;
    let extended = first.ok(201);
    assert_eq!(
        (&extended["ends_at"], &extended["total_cost"]),
        (&json!("2027-03-22T17:20:00Z"), &json!("96.25"))
    );
    assert_eq!(extended["terms"][1]["price_per_month"], "25.00");
    assert_eq!(extended["price_guaranteed_until"], "2027-12-22T17:20:00Z");
    assert_eq!(ada.balance().await, "3.75");
    // A retry changes nothing; the same key for something else is refused.
    let retried = ada.send(call()).await;
    assert_eq!((retried.status, retried.text()), (first.status, first.text()));
    let other = Call::post(&extend, &json!({ "duration_months": 1 })).key("longer");
    ada.send(other).await.problem(422, "idempotency-key-reused");
    let one = json!({ "duration_months": 1 });
    ada.post(&extend, &one).await.problem(402, "insufficient-funds");
    assert_eq!(
        ada.post(&extend, &json!({ "duration_months": 2 })).await.wrong_fields(),
        ["duration_months"]
    );
    farmer.post(&extend, &one).await.problem(404, "not-found");
    market.credit("ada@example.org", "900").await.ok(201);
    let year = json!({ "duration_months": 12, "max_price": "40" });
    for _ in 0..2 {
        ada.post(&extend, &year).await.ok(201);
    }
    ada.post(&extend, &year).await.problem(409, "too-far-ahead");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raise_needs_consent_once_the_agreed_price_is_over() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    market.credit("ada@example.org", "900").await.ok(201);
    let extend = format!("{path}/extend");
    ada.post(&extend, &json!({ "duration_months": 12 })).await.ok(201);
    raise(&market, &farmer, "40").await;
    let refused =
        ada.post(&extend, &json!({ "duration_months": 1 })).await.problem(409, "price-raised");
    assert_eq!((&refused["agreed"], &refused["price"]), (&json!("25.00"), &json!("40.00")));
    let agreed = json!({ "duration_months": 1, "max_price": "40" });
    let extended = ada.post(&extend, &agreed).await.ok(201);
    assert_eq!(
        (&extended["monthly_cost"], &extended["price_guaranteed_until"]),
        (&json!("40.00"), &json!("2029-01-22T17:20:00Z"))
    );
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ends_early_gets_the_unused_time_back() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    market.pass(10 * DAY);
    market.sync().await;
    let cancel = format!("{path}/cancel");
    let dry = ada.post(&cancel, &json!({ "dry_run": true })).await.ok(200);
    assert_eq!(dry["balance_after"], "91.67");
    farmer.post_empty(&cancel).await.problem(404, "not-found");
    let stale =
        ada.post(&cancel, &json!({ "refund": "20.00" })).await.problem(409, "refund-changed");
    assert_eq!(stale["refund"], "16.67");
    let answer = ada.post(&cancel, &json!({ "refund": "16.67" })).await.ok(200);
    assert_eq!(
        (&answer["refund"], &answer["rental"]["status"]),
        (&json!("16.67"), &json!("ended"))
    );
    assert_eq!(
        (&answer["rental"]["refunded"], ada.balance().await),
        (&json!("16.67"), "91.67".into())
    );
    ada.post_empty(&cancel).await.problem(409, "rental-ended");
    let extend = json!({ "duration_months": 1 });
    ada.post(&format!("{path}/extend"), &extend).await.problem(409, "rental-ended");
    assert_eq!(ada.get(&format!("{path}/access")).await.ok(200)["state"], "closed");
    farmer
        .get("/dashboard/farm")
        .await
        .page(200)
        .says(&["In escrow $0.00", "Not paid out yet $7.50"]);
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    assert_eq!(
        (&entries["items"][0]["kind"], &entries["items"][0]["amount"]),
        (&json!("refund"), &json!("16.67"))
    );
    let receipt = ada.get(entries["items"][0]["receipt"].as_str().unwrap()).await.ok(200);
    assert_eq!(receipt["rental"]["slice_id"], "node32_slice_1");
    ada.rent("node32", 1).await.ok(201);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn name_labels_and_renewal_are_the_renters_own() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    let own = json!({
        "name": " web ",
        "labels": ["shop", "shop", "eu"],
        "auto_renew": { "duration_months": 1, "max_price": "30" },
    });
    let changed = ada.patch(&path, &own).await.ok(200);
    assert_eq!((&changed["name"], &changed["labels"]), (&json!("web"), &json!(["shop", "eu"])));
    assert_eq!(changed["auto_renew"], json!({ "duration_months": 1, "max_price": "30.00" }));
    let name = ada.patch(&path, &json!({ "name": "shop" })).await.ok(200);
    assert_eq!((&name["name"], &name["labels"]), (&json!("shop"), &json!(["shop", "eu"])));
    farmer.patch(&path, &own).await.problem(404, "not-found");
    for (field, body) in [
        ("name", json!({ "name": "x".repeat(81) })),
        ("labels", json!({ "labels": ["x".repeat(41)] })),
        ("duration_months", json!({ "auto_renew": { "duration_months": 2 } })),
        ("max_price", json!({ "auto_renew": { "duration_months": 1, "max_price": "0" } })),
    ] {
        assert_eq!(ada.patch(&path, &body).await.wrong_fields(), [field]);
    }
    let running = ada.get("/api/rentals?state=running").await.ok(200);
    assert_eq!(running["items"].as_array().unwrap().len(), 1);
    assert_eq!(ada.get("/api/rentals?state=ended").await.ok(200)["items"], json!([]));
    assert_eq!(ada.get("/api/rentals?state=none").await.wrong_fields(), ["state"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_is_transferred_by_invitation() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    let ben = market.sign_up("ben@example.org").await;
    ada.patch(&path, &json!({ "name": "my secret" })).await.ok(200);
    let id = path.rsplit('/').next().unwrap();
    let (transfer, accept) = (format!("{path}/transfer"), format!("/api/transfers/{id}/accept"));
    ben.post_empty(&accept).await.problem(404, "not-found");
    ben.post(&transfer, &json!({ "email": "ben@example.org" })).await.problem(404, "not-found");
    let offer = ada.post(&transfer, &json!({ "email": "Ben@example.org" })).await.ok(201);
    assert_eq!(
        (&offer["to"], &offer["expires_at"]),
        (&json!("ben@example.org"), &json!("2026-11-29T17:20:00Z"))
    );
    let offers = ben.get("/api/transfers").await.ok(200);
    assert_eq!(
        (&offers[0]["from"], &offers[0]["rental"]["name"]),
        (&json!("ada@example.org"), &json!(""))
    );
    farmer.post_empty(&accept).await.problem(404, "not-found");
    ada.delete(&transfer).await.ok(204);
    ben.post_empty(&accept).await.problem(404, "not-found");

    ada.post(&transfer, &json!({ "email": "ben@example.org" })).await.ok(201);
    ben.post(&accept, &json!({ "dry_run": true })).await.ok(200);
    let taken = ben.post_empty(&accept).await.ok(200);
    assert_eq!((&taken["id"], &taken["name"]), (&json!(id), &json!("")));
    ada.get(&path).await.problem(404, "not-found");
    ben.post_empty(&accept).await.problem(404, "not-found");
    // What is not used is the new renter's.
    ben.post_empty(&format!("{path}/cancel")).await.ok(200);
    assert_eq!((ada.balance().await, ben.balance().await), ("75.00".into(), "25.00".into()));
    market.check_invariants().await;

    // Nobody takes over a slice of their own node.
    let other = ada.rent("node32", 1).await.ok(201)["rental"]["id"].as_str().unwrap().to_owned();
    let to_farmer = json!({ "email": "farmer@example.org" });
    ada.post(&format!("/api/rentals/{other}/transfer"), &to_farmer).await.ok(201);
    farmer.post_empty(&format!("/api/transfers/{other}/accept")).await.problem(403, "own-slice");
    farmer.delete(&format!("/api/rentals/{other}/transfer")).await.ok(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_sla_is_made_good_out_of_what_the_farmer_has_earned() {
    let market = Market::start().await;
    let (farmer, ada, path) = a_rental(&market).await;
    let credit = |amount: &str| {
        let id = path.rsplit('/').next().unwrap();
        let body = json!({ "rental_id": id, "amount_usd": amount, "reason": "3 hours down" });
        Call::post("/api/admin/sla-credits", &body).key("sla-1")
    };
    let operator = market.operator();
    operator.send(credit("2.50")).await.problem(409, "insufficient-farmer-earnings");
    market.pass(10 * DAY);
    market.sync().await;
    operator.send(credit("2.50")).await.ok(204);
    operator.send(credit("2.50")).await.ok(204);
    operator.send(credit("3.50")).await.problem(422, "idempotency-key-reused");
    ada.send(credit("2.50")).await.problem(404, "not-found");
    assert_eq!(ada.balance().await, "77.50");
    let entry = ada.get("/api/wallet/entries").await.ok(200)["items"][0].clone();
    assert_eq!((&entry["kind"], &entry["reason"]), (&json!("sla-credit"), &json!("3 hours down")));
    farmer.get("/dashboard/farm").await.page(200).says(&["Not paid out yet $5.00"]);
    market.check_invariants().await;
}

fn history(market: &Market, path: &str) -> Vec<String> {
    let id = path.rsplit('/').next().unwrap();
    let db = market.open_database();
    let sql = "SELECT kind FROM events WHERE rental_id = ?1 ORDER BY id";
    let mut statement = db.connection().prepare(sql).unwrap();
    let kinds = statement.query_map([id], |row| row.get(0)).unwrap();
    kinds.map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_that_renews_itself_does_so_once_and_says_when_it_cannot() {
    let market = Market::start_with_folder().await;
    let (_farmer, ada, path) = a_rental(&market).await;
    let token = ada.token(&["read"]).await;
    let renew = json!({ "auto_renew": { "duration_months": 3 } });
    ada.patch(&path, &renew).await.ok(200);
    // A month of $25 is paid; three cost $71.25, and $75 are there.
    market.pass(29 * DAY);
    market.sync().await;
    market.sync().await;
    let rental = token.get(&path).await.ok(200);
    assert_eq!(
        (&rental["ends_at"], &rental["status"]),
        (&json!("2027-03-22T17:20:00Z"), &json!("active"))
    );
    assert_eq!(token.balance().await, "3.75");

    market.pass(90 * DAY);
    market.sync().await;
    market.sync().await;
    assert_eq!(token.get(&path).await.ok(200)["ends_at"], "2027-03-22T17:20:00Z");
    market.run_mailer().await.unwrap();
    let why = "your balance is $67.50 short of the total of $71.25";
    assert!(market.was_told("ada@example.org", why));
    // Money comes while the data is kept: it goes on as if nothing had been.
    market.set_clock(e2e::MORNING + 120 * DAY + 3_600);
    market.sync().await;
    assert_eq!(token.get(&path).await.ok(200)["status"], "grace");
    market.credit("ada@example.org", "100").await.ok(201);
    market.sync().await;
    let rental = token.get(&path).await.ok(200);
    assert_eq!(
        (&rental["ends_at"], &rental["status"]),
        (&json!("2027-06-22T17:20:00Z"), &json!("active"))
    );
    let history = history(&market, &path);
    let renewed = history.iter().filter(|kind| *kind == "rental-renewed").count();
    let failed = history.iter().filter(|kind| *kind == "renewal-failed").count();
    assert_eq!((renewed, failed), (2, 1), "{history:?}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renters_are_reminded_14_3_and_1_days_before_the_end() {
    let market = Market::start_with_folder().await;
    let (_farmer, ada, path) = a_rental(&market).await;
    ada.get(&path).await.ok(200);
    let mut told = Vec::new();
    for day in 0..=32 {
        market.set_clock(e2e::MORNING + day * DAY);
        market.sync().await;
        market.sync().await;
        let reminded = history(&market, &path);
        let count = reminded.iter().filter(|kind| *kind == "rental-reminded").count();
        if count > told.len() {
            told.push(30 - day);
        }
    }
    assert_eq!(told, [14, 3, 1]);
    market.run_mailer().await.unwrap();
    let text = "Your rental of node32_slice_1 at Mycelium ends on 2026-12-22.";
    assert!(market.was_told("ada@example.org", text));
    let history = history(&market, &path);
    assert_eq!(history.last().map(String::as_str), Some("rental-ended"));
    assert_eq!(history.iter().filter(|kind| *kind == "rental-expired").count(), 1);
    market.check_invariants().await;
}
