//! Revenue over HTTP: real earnings, by clock and cron runs, against a calculation of their own.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use e2e::{Client, MORNING, Market};
use serde_json::{Value, json};

use crate::browser::Browser;

const DAY: i64 = 86_400;
/// Seconds from 2026-11-22 to 2027-02-22, and to 2026-12-22.
const QUARTER: i64 = 92 * DAY;
const MONTH: i64 = 30 * DAY;

/// Something that is rented: its node, its total and the platform's tenth of it in cents, and how
/// long it runs.
struct Rented {
    node: &'static str,
    total: i64,
    fee: i64,
    length: i64,
}

/// A quarter of node 32 at $25, a month of node 600 at $18. The fee is rounded half-even.
const RENTED: [Rented; 2] = [
    Rented { node: "node32", total: 7_125, fee: 712, length: QUARTER },
    Rented { node: "node600", total: 1_800, fee: 180, length: MONTH },
];

impl Rented {
    /// What its farmer has earned after so many days, in cents: each part down to the cent.
    fn earned_after(&self, days: i64) -> i64 {
        let earned = self.total * (days * DAY).min(self.length) / self.length;
        earned - earned * self.fee / self.total
    }
}

fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The month and day of a number of days after the morning.
fn date(days: i64) -> String {
    Timestamp::from_seconds(MORNING + days * DAY).date()
}

async fn rented(market: &Market) -> (Client, Client) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(600, "18").await;
    let ada = market.sign_up_with("ada@example.org", "200").await;
    ada.rent("node32", 3).await.ok(201);
    ada.rent("node600", 1).await.ok(201);
    (farmer, ada)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revenue_is_what_was_earned_by_month_node_and_day() {
    let market = Market::start().await;
    let (farmer, _ada) = rented(&market).await;
    let nothing = farmer.get("/api/farm/revenue").await.ok(200);
    assert_eq!(nothing["totals"]["pending"], dollars(6_413 + 1_620));
    assert_eq!(nothing["months"].as_array().map(Vec::len), Some(12));
    assert_eq!((&nothing["months"][11]["nodes"], &nothing["days"]), (&json!([]), &json!([])));

    // Every day a look at what is due; one is missed, and made up for on the next.
    let (mut by_day, mut by_node) = (BTreeMap::new(), BTreeMap::new());
    let mut before = [0, 0];
    for days in 1..=12 {
        market.set_clock(MORNING + days * DAY);
        farmer.get("/api/account").await.ok(200);
        if days == 5 {
            continue;
        }
        market.sync().await;
        for (rented, before) in RENTED.iter().zip(&mut before) {
            let new = rented.earned_after(days) - *before;
            *before += new;
            let date = date(days);
            *by_node.entry((date[..7].to_owned(), rented.node)).or_insert(0) += new;
            *by_day.entry(date).or_insert(0) += new;
        }
    }
    market.check_invariants().await;
    let revenue = farmer.get("/api/farm/revenue?months=2").await.ok(200);
    let month = |place: usize, name: &str| {
        let node = |id: &str| dollars(by_node[&(name.to_owned(), id)]);
        let found = &revenue["months"][place];
        let nodes: Vec<Value> = found["nodes"].as_array().unwrap().clone();
        let earned: Vec<&Value> = nodes.iter().map(|node| &node["earned"]).collect();
        assert_eq!(
            (&found["month"], earned),
            (&json!(name), vec![&json!(node("node32")), &json!(node("node600"))])
        );
    };
    month(0, "2026-11");
    month(1, "2026-12");
    let this_month: Vec<Value> = by_day
        .iter()
        .filter(|(day, _)| day.starts_with("2026-12"))
        .map(|(day, cents)| json!({ "day": day, "earned": dollars(*cents) }))
        .collect();
    assert_eq!(revenue["days"], json!(this_month));
    let totals = &revenue["totals"];
    let earned: i64 = before.iter().sum();
    assert_eq!(totals["balance"], dollars(earned));
    assert_eq!(totals["pending"], dollars(6_413 + 1_620 - earned));
    let december: i64 =
        by_day.iter().filter(|(day, _)| day.starts_with("2026-12")).map(|it| it.1).sum();
    assert_eq!(totals["earned_this_month"], dollars(december));
    assert_eq!(farmer.get("/api/farm/revenue?months=61").await.wrong_fields(), ["months"]);
    check_tables(&farmer, &by_node).await;
}

