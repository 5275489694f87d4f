//! A farmer's node beside similar ones: what they ask, what is suggested, and what a price brings.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the numbers of a test are small, and computed in another way than the market does"
)]

use std::fs;

use domain::time::Timestamp;
use e2e::{Client, MORNING, Market};
use gridproxy::{Documents, recorded};
use serde_json::{Value, json};
use store::{Db as _, samples};

const DAY: i64 = 86_400;
/// The nodes of other farmers in Belgium: what they ask in dollars, and how many of their nine
/// slices are rented. The dearer ones are not always the emptier ones.
const SIMILAR: [(u32, f64, u32); 8] = [
    (9_001, 20.0, 9),
    (9_002, 21.0, 7),
    (9_003, 22.0, 8),
    (9_004, 24.0, 5),
    (9_005, 25.0, 6),
    (9_006, 26.0, 4),
    (9_007, 28.0, 2),
    (9_008, 30.0, 3),
];
/// How many slices each of them has.
const SLICES: f64 = 9.0;

/// The recorded nodes, and eight like node 32 of four other farms.
fn documents() -> Documents {
    let mut documents = Documents::example().unwrap();
    let like: Value =
        serde_json::from_str(&fs::read_to_string(recorded("server_single_32.json")).unwrap())
            .unwrap();
    for (id, ..) in SIMILAR {
        let mut node = like.clone();
        node["nodeId"] = json!(id);
        node["farmId"] = json!(9_000 + id % 4);
        node["farmName"] = json!(format!("farm {}", id % 4));
        documents.add(node).unwrap();
    }
    documents
}

async fn compared(client: &Client, price: &str) -> Value {
    client.get(&format!("/api/farm/market?node=node32&price={price}")).await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_few_nodes_it_does_not_know() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let other = market.sign_up("other@example.org").await;
    farmer.add_node(32).await.ok(201);
    let bare = farmer.get("/api/farm/market?node=node32").await.ok(200);
    assert_eq!((&bare["simulation"], &bare["points"]), (&Value::Null, &json!([])));
    farmer.patch("/api/farm/nodes/node32", &json!({ "price_per_month": "25" })).await.ok(200);
    for node in [17, 198, 7_001] {
        other.publish(node, "20").await;
    }
    let found = farmer.get("/api/farm/market?node=node32").await.ok(200);
    assert_eq!(found["comparison"], Value::Null);
    assert_eq!((&found["suggestion"], &found["observed"]), (&Value::Null, &Value::Null));
    let reached: Vec<&str> = found["skipped_circles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|circle| circle["reach"].as_str().unwrap())
        .collect();
    assert_eq!(reached, ["country", "region", "world"]);
    let words = found["simulation"]["summary"].as_str().unwrap();
    assert!(words.starts_with("At $25: unknown."), "{words}");
    let page = farmer.get("/dashboard/farm/nodes/node32/market?price=22").await.page(200);
    page.says(&[
        "There are too few similar nodes to compare prices.",
        "There are too few similar nodes to suggest a price.",
        "At $22: unknown.",
    ]);
    assert!(!page.html().contains("<svg class=\"plot\""));

    // Others' nodes do not exist, and what is no question is refused by its fields.
    for node in ["node17", "node99", "nodes", "node32%3Cscript%3E"] {
        let asked = format!("/api/farm/market?node={node}");
        farmer.get(&asked).await.problem(404, "not-found");
    }
    farmer.get("/dashboard/farm/nodes/node17/market").await.page(404);
    market.visitor().get("/api/farm/market?node=node32").await.problem(401, "not-signed-in");
    let wrong = |target: &'static str| {
        let farmer = farmer.clone();
        async move { farmer.get(target).await.wrong_fields() }
    };
    assert_eq!(wrong("/api/farm/market").await, ["node"]);
    assert_eq!(wrong("/api/farm/market?price=0").await, ["node", "price"]);
    assert_eq!(wrong("/api/farm/market?node=node32&price=100000").await, ["price"]);
    let refused = farmer.get("/dashboard/farm/nodes/node32/market?price=x%3C3%3E").await.page(400);
    refused.says(&["A price per slice per month from"]);
}

/// A market of a farmer, with node 32 at $25, and four others with two nodes each, some of whose
/// slices are rented.
async fn busy() -> (Market, Client) {
    let market = Market::start_on(documents()).await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    for nth in 0..4 {
        let other = market.sign_up(&format!("other{nth}@example.org")).await;
        for (node, price, _) in SIMILAR.iter().filter(|(node, ..)| node % 4 == nth) {
            other.publish(*node, &price.to_string()).await;
        }
    }
    let ada = market.sign_up_with("ada@example.org", "9000").await;
    market.pass(2 * DAY);
    for (node, _, count) in SIMILAR {
        let wanted = json!({
            "node_id": format!("node{node}"), "count": count, "duration_months": 3,
        });
        ada.post("/api/marketplace/rent-slice", &wanted).await.ok(201);
    }
    (market, farmer)
}

