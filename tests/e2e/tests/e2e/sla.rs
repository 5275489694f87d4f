//! SLAs that are measured: credits without asking, disputes, and what everybody reads of it.

use e2e::{Client, MORNING, Market};
use serde_json::{Value, json};

const DAY: i64 = 86_400;
const ADA: &str = "ada@example.org";
const FARMER: &str = "farmer@example.org";
/// How often the sync looks while the node is down.
const LOOKS: usize = 13;

/// Ada rents a slice of node 32, which is seen down for an hour and then not at all; November is
/// settled. Answers her rental's id.
async fn broken_november(market: &Market) -> String {
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let sla = json!({ "min_uptime": "99.5" });
    farmer.patch("/api/farm/nodes/node32", &sla).await.ok(200);
    let ada = market.sign_up_with(ADA, "100").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    assert!(market.grid.patch_node(32, json!({ "status": "down" })));
    for _ in 0..LOOKS {
        market.pass(300);
        market.sync().await;
    }
    assert!(market.grid.patch_node(32, json!({ "status": "up" })));
    market.set_clock(MORNING + 11 * DAY);
    market.sync().await;
    market.check_invariants().await;
    rental.as_str().unwrap().to_owned()
}

/// The only month of a rental that was evaluated.
async fn november(ada: &Client, rental: &str) -> Value {
    let months = ada.get(&format!("/api/rentals/{rental}/months")).await.ok(200);
    assert_eq!(months["items"].as_array().unwrap().len(), 1, "{months:#}");
    months["items"][0].clone()
}

/// Uses each operation on SLAs and the market's state once; answers the ids of those that
/// succeeded.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let market = Market::start().await;
    let rental = broken_november(&market).await;
    let (visitor, operator) = (market.visitor(), market.operator());
    visitor.get("/api/marketplace/nodes/node32/record").await.ok(200);
    visitor.get("/api/marketplace/nodes/node32/samples").await;
    visitor.get("/api/status").await.ok(200);
    let (ada, farmer) = (market.sign_in(ADA).await, market.sign_in(FARMER).await);
    november(&ada, &rental).await;
    let words = json!({ "text": "It was not so" });
    let path = format!("/api/rentals/{rental}/months/2026-11/dispute");
    ada.post(&path, &words).await.ok(201);
    farmer.get("/api/farm/credits").await.ok(200);
    let path = format!("/api/farm/credits/{rental}/2026-11/dispute");
    farmer.post(&path, &words).await.ok(201);
    let open = operator.get("/api/admin/disputes").await.ok(200);
    let id = open["items"][0]["dispute"]["id"].as_str().unwrap();
    let decision = json!({ "credit_usd": "0", "answer": "It was up" });
    operator.post(&format!("/api/admin/disputes/{id}/decide"), &decision).await.ok(200);
    market.check_invariants().await;
    market.operations().await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_sla_is_credited_without_asking_and_can_be_disputed() {
    let market = Market::start().await;
    let rental = broken_november(&market).await;
    let (ada, farmer) = (market.sign_in(ADA).await, market.sign_in(FARMER).await);
    let month = november(&ada, &rental).await;
    assert_eq!(
        (&month["observations"], &month["observations_up"], &month["credit_percent"]),
        (&json!(LOOKS), &json!(0), &json!(50))
    );
    assert_eq!((&month["paid"], &month["is_owed"]), (&month["credit"], &json!(false)));
    let entry = ada.get("/api/wallet/entries").await.ok(200)["items"][0].clone();
    assert_eq!((&entry["kind"], &entry["amount"]), (&json!("sla-credit"), &month["credit"]));
    // Nothing more comes of it.
    market.sync().await;
    assert_eq!(november(&ada, &rental).await, month);

    let page = ada.get(&format!("/dashboard/slices/{rental}/billing")).await.page(200);
    page.says(&["SLA results", "November 2026", "0%, guaranteed 99.5%"]);
    let page = farmer.get("/dashboard/farm/credits").await.page(200);
    page.says(&["November 2026", "0 of 13 up"]);
    let told = farmer.get("/api/notifications").await.ok(200).to_string();
    assert!(told.contains("The renter of node32_slice_"), "{told}");

    let path = format!("/api/rentals/{rental}/months/2026-11/dispute");
    let words = json!({ "text": "It was down for longer" });
    market.visitor().post(&path, &words).await.problem(401, "not-signed-in");
    farmer.post(&path, &words).await.problem(404, "not-found");
    ada.post(&path, &words).await.ok(201);
    ada.post(&path, &words).await.problem(409, "already-disputed");
    let operator = market.operator();
    let open = operator.get("/api/admin/disputes").await.ok(200);
    let case = &open["items"][0];
    assert_eq!(case["dispute"]["text"], "It was down for longer");
    let path = format!("/api/admin/disputes/{}/decide", case["dispute"]["id"].as_str().unwrap());
    let all = json!({ "credit_usd": case["month"]["price"], "answer": "So it was" });
    let lacks = json!({ "credit_usd": "99999", "answer": "So it was" });
    operator.post(&path, &lacks).await.problem(400, "invalid-fields");
    operator.post(&path, &all).await.ok(200);
    operator.post(&path, &all).await.problem(409, "dispute-decided");
    assert_eq!(november(&ada, &rental).await["paid"], case["month"]["price"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_reads_what_was_measured_and_how_the_market_is() {
    let market = Market::start().await;
    let visitor = market.visitor();
    // A new market is not late with what it had no time for.
    assert_eq!(visitor.get("/api/status").await.ok(200)["status"], "ok");
    broken_november(&market).await;
    let record = visitor.get("/api/marketplace/nodes/node32/record").await.ok(200);
    assert_eq!(record["months"][1]["observations"], LOOKS);
    assert_eq!(record["months"][1]["uptime"], 0.0);
    assert_eq!(record["last_24_hours"]["uptime"], 100.0);
    let gone = visitor.get("/api/marketplace/nodes/node32/samples?month=2026-01").await;
    gone.problem(400, "invalid-fields");
    // Nothing was checked for days; half an hour later everything is.
    assert_eq!(visitor.get("/api/status").await.ok(200)["status"], "degraded");
    for _ in 0..6 {
        market.pass(300);
        market.sync().await;
    }
    let status = visitor.get("/api/status").await.ok(200);
    assert_eq!(status["status"], "ok", "{status:#}");
    assert_eq!(status["regions"][0]["region"], "Western Europe");
    let page = visitor.get("/status").await.page(200);
    page.says(&["All systems operational", "integrity checks passed."]);
    let page = visitor.get("/status/checks").await.page(200);
    page.says(&["No slice is rented twice", "No money is lost"]);
    let page = visitor.get("/docs/sla").await.page(200);
    page.says(&["Uptime below the SLA", "10%"]);
    let page = visitor.get("/marketplace/compute/node32").await.page(200);
    page.says(&["Last 24 hours", "November 2026", "at least"]);
}