/// The tables say the same as the API.
async fn check_tables(farmer: &Client, by_node: &BTreeMap<(String, &str), i64>) {
    let table = farmer.get("/dashboard/farm/revenue.csv").await;
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let file = "attachment; filename=\"mycelium-revenue.csv\"";
    assert_eq!(table.header("content-disposition"), Some(file));
    let mut lines = vec!["\u{feff}month,node_id,name,earned,credited,currency".to_owned()];
    for ((month, node), cents) in by_node.iter().rev() {
        lines.push(format!("{month},{node},{node},{},0.00,USD", dollars(*cents)));
    }
    assert_eq!(table.text(), lines.join("\r\n") + "\r\n");
    let slices = farmer.get("/dashboard/farm/slices.csv").await.text();
    assert!(slices.contains("node32,node32,1,allocated,ada@example.org,2027-02-22T17:20:00Z\r\n"));
    assert!(slices.contains("node32,node32,2,available,,\r\n"), "{slices}");
    let uptime = farmer.get("/dashboard/farm/uptime.csv").await.text();
    assert!(uptime.contains("\r\nnode32,node32,11,11,100,0,"), "{uptime}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dashboard_says_it_in_words_and_pictures() {
    let market = Market::start().await;
    let (farmer, ada) = rented(&market).await;
    let quiet = farmer.get("/dashboard/farm").await.page(200);
    quiet.says(&["No revenue in the last twelve months.", "In escrow $80.33"]);
    ada.patch("/api/account", &json!({ "display_name": "Ada & Co" })).await.ok(200);
    market.set_clock(MORNING + 10 * DAY);
    market.sync().await;
    let earned: i64 = RENTED.iter().map(|rented| rented.earned_after(10)).sum();
    let page = farmer.get("/dashboard/farm").await.page(200);
    page.says(&[
        &format!("Earned this month ${}", dollars(earned)),
        &format!("Not paid out yet ${}", dollars(earned)),
        "1 rented, 8 available",
        "Slice 1: Ada & Co until 22 February 2027",
        "Revenue by month",
        "Uptime: New node: 1 check so far, all passed; guaranteed 0%.",
    ]);
    // Nobody has verified the farm.
    let payable = farmer.get("/api/farm/revenue").await.ok(200)["payable"].clone();
    let farm = &payable["unverified_farms"][0];
    assert_eq!((&payable["available"], &farm["days_used"]), (&json!("0.00"), &json!(1)));
    assert!(page.html().contains("role=\"img\"") && page.html().contains("data-live="));
    let node = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    let of_node = dollars(RENTED[0].earned_after(10));
    node.says(&[
        &format!("Earned this month ${of_node}"),
        "Ada & Co",
        &format!("December 2026 ${of_node}"),
        "Bandwidth",
    ]);
    // Whoever else asks sees nothing of it.
    ada.get("/dashboard/farm/nodes/node32").await.page(404);
    let other = ada.get("/api/farm/revenue").await.ok(200);
    assert_eq!(other["totals"]["balance"], "0.00");
    let visitor = market.visitor();
    for path in ["revenue.csv", "slices.csv", "uptime.csv"] {
        let away = visitor.get(&format!("/dashboard/farm/{path}")).await.see_other();
        assert!(away.starts_with("/login?"), "{away}");
    }
    visitor.get("/api/farm/revenue").await.problem(401, "not-signed-in");
    let body = json!({ "name": "t", "scopes": ["read", "farm"], "farm_id": 1 });
    let made = farmer.post("/api/account/tokens", &body).await.ok(201);
    let of_one_farm = farmer.with_token(made["token"].as_str().unwrap());
    for path in ["/api/farm/revenue", "/api/farm/payouts"] {
        of_one_farm.get(path).await.problem(403, "missing-scope");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renter_chooses_how_farmers_see_them() {
    let market = Market::start().await;
    let (farmer, ada) = rented(&market).await;
    let shown = async || {
        let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
        node["slices"][0]["renter"].as_str().unwrap().to_owned()
    };
    assert_eq!(shown().await, "ada@example.org");
    let set = ada.patch("/api/account", &json!({ "display_name": " Ada & Co " })).await.ok(200);
    assert_eq!(set["display_name"], "Ada & Co");
    assert_eq!(ada.get("/api/account").await.ok(200)["display_name"], "Ada & Co");
    assert_eq!(shown().await, "Ada & Co");
    for wrong in ["", "a\u{202e}b", "a\nb", &"x".repeat(81)] {
        let refused = ada.patch("/api/account", &json!({ "display_name": wrong })).await;
        assert_eq!(refused.wrong_fields(), ["display_name"], "{wrong:?}");
    }
    ada.patch("/api/account", &json!({})).await.problem(400, "malformed-request");
    let token = ada.token(&["read", "rent", "farm"]).await;
    let name = json!({ "display_name": "Eve" });
    token.patch("/api/account", &name).await.problem(403, "missing-scope");
    assert_eq!(shown().await, "Ada & Co");

    // The form of the settings, and what the dialog that rents says.
    let mut browser = Browser::new(&market);
    browser.sign_up("bob@example.org").await;
    market.credit("bob@example.org", "100").await.ok(201);
    let path = "/dashboard/settings/display-name";
    let page = browser.open("/dashboard/settings/profile").await;
    let refused = browser.send(page.submit(path, &[("display_name", "a\u{200b}b")])).await;
    refused.page(400).says(&["1 to 80 visible characters on one line."]);
    let (to, page) = browser.submit(&page, path, &[("display_name", "Bob <3>")]).await;
    assert_eq!(to, "/dashboard/settings/profile?done=name-set");
    page.says(&["Display name saved.", "Current: Bob <3>"]);
    let node = browser.open("/marketplace/compute/node32").await;
    node.says(&["Bob <3>"]);
    let (_, page) = browser.submit(&page, path, &[("display_name", "")]).await;
    page.says(&["Current: bob@example.org"]);
    ada.patch("/api/account", &json!({ "display_name": null })).await.ok(200);
    assert_eq!(shown().await, "ada@example.org");
}
