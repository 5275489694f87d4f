//! Leaving: a node is withdrawn with notice, and its rentals end, are refunded, or go elsewhere.

use e2e::{Client, MORNING, Market};
use serde_json::{Value, json};

use crate::browser::Browser;

const DAY: i64 = 86_400;
const FARMER: &str = "farmer@example.org";
const OTHER: &str = "other@example.org";
const ADA: &str = "ada@example.org";
const BEN: &str = "ben@example.org";
const NODE: &str = "/api/farm/nodes/node32";

/// The beginning of 2027-02-03, 72 days, 6 hours and 40 minutes after the market's first morning.
const LEAVES_AT: i64 = MORNING + 72 * DAY + 6 * 3_600 + 40 * 60;

/// A farmer with node 32 at $25, and another one with node 17 at $24 and node 600 at $30.
async fn two_farmers(market: &Market) -> (Client, Client) {
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let other = market.sign_up(OTHER).await;
    other.publish(17, "24").await;
    other.publish(600, "30").await;
    (farmer, other)
}

/// Rents a slice of node 32, and answers the path of the rental.
async fn rent(client: &Client, months: i64) -> String {
    let rental = client.rent("node32", months).await.ok(201)["rental"]["id"].clone();
    format!("/api/rentals/{}", rental.as_str().unwrap())
}

async fn withdraw(farmer: &Client) -> Value {
    let body = json!({ "leaves_at": "2027-02-03" });
    farmer.post(&format!("{NODE}/leave"), &body).await.ok(200)
}

/// Uses each operation of this subject once; answers those that succeeded.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let market = Market::start().await;
    let (farmer, _other) = two_farmers(&market).await;
    let ada = market.sign_up_with(ADA, "300").await;
    let path = rent(&ada, 12).await;
    withdraw(&farmer).await;
    let found = ada.get(&format!("{path}/alternatives")).await.ok(200);
    ada.post(&format!("{path}/move"), &move_to(&found[0])).await.ok(200);
    farmer.post_empty(&format!("{NODE}/cancel-leave")).await.ok(200);
    market.operations().await.0
}