/// Samples so many weeks of hours, beginning with the next day, and answers when they are over.
fn sample_weeks(market: &Market, begin: i64, weeks: i64) -> i64 {
    let db = market.open_database();
    let midnight = (begin / DAY + 1) * DAY;
    let end = midnight + weeks * 7 * DAY;
    for at in (midnight..end).step_by(3_600) {
        assert!(samples::sample(&db, Timestamp::from_seconds(at)).unwrap());
    }
    end
}

/// The quartile of sorted prices, as spreadsheets have it.
fn quartile(prices: &[f64], part: f64) -> f64 {
    let place = part * (prices.len() - 1) as f64;
    let below = prices[place.floor() as usize];
    below + (prices[place.ceil() as usize] - below) * place.fract()
}

/// The share that an isotonic regression expects at the price of the `nth` node: the least of all
/// beginnings of the most of all ends of the mean between them. (Not how the market computes it.)
fn expected_share(nth: usize) -> f64 {
    let rented = |node: &(u32, f64, u32)| f64::from(node.2) / SLICES;
    let mean = |from: usize, to: usize| {
        SIMILAR[from..=to].iter().map(rented).sum::<f64>() / (to - from + 1) as f64
    };
    let most = |from: usize| (nth..SIMILAR.len()).map(|to| mean(from, to)).fold(0.0, f64::max);
    (0..=nth).map(most).fold(1.0, f64::min)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn similar_nodes_are_told_with_numbers_that_add_up() {
    let (market, _) = busy().await;
    // Each run of the cron samples the hour once.
    for _ in 0..2 {
        market.run_clock().await.unwrap();
    }
    let sampled = "SELECT count(*), min(samples), max(samples), sum(offered), sum(rented)
                     FROM node_days";
    let row = market.open_database().run(sampled, &[]).unwrap().remove(0);
    assert_eq!(row.0, [9, 1, 1, 81, 44].map(store::Value::Integer));

    market.set_clock(sample_weeks(&market, MORNING + 2 * DAY, 4));
    let farmer = market.sign_in("farmer@example.org").await;
    let found = compared(&farmer, "25").await;
    let prices = SIMILAR.map(|(_, price, _)| price);
    let money = |field: &str| found["comparison"][field].as_str().unwrap().parse::<f64>().unwrap();
    for (field, part) in [("low", 0.25), ("median", 0.5), ("high", 0.75)] {
        assert!((money(field) - quartile(&prices, part)).abs() < 0.006, "{field}: {found:#}");
    }
    assert_eq!(found["comparison"]["reach"], "country");
    assert_eq!(
        (&found["comparison"]["nodes"], &found["comparison"]["farms"]),
        (&json!(8), &json!(4))
    );
    let summary = "Similar nodes in Belgium cost $21.75–26.50 (median $24.50, 8 nodes).";
    assert_eq!(found["summary"], summary);

    let observed = &found["observed"];
    assert_eq!((&observed["node_weeks"], &observed["rentals"]), (&json!(32), &json!(44)));
    assert_eq!(observed["offered_slice_days"], 8 * 9 * 28);
    assert_eq!(observed["rented_slice_days"], 44 * 28);
    assert_eq!(observed["utilization"], 61.11);
    assert_eq!(observed["seconds_to_rent"], 2 * DAY);
    // 61.11 % are 0.44 % more than the median, 2 days of 14 are 4.28 %.
    let suggestion = &found["suggestion"];
    let target = 24.5 * (1.0 + 0.4 * 0.0111 + 0.05 * 12.0 / 14.0);
    let said: f64 = suggestion["target"].as_str().unwrap().parse().unwrap();
    assert!((said - target).abs() < 0.02, "{suggestion:#}, not {target}");
    assert_eq!(suggestion["price_per_month"], "25.50");

    for (nth, (_, price, _)) in SIMILAR.iter().enumerate() {
        let simulation = &compared(&farmer, &price.to_string()).await["simulation"];
        let share = expected_share(nth);
        let rented: f64 = simulation["rented_slices"].as_str().unwrap().parse().unwrap();
        assert!((rented - 9.0 * share).abs() < 0.051, "{simulation:#}, not {share}");
        let revenue: f64 = simulation["revenue_per_month"].as_str().unwrap().parse().unwrap();
        assert!((revenue - price * 9.0 * share).abs() < 0.011, "{simulation:#}, not {share}");
    }
    // $22 has five nodes from $18.70 to $25.30 near it, four weeks each.
    let words = &compared(&farmer, "22").await["simulation"]["summary"];
    assert_eq!(words, "At $22: 7.5 of 9 rented, $165/month, from these 20 observations.");
    let far = &compared(&farmer, "60").await["simulation"]["summary"];
    assert!(far.as_str().unwrap().starts_with("At $60: unknown."), "{far}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_says_shows_and_sets() {
    let (market, _) = busy().await;
    // Three syncs, so that there is an uptime to be seen.
    for _ in 0..3 {
        market.sync().await;
    }
    market.set_clock(sample_weeks(&market, MORNING + 2 * DAY, 4));
    let farmer = market.sign_in("farmer@example.org").await;
    let path = "/dashboard/farm/nodes/node32/market";
    let node = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    assert!(node.links().contains(&path.to_owned()));
    let page = farmer.get(&format!("{path}?price=22")).await.page(200);
    page.says(&[
        "Similar nodes in Belgium cost $21.75–26.50 (median $24.50, 8 nodes).",
        "The range is the middle half: a quarter of them cost less, a quarter more.",
        "At $22: 7.5 of 9 rented, $165/month, from these 20 observations.",
        "Suggested price: $25.50",
        "61.11% of similar nodes' capacity in the last 8 weeks was rented (1,232 of 2,016 \
         slice-days)",
        "Their slices took 2 days to rent (median of 44 rentals)",
        "Show as table",
    ]);
    let html = page.html();
    assert_eq!(html.matches("class=\"scatter-dot\"").count(), 8);
    assert_eq!(html.matches("class=\"scatter-mark\"").count(), 1);
    for part in ["role=\"img\"", "<title id=\"plot-title\">", "<desc id=\"plot-description\">"] {
        assert!(html.contains(part), "{part}");
    }
    // A row for each dot, the own one among them, and a caption.
    let table = html.split("<details").nth(1).unwrap().split("</details>").next().unwrap();
    assert_eq!((table.matches("<tr>").count(), table.matches("<caption").count()), (10, 1));
    assert_eq!(table.matches("<strong>You</strong>").count(), 1);

    let call = page.submit("/dashboard/farm/nodes/node32", &[]);
    farmer.send(call).await.see_other();
    let set = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&set["price_per_month"], &set["name"]), (&json!("25.50"), &json!("node32")));
    let again = page.submit("/dashboard/farm/nodes/node32", &[]);
    farmer.send(again).await.page(409).says(&["The node was changed in the meantime"]);
    farmer.get(path).await.page(200).says(&["This is already your price."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farmer_far_from_the_market_is_notified_once_a_week() {
    let (market, farmer) = busy().await;
    let price = json!({ "price_per_month": "40" });
    farmer.patch("/api/farm/nodes/node32", &price).await.ok(200);
    let end = sample_weeks(&market, MORNING + 2 * DAY, 4);
    let told = async || {
        let farmer = market.sign_in("farmer@example.org").await;
        let events = farmer.get("/api/events?after=0").await.ok(200);
        let events = events["items"].as_array().unwrap().clone();
        let is_told = |event: &&Value| event["kind"] == "price-suggested";
        events.iter().filter(is_told).cloned().collect::<Vec<Value>>()
    };
    for (days, expected) in [(0, 1), (1, 1), (6, 1), (8, 2)] {
        market.set_clock(end + days * DAY);
        for _ in 0..2 {
            market.run_clock().await.unwrap();
        }
        assert_eq!(told().await.len(), expected, "after {days} days");
    }
    // 15 % less than $40: not farther at once.
    let first = &told().await[0];
    assert_eq!(
        (&first["node_id"], &first["subject"]),
        (&json!("node32"), &json!("node32: $34.00"))
    );
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn searches_in_vain_are_counted() {
    let (market, farmer) = busy().await;
    let visitor = market.visitor();
    let unmet = async || compared(&farmer, "25").await["observed"]["unmet_searches"].clone();
    let search = async |query: &str| {
        let found = visitor.get(&format!("/api/marketplace/{query}")).await.ok(200);
        assert_eq!(found["items"], json!([]), "{query}");
    };
    visitor.get("/api/marketplace/nodes?country=Belgium").await.ok(200);
    assert_eq!(unmet().await, 0);
    search("nodes?country=belgium&min_uptime=100").await;
    search("slices?country=Belgium&min_uptime=100").await;
    visitor.get("/marketplace/compute?country=Belgium&min_uptime=100").await.page(200);
    assert_eq!(unmet().await, 1, "once a minute");
    market.pass(60);
    visitor.get("/marketplace/compute?country=Belgium&min_uptime=100").await.page(200);
    assert_eq!(unmet().await, 2);
    market.pass(60);
    // Not about price, not of another place, not of certified nodes, and not what is refused.
    search("nodes?country=Belgium&max_price=1").await;
    search("nodes?country=Germany").await;
    search("nodes?country=Belgium&certified=true").await;
    let page = visitor.get("/api/marketplace/nodes?limit=7").await.ok(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let path = format!("/api/marketplace/nodes?country=Belgium&min_uptime=100&cursor={cursor}");
    assert_eq!(visitor.get(&path).await.wrong_fields(), ["cursor"]);
    assert_eq!(unmet().await, 2);
    // What is no country is any.
    search("nodes?country=Atlantis").await;
    assert_eq!(unmet().await, 3);
    let keys = "SELECT group_concat(country || certified, ' ')
                  FROM (SELECT * FROM unmet_searches ORDER BY country, certified)";
    let row = market.open_database().run(keys, &[]).unwrap().remove(0);
    assert_eq!(row.read(), Ok("0 Belgium0 Belgium1 Germany0".to_owned()));
}
