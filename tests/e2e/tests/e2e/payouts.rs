//! Payouts over HTTP: every step, every refusal, and where the money is meanwhile.

use e2e::twin::{FARM, TWIN};
use e2e::{Call, Client, MORNING, Market, app_code};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::ownership;

const DAY: i64 = 86_400;
const PAYOUTS: &str = "/api/farm/payouts";
const ADDRESS: &str = "BE71 0961 2345 6769";
const FARMER: &str = "farmer@example.org";

/// A market whose farmer has earned $202.50 with nine slices for a month, and who is not signed in.
/// The farm is verified, so that what it earns is not held.
async fn earned(market: &Market) {
    let farmer = market.sign_up(FARMER).await;
    ownership::own(&farmer, FARM, TWIN).await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "225").await;
    let nine = json!({ "node_id": "node32", "count": 9, "duration_months": 1 });
    ada.post("/api/marketplace/rent-slice", &nine).await.ok(201);
    // Over, grace and all, and compared with its SLA: one month in each run.
    market.set_clock(MORNING + 33 * DAY);
    for _ in 0..2 {
        market.run_clock().await.unwrap();
    }
}

/// The farmer, in a session with a second factor, who has said where to be paid three days ago.
async fn farmer(market: &Market) -> Client {
    let farmer = market.sign_in(FARMER).await;
    market.strengthen(&farmer);
    let address = json!({ "payout_address": ADDRESS });
    farmer.put("/api/farm/payout", &address).await.ok(200);
    market.pass(3 * DAY);
    farmer
}

async fn ask(farmer: &Client, amount: &str, key: &str) -> Value {
    let call = Call::post(PAYOUTS, &json!({ "amount_usd": amount })).key(key);
    farmer.send(call).await.ok(201)
}

fn id(payout: &Value) -> &str {
    payout["id"].as_str().unwrap()
}

/// What an operator does to a payout, and with what words.
fn action(payout: &Value, name: &str) -> Call {
    let path = format!("/api/admin/payouts/{}/{name}", id(payout));
    match name {
        "send" => Call::post(&path, &json!({ "reference": "SEPA 7" })),
        "fail" => Call::post(&path, &json!({ "reason": "No such account" })),
        _ => Call::new(http::Method::POST, &path),
    }
}

/// What can be paid, is on its way and has arrived.
async fn money(farmer: &Client) -> [String; 3] {
    let totals = farmer.get("/api/farm/revenue").await.ok(200)["totals"].clone();
    ["balance", "in_payout", "paid"].map(|name| totals[name].as_str().unwrap().to_owned())
}

/// Uses each operation on payouts and revenue once; answers the ids of those that succeeded.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let market = Market::start().await;
    earned(&market).await;
    let (farmer, operator) = (farmer(&market).await, market.operator());
    let first = ask(&farmer, "25", "a").await;
    farmer.get(PAYOUTS).await.ok(200);
    farmer.get(&format!("{PAYOUTS}/{}", id(&first))).await.ok(200);
    farmer.post_empty(&format!("{PAYOUTS}/{}/cancel", id(&first))).await.ok(200);
    let second = ask(&farmer, "30", "b").await;
    operator.get("/api/admin/payouts").await.ok(200);
    operator.send(action(&second, "approve")).await.ok(200);
    operator.get("/api/admin/payouts/export").await;
    operator.send(action(&second, "send")).await.ok(200);
    operator.send(action(&second, "done")).await.ok(200);
    let third = ask(&farmer, "40", "c").await;
    operator.send(action(&third, "fail")).await.ok(200);
    farmer.get("/api/farm/revenue").await.ok(200);
    market.check_invariants().await;
    market.operations().await.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::too_many_lines, reason = "the life of a payout, in order")]