/// The body that moves a rental to what an alternative shows.
fn move_to(found: &Value) -> Value {
    json!({
        "node_id": found["node_id"],
        "slice_id": found["slice_id"],
        "offer_version": found["offer_version"],
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_has_rules_and_is_told() {
    let market = Market::start_with_folder().await;
    let (farmer, other) = two_farmers(&market).await;
    let ada = market.sign_up_with(ADA, "300").await;
    let path = rent(&ada, 12).await;
    let at = format!("{NODE}/leave");
    for day in ["2026-12-22", "2029-11-23", "soon", "2027-2-3"] {
        let body = json!({ "leaves_at": day });
        assert_eq!(farmer.post(&at, &body).await.wrong_fields(), ["leaves_at"], "{day}");
    }
    farmer.post_empty(&format!("{NODE}/cancel-leave")).await.problem(409, "not-leaving");
    for outsider in [&other, &ada] {
        outsider.post_empty(&at).await.problem(404, "not-found");
        outsider.post_empty(&format!("{NODE}/cancel-leave")).await.problem(404, "not-found");
    }
    let found = withdraw(&farmer).await;
    assert_eq!(
        (&found["listing"], &found["leaves_at"], &found["left_at"]),
        (&json!("paused"), &json!("2027-02-03T00:00:00Z"), &Value::Null)
    );
    farmer.post_empty(&at).await.problem(409, "node-leaving");
    farmer.post_empty(&format!("{NODE}/publish")).await.problem(409, "node-leaving");
    ada.rent("node32", 1).await.problem(409, "not-offered");

    // What fits is extended; what goes beyond the day is not.
    let extend = format!("{path}/extend");
    let beyond = ada.post(&extend, &json!({ "duration_months": 1 })).await;
    assert_eq!(beyond.problem(409, "term-beyond-leave-date")["leaves_at"], "2027-02-03T00:00:00Z");
    let rental = ada.get(&path).await.ok(200);
    assert_eq!(rental["node_leaves_at"], "2027-02-03T00:00:00Z");
    market.sync().await;
    market.sync().await;
    market.run_mailer().await.unwrap();
    let told =
        "The node of your rental node32_slice_1 at Mycelium leaves the market on 2027-02-03.";
    assert!(market.was_told(ADA, told), "{:?}", market.mails_to(ADA));
    let told =
        market.mails_to(ADA).iter().filter(|mail| mail.contains("leaves the market")).count();
    assert_eq!(told, 1, "once");

    let kept = farmer.post_empty(&format!("{NODE}/cancel-leave")).await.ok(200);
    assert_eq!((&kept["listing"], &kept["leaves_at"]), (&json!("paused"), &Value::Null));
    ada.post(&extend, &json!({ "duration_months": 1 })).await.ok(201);
    farmer.post_empty(&format!("{NODE}/publish")).await.ok(200);
    let events = ada.get("/api/events?after=0").await.ok(200).to_string();
    assert!(
        events.contains("node-leaving") && events.contains("node-leaving-canceled"),
        "{events}"
    );
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renters_choose_and_every_cent_is_somewhere() {
    let market = Market::start_with_folder().await;
    let (farmer, _other) = two_farmers(&market).await;
    let ada = market.sign_up_with(ADA, "600").await;
    let ben = market.sign_up_with(BEN, "400").await;
    let (moved, ended) = (rent(&ada, 12).await, rent(&ada, 12).await);
    let (stays, short) = (rent(&ben, 12).await, rent(&ben, 1).await);
    withdraw(&farmer).await;
    let month = json!({ "duration_months": 1 });
    ben.post(&format!("{short}/extend"), &month).await.ok(201);

    // A tenth of the year: $25.50 of $255 are used.
    market.pass(36 * DAY + DAY / 2);
    market.sync().await;
    let (ada, ben) = (market.sign_in(ADA).await, market.sign_in(BEN).await);
    let cancel = format!("{ended}/cancel");
    let planned = ada.post(&cancel, &json!({ "dry_run": true })).await.ok(200);
    assert_eq!(planned["balance_after"], "319.50");
    let confirmed = json!({ "refund": "229.50" });
    let cost = farmer_sees(&market).await;
    assert!(cost > 13.5, "{cost}");
    let answer = ada.post(&cancel, &confirmed).await.ok(200);
    // Of $270 for the rest of the year, ten months have a discount of 10%: $243.
    assert_eq!((&answer["refund"], &answer["compensation"]), (&json!("229.50"), &json!("13.50")));
    assert_eq!(answer["is_compensation_owed"], false);
    assert_eq!(ada.balance().await, "333.00");
    assert!(farmer_sees(&market).await < cost);
    let to_other = go_elsewhere(&market, &ada, &ben, &moved).await;
    assert_eq!(to_other["node_id"], "node17");
    assert_eq!(ada.balance().await, "333.00", "nothing is charged");

    // On the day, what is still there ends: 1,735 of 8,760 hours were used.
    market.set_clock(LEAVES_AT);
    market.sync().await;
    let (ada, ben) = (market.sign_in(ADA).await, market.sign_in(BEN).await);
    let (farmer, other) = (market.sign_in(FARMER).await, market.sign_in(OTHER).await);
    let rental = ben.get(&stays).await.ok(200);
    assert_eq!((&rental["status"], &rental["refunded"]), (&json!("ended"), &json!("204.50")));
    assert_eq!(ben.get(&short).await.ok(200)["status"], "ended");
    assert_eq!(ben.balance().await, "311.53");
    market.run_mailer().await.unwrap();
    assert!(market.was_told(BEN, "You were refunded $204.50"));
    assert!(market.was_told(BEN, "you $12.03 for the term discount"));
    assert_eq!(ada.get(&moved).await.ok(200)["status"], "active");
    // $45.00 of the months, twice $22.95 of a tenth, and $45.45 of what stayed, less $13.50 and
    // $12.03 for lost discounts.
    farmer.get("/dashboard/farm").await.page(200).says(&["Not paid out yet $110.82"]);
    other.get("/dashboard/farm").await.page(200).says(&["Not paid out yet $22.32"]);
    it_has_left(&market, &farmer).await;
    market.check_invariants().await;
}

/// What leaving costs the farmer at most, in dollars.
async fn farmer_sees(market: &Market) -> f64 {
    let node = market.sign_in(FARMER).await.get(NODE).await.ok(200);
    node["leaving_cost"].as_str().unwrap().parse().unwrap()
}

/// A rental goes on with node 17, and every other way is refused.
async fn go_elsewhere(market: &Market, ada: &Client, ben: &Client, path: &str) -> Value {
    let (alternatives, at) = (format!("{path}/alternatives"), format!("{path}/move"));
    ben.get(&alternatives).await.problem(404, "not-found");
    let found = ada.get(&alternatives).await.ok(200);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["node_id"]), (1, &json!("node17")));
    let body = move_to(&found[0]);
    ben.post(&at, &body).await.problem(404, "not-found");
    let stale = json!({ "node_id": "node17", "offer_version": 1 });
    ada.post(&at, &stale).await.problem(409, "offer-changed");
    let offer = ada.get("/api/marketplace/nodes/node600").await.ok(200);
    let dear = json!({ "node_id": "node600", "offer_version": offer["offer_version"] });
    ada.post(&at, &dear).await.problem(409, "not-equivalent");
    let wrong = json!({ "node_id": "node17", "slice_id": "node600_slice_1", "offer_version": 1 });
    assert_eq!(ada.post(&at, &wrong).await.wrong_fields(), ["slice_id"]);
    let nowhere = json!({ "node_id": "node4711", "offer_version": 1 });
    ada.post(&at, &nowhere).await.problem(404, "not-found");

    let mut dry = body.clone();
    dry["dry_run"] = json!(true);
    let planned = ada.post(&at, &dry).await.ok(200);
    assert_eq!(planned["bookings"][0]["kind"], "earning");
    assert_eq!(ada.get(path).await.ok(200)["node_id"], "node32", "a plan changes nothing");
    let moved = ada.post(&at, &body).await.ok(200);
    assert_eq!(ada.post(&at, &body).await.ok(200), moved, "a retry finds it done");
    assert_eq!(ada.get(&format!("{path}/access")).await.ok(200)["state"], "pending");
    ada.post(&at, &dear).await.problem(409, "not-leaving");
    market.check_invariants().await;
    moved
}

/// The node is gone, and neither a sync nor anything else but its farmer brings it back.
async fn it_has_left(market: &Market, farmer: &Client) {
    for _ in 0..2 {
        market.sync().await;
        let node = farmer.get(NODE).await.ok(200);
        assert_eq!(
            (&node["left_at"], &node["slices"]),
            (&json!("2027-02-03T00:00:00Z"), &json!([]))
        );
        let nodes = market.visitor().get("/api/marketplace/nodes").await.ok(200).to_string();
        assert!(!nodes.contains("\"node32\""), "{nodes}");
    }
    farmer.get("/dashboard/farm").await.page(200).says(&["left"]);
    farmer.post_empty(&format!("{NODE}/publish")).await.problem(409, "node-leaving");
    let back = farmer.post_empty(&format!("{NODE}/cancel-leave")).await.ok(200);
    assert_eq!((&back["left_at"], &back["listing"]), (&Value::Null, &json!("paused")));
    assert!(!back["slices"].as_array().unwrap().is_empty());
    farmer.post_empty(&format!("{NODE}/publish")).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_node_is_refunded_and_not_moved() {
    let market = Market::start().await;
    let (farmer, _other) = two_farmers(&market).await;
    let ada = market.sign_up_with(ADA, "5000").await;
    let body = json!({ "node_id": "node32", "duration_months": 12 });
    let rental = ada.post("/api/marketplace/rent-node", &body).await.ok(201)["rental"].clone();
    let path = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
    withdraw(&farmer).await;
    let found = ada.get(&format!("{path}/alternatives")).await.ok(200);
    let at = format!("{path}/move");
    ada.post(&at, &move_to(&found[0])).await.problem(409, "not-movable");
    market.set_clock(LEAVES_AT);
    market.sync().await;
    let (ada, farmer) = (market.sign_in(ADA).await, market.sign_in(FARMER).await);
    let ended = ada.get(&path).await.ok(200);
    assert_eq!(ended["status"], "ended");
    assert_ne!(ended["refunded"], "0.00");
    let node = farmer.get(NODE).await.ok(200);
    assert_eq!((&node["left_at"], &node["slices"]), (&json!("2027-02-03T00:00:00Z"), &json!([])));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_works_without_scripts() {
    let market = Market::start().await;
    let (mut farmer, mut ada) = (Browser::new(&market), Browser::new(&market));
    farmer.sign_up(FARMER).await;
    farmer.client.publish(32, "25").await;
    market.sign_up(OTHER).await.publish(17, "24").await;
    ada.sign_up(ADA).await;
    market.credit(ADA, "300").await.ok(201);
    let path = rent(&ada.client, 12).await.replace("/api/rentals", "/dashboard/slices");

    farmer.open("/dashboard/farm/nodes/node32").await.says(&["Leave the market"]);
    let leave = "/dashboard/farm/nodes/node32/leave";
    let page = farmer.open(leave).await;
    page.says(&[
        "refunded for the remaining time",
        "Leaving costs you up to $14.26",
        ADA,
        "Give notice",
    ]);
    let withdraw = "/dashboard/farm/nodes/node32/leave";
    let early = farmer.send(page.submit(withdraw, &[("leaves_at", "2026-12-01")])).await;
    early.page(400).says(&["A date of 2026-12-23 or later"]);
    let (at, page) = farmer.submit(&page, withdraw, &[]).await;
    assert_eq!(at, format!("{leave}?done=leaving"));
    page.says(&["This node leaves the market on 23 December 2026", "Cancel leaving"]);
    farmer.open("/dashboard/farm").await.says(&["leaving"]);
    ada.client.get(leave).await.page(404);

    let page = ada.open(&path).await;
    page.says(&[
        "Node leaves the market on 23 December 2026",
        "End rental",
        "Move to another node",
    ]);
    ada.open(&format!("{path}/cancel")).await.says(&["pro rata", "$255.00"]);
    farmer.client.get(&format!("{path}/move")).await.page(404);
    let choose = format!("{path}/move");
    let page = ada.open(&choose).await;
    page.says(&["node17_slice_1", "$24.00", "The unused $255.00 of your payment"]);
    let stale = ada.send(page.submit(&choose, &[("offer_version", "1")])).await;
    stale.page(409).says(&["The offer has changed since you opened it"]);
    let (at, page) = ada.submit(&page, &choose, &[]).await;
    assert_eq!(at, format!("{path}?done=moved"));
    page.says(&["Rental moved at no charge.", "node17_slice_1", "Moved to another slice"]);

    let page = farmer.open(leave).await;
    page.says(&["This node has no rentals."]);
    let stay = "/dashboard/farm/nodes/node32/cancel-leave";
    let (at, page) = farmer.submit(&page, stay, &[]).await;
    assert_eq!(at, format!("{leave}?done=leave-canceled"));
    // Nobody rents anything: it leaves today.
    let page = farmer.submit(&page, withdraw, &[]).await.1;
    page.says(&["This node left the market on 22 November 2026", "Bring node back"]);
    farmer.open("/dashboard/farm/nodes/node32").await.says(&["You can bring it back."]);
    market.check_invariants().await;
}