async fn a_payout_goes_step_by_step_and_the_money_with_it() {
    let market = Market::start().await;
    earned(&market).await;
    let (farmer, operator) = (farmer(&market).await, market.operator());
    assert_eq!(money(&farmer).await, ["202.50", "0.00", "0.00"]);
    let payout = ask(&farmer, "100", "a").await;
    assert_eq!(
        (&payout["state"], &payout["payout_address"]),
        (&json!("requested"), &json!(ADDRESS))
    );
    assert_eq!(money(&farmer).await, ["102.50", "100.00", "0.00"]);
    // Who moves meanwhile is paid where they asked to be.
    let moved = json!({ "payout_address": "elsewhere" });
    farmer.put("/api/farm/payout", &moved).await.problem(403, "verification-required");
    market.strengthen(&farmer);
    farmer.put("/api/farm/payout", &moved).await.ok(200);

    let withdraw = format!("{PAYOUTS}/{}/cancel", id(&payout));
    let out_of_turn = async |names: &[&str]| {
        for name in names {
            let refused = operator.send(action(&payout, name)).await;
            refused.problem(409, "wrong-payout-state");
        }
    };
    out_of_turn(&["send", "done"]).await;
    let approved = operator.send(action(&payout, "approve")).await.ok(200);
    assert_eq!(
        (&approved["email"], &approved["payout_address"]),
        (&json!(FARMER), &json!(ADDRESS))
    );
    out_of_turn(&["approve", "done"]).await;
    farmer.post_empty(&withdraw).await.problem(409, "wrong-payout-state");
    let sent = operator.send(action(&payout, "send")).await.ok(200);
    assert_eq!((&sent["state"], &sent["reference"]), (&json!("sent"), &json!("SEPA 7")));
    assert_eq!(money(&farmer).await, ["102.50", "100.00", "0.00"]);
    out_of_turn(&["approve", "send"]).await;
    operator.send(action(&payout, "done")).await.ok(200);
    out_of_turn(&["approve", "send", "done", "fail"]).await;
    farmer.post_empty(&withdraw).await.problem(409, "wrong-payout-state");
    assert_eq!(money(&farmer).await, ["102.50", "0.00", "100.00"]);
    let found = farmer.get(&format!("{PAYOUTS}/{}", id(&payout))).await.ok(200);
    assert_eq!(
        (&found["state"], &found["finished_at"]),
        (&json!("done"), &json!("2026-12-28T17:20:00Z"))
    );
    let refused = farmer.post(PAYOUTS, &json!({ "amount_usd": "102.50" })).await;
    refused.problem(409, "payout-address-changed");
    market.pass(3 * DAY);

    // From each open state it can fail, and the money is back.
    for (key, steps) in [("b", &[][..]), ("c", &["approve"]), ("d", &["approve", "send"])] {
        let payout = ask(&farmer, "102.50", key).await;
        for step in steps {
            operator.send(action(&payout, step)).await.ok(200);
        }
        let failed = operator.send(action(&payout, "fail")).await.ok(200);
        assert_eq!(
            (&failed["state"], &failed["reason"]),
            (&json!("failed"), &json!("No such account"))
        );
        assert_eq!(money(&farmer).await, ["102.50", "0.00", "100.00"]);
        market.check_invariants().await;
    }
    told(&farmer, &payout).await;
    // All money that came in and has not left again is with somebody.
    let db = market.open_database();
    let sql = "SELECT kind, sum(balance_micros) / 10000 FROM ledger_accounts GROUP BY kind";
    let mut statement = db.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let held: Vec<(String, i64)> = rows.map(Result::unwrap).collect();
    let expected = [
        ("earnings", 10_250),
        ("escrow", 0),
        ("funding", -12_500),
        ("platform", 2_250),
        ("wallet", 0),
    ];
    assert_eq!(held, expected.map(|(kind, cents)| (kind.to_owned(), cents)));
}

/// The farmer is notified of every step, and has them in the books.
async fn told(farmer: &Client, payout: &Value) {
    let events = farmer.get("/api/events?after=0").await.ok(200);
    let of_it = events["items"].as_array().unwrap().iter();
    let of_it = of_it.filter(|event| event["subject"] == payout["id"]);
    let kinds: Vec<&str> = of_it.map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["payout-requested", "payout-approved", "payout-sent", "payout-done"]);
    let book = farmer.get("/api/wallet/statements/2026-12").await.ok(200)["earnings"].clone();
    let entries = book["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds[..9], ["earning"; 9]);
    assert_eq!(kinds[9], "payout-request");
    let back = ["payout-request", "payout-return"].repeat(3);
    assert_eq!(kinds[10..], back);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_paid_is_refused() {
    let market = Market::start().await;
    earned(&market).await;
    let farmer = market.sign_in(FARMER).await;
    let body = json!({ "amount_usd": "25" });
    farmer.post(PAYOUTS, &body).await.problem(403, "verification-required");
    let token = farmer.token(&["read", "farm"]).await;
    token.post(PAYOUTS, &body).await.problem(403, "verification-required");
    market.strengthen(&farmer);
    farmer.post(PAYOUTS, &body).await.problem(409, "no-payout-address");
    let address = json!({ "payout_address": ADDRESS });
    farmer.put("/api/farm/payout", &address).await.ok(200);
    market.pass(3 * DAY);
    for wrong in ["24.99", "0", "x", "25.001"] {
        let refused = farmer.post(PAYOUTS, &json!({ "amount_usd": wrong })).await;
        assert_eq!(refused.wrong_fields(), ["amount_usd"], "{wrong}");
    }
    let too_much = farmer.post(PAYOUTS, &json!({ "amount_usd": "202.51" })).await;
    let why = too_much.problem(409, "insufficient-earnings")["detail"].clone();
    assert_eq!(why, "only $202.50 is available for payout");

    let first = ask(&farmer, "25", "a").await;
    assert_eq!(ask(&farmer, "25.00", "a").await, first, "a retry gets the same one");
    let other = Call::post(PAYOUTS, &json!({ "amount_usd": "26" })).key("a");
    farmer.send(other).await.problem(422, "idempotency-key-reused");
    for key in ["b", "c", "d", "e"] {
        ask(&farmer, "25", key).await;
    }
    farmer.post(PAYOUTS, &body).await.problem(409, "too-many-payouts");
    assert_eq!(money(&farmer).await, ["77.50", "125.00", "0.00"]);
    let page = farmer.get(&format!("{PAYOUTS}?limit=2")).await.ok(200);
    assert_eq!(page["items"].as_array().map(Vec::len), Some(2));
    let next = format!("{PAYOUTS}?limit=5&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(farmer.get(&next).await.ok(200)["items"].as_array().map(Vec::len), Some(3));

    // Others' do not exist.
    let eve = market.sign_up("eve@example.org").await;
    market.strengthen(&eve);
    let path = format!("{PAYOUTS}/{}", id(&first));
    eve.get(&path).await.problem(404, "not-found");
    eve.post_empty(&format!("{path}/cancel")).await.problem(404, "not-found");
    eve.send(action(&first, "approve")).await.problem(404, "not-found");
    eve.get("/api/admin/payouts/export").await.problem(404, "not-found");
    assert_eq!(eve.get(PAYOUTS).await.ok(200)["items"], json!([]));
    let nothing = json!({ "id": "01936f2c-0000-7000-8000-000000000000" });
    let operator = market.operator();
    operator.send(action(&nothing, "approve")).await.problem(404, "not-found");
    let blank =
        Call::post(&format!("/api/admin/payouts/{}/fail", id(&first)), &json!({ "reason": " " }));
    assert_eq!(operator.send(blank).await.wrong_fields(), ["reason"]);
    assert_eq!(operator.get("/api/admin/payouts?state=lost").await.wrong_fields(), ["state"]);
    farmer.post_empty(&format!("{path}/cancel")).await.ok(200);
    assert_eq!(money(&farmer).await, ["102.50", "100.00", "0.00"]);
    market.check_invariants().await;
}

/// With a real second factor, and with forms only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_payouts_work_without_scripts() {
    let market = Market::start().await;
    earned(&market).await;
    let mut farmer = Browser::new(&market);
    farmer.sign_in(FARMER, e2e::PASSWORD).await;
    let path = "/dashboard/farm/payouts";
    let page = farmer.open(path).await;
    page.says(&["$202.50", "Not set", "To request a payout, verify it's you", "Verify it's you"]);
    assert!(!page.actions().contains(&path.to_owned()));

    let app = farmer.client.post_empty("/api/account/totp").await.ok(200);
    let secret = app["secret"].as_str().unwrap();
    let code = json!({ "code": app_code(secret, MORNING + 33 * DAY) });
    let confirmed = farmer.client.post("/api/account/totp/confirm", &code).await;
    farmer.client = farmer.client.with_cookie(&confirmed.cookie());
    farmer.open(path).await.says(&["Set a payout address first."]);
    let address = json!({ "payout_address": "=1+1, evil" });
    farmer.client.put("/api/farm/payout", &address).await.ok(200);
    let until = "You can request payouts from 28 December 2026, 17:20 UTC on.";
    farmer.open(path).await.says(&[until]);
    market.pass(3 * DAY);
    let page = farmer.open(path).await;
    let refused = farmer.send(page.submit(path, &[("amount_usd", "5")])).await.page(400);
    refused.says(&["An amount in dollars and cents, 25.00 at least."]);
    let (to, page) = farmer.submit(&page, path, &[("amount_usd", "50")]).await;
    assert_eq!(to, format!("{path}?done=payout-requested"));
    page.says(&["Payout requested.", "$152.50", "$50.00 requested", "=1+1, evil"]);
    let take_back = page.actions().into_iter().find(|action| action.ends_with("/cancel")).unwrap();
    let (to, page) = farmer.submit(&page, &take_back, &[]).await;
    assert_eq!(to, format!("{path}?done=payout-canceled"));
    page.says(&["$202.50", "$50.00 canceled"]);
    let again = Call::form(&take_back, []);
    assert_eq!(farmer.client.send_unchecked(&again).await.status, 403, "no form of this session");
    let (_, page) = farmer.submit(&page, path, &[("amount_usd", "30")]).await;
    page.says(&["$30.00 requested"]);
    farmer.open("/dashboard/farm").await.says(&["and $30.00 in progress"]);

    // An account with a payout under way stays, and earnings are not lost unnoticed.
    let settings = farmer.open("/dashboard/settings/delete").await;
    settings.says(&["You have $172.50 in earnings"]);
    for path in ["/api/farm/nodes/node32/pause"] {
        farmer.client.post_empty(path).await.ok(200);
    }
    market.set_clock(MORNING + 36 * DAY);
    market.sync().await;
    let delete = json!({ "password": e2e::PASSWORD });
    farmer.client.post("/api/account/delete", &delete).await.problem(409, "account-in-use");
    operate(&market).await;
    farmer.open(path).await.says(&["$30.00 done", "Transfer: SEPA 9"]);
    farmer.client.post("/api/account/delete", &delete).await.ok(204);
    market.check_invariants().await;
}

/// The operator pays, by forms.
async fn operate(market: &Market) {
    let mut operator = Browser::new(market);
    operator.sign_up("operator@example.org").await;
    let account = operator.client.get("/api/account").await.ok(200);
    let grant = format!("/api/admin/accounts/{}/grant-operator", account["id"].as_str().unwrap());
    market.operator().post_empty(&grant).await.ok(204);
    market.strengthen(&operator.client);
    let page = operator.open("/operator/payouts").await;
    page.says(&["Requested: 1, $30.00", "Canceled: 1, $50.00", "=1+1, evil", FARMER]);
    let action = |page: &e2e::Page, name: &str| {
        page.actions().into_iter().find(|action| action.ends_with(name)).unwrap()
    };
    let (to, page) = operator.submit(&page, &action(&page, "/approve"), &[]).await;
    assert_eq!(to, "/operator/payouts?state=approved&done=payout-changed");
    page.says(&["Done. The farmer can see the change.", "Approved: 1, $30.00"]);
    assert!(page.links().contains(&"/api/admin/payouts/export".to_owned()));
    let table = operator.client.get("/api/admin/payouts/export").await;
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let text = table.text();
    let id = text.lines().nth(1).unwrap().split(',').next().unwrap();
    let header = "id,address,amount,currency,reference,account";
    let line = format!("{id},\"'=1+1, evil\",30.00,USD,{id},{FARMER}");
    assert_eq!(text, format!("\u{feff}{header}\r\n{line}\r\n"));

    let send = action(&page, "/send");
    let refused = operator.send(page.submit(&send, &[("reference", " ")])).await.page(400);
    refused.says(&["1 to 200 visible characters on one line"]);
    let (to, page) = operator.submit(&page, &send, &[("reference", "SEPA 9")]).await;
    assert_eq!(to, "/operator/payouts?state=sent&done=payout-changed");
    let done = action(&page, "/done");
    let (to, page) = operator.submit(&page, &done, &[]).await;
    assert_eq!(to, "/operator/payouts?state=done&done=payout-changed");
    page.says(&["$30.00", "SEPA 9"]);
    let gone = operator.open("/operator/payouts?state=sent").await;
    gone.says(&["No sent payouts."]);
    operator.open("/operator/audit").await.says(&["Payout handled by an operator"]);
}
