//! The market: filters, both orders, pages of a list.

use e2e::{Client, Market};
use serde_json::{Value, json};

/// What is on offer: node, price, guaranteed uptime and bandwidth. In the order of price; nodes 32
/// and 7002 cost the same, and 11 is certified.
const OFFERS: [(u32, &str, &str, u32); 5] = [
    (17, "12.50", "95", 10),
    (600, "18.00", "98", 50),
    (32, "25.00", "99.5", 100),
    (7002, "25.00", "99.95", 800),
    (11, "40.00", "99.5", 800),
];

async fn market() -> (Market, Client) {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for (node, price, uptime, mbps) in OFFERS {
        let terms = json!({
            "price_per_month": price,
            "min_uptime": uptime,
            "min_bandwidth_mbps": mbps,
        });
        farmer.publish_as(node, &terms).await;
    }
    let visitor = market.visitor();
    (market, visitor)
}

fn numbers(page: &Value) -> Vec<u64> {
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["grid_node_id"].as_u64().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_filter_narrows_the_search() {
    let (_market, visitor) = market().await;
    let check = async |query: &str, expected: &[u64]| {
        let nodes = visitor.get(&format!("/api/marketplace/nodes?{query}")).await.ok(200);
        assert_eq!(numbers(&nodes), expected, "{query}");
        // The slices of the same nodes, in the same order.
        let slices =
            visitor.get(&format!("/api/marketplace/slices?limit=100&{query}")).await.ok(200);
        let mut of: Vec<u64> = slices["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|slice| slice["node"]["grid_node_id"].as_u64().unwrap())
            .collect();
        of.dedup();
        assert_eq!(of, expected, "{query}");
    };
    check("", &[17, 600, 32, 7002, 11]).await;
    check("country=Belgium", &[17, 32, 7002]).await;
    check("country=bELGIUM", &[17, 32, 7002]).await;
    check("country=Atlantis", &[]).await;
    check("max_price=25", &[17, 600, 32, 7002]).await;
    check("max_price=24.99", &[17, 600]).await;
    check("min_uptime=99.5", &[32, 7002, 11]).await;
    check("min_bandwidth=51", &[32, 7002, 11]).await;
    check("certified=true", &[11]).await;
    check("certified=false", &[17, 600, 32, 7002, 11]).await;
    check("country=Belgium&max_price=30&min_uptime=99&min_bandwidth=100", &[32, 7002]).await;
    check("country=&max_price=&sort=", &[17, 600, 32, 7002, 11]).await;
    check("sort=price", &[17, 600, 32, 7002, 11]).await;
    check("sort=uptime", &[7002, 32, 11, 600, 17]).await;
    check("sort=uptime&country=Belgium&max_price=20", &[17]).await;
    check("sort=uptime&certified=true", &[11]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_field_of_a_search_is_named() {
    let (_market, visitor) = market().await;
    let check = async |query: &str, fields: &[&str]| {
        for list in ["nodes", "slices"] {
            let refused = visitor.get(&format!("/api/marketplace/{list}?{query}")).await;
            assert_eq!(refused.wrong_fields(), fields, "{query}");
        }
        let status = visitor.get(&format!("/marketplace/compute?{query}")).await.status;
        assert_eq!(status, if fields == ["limit"] { 200 } else { 400 }, "{query}");
    };
    check(
        "max_price=-1&min_uptime=101&min_bandwidth=fast",
        &["max_price", "min_uptime", "min_bandwidth"],
    )
    .await;
    check("certified=maybe&sort=name", &["certified", "sort"]).await;
    check("cursor=nonsense", &["cursor"]).await;
    check(&format!("country={}", "x".repeat(81)), &["country"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paging_visits_everything_once_in_order() {
    let (market, visitor) = market().await;
    for list in ["slices", "nodes"] {
        for sort in ["price", "uptime"] {
            let query = format!("/api/marketplace/{list}?sort={sort}");
            let whole = visitor.get(&format!("{query}&limit=100")).await.ok(200);
            assert_eq!(whole["next_cursor"], Value::Null);
            for size in [1, 4, 9] {
                let mut visited = Vec::new();
                let mut page = visitor.get(&format!("{query}&limit={size}")).await.ok(200);
                loop {
                    let items = page["items"].as_array().unwrap();
                    assert!((1..=size).contains(&items.len()), "{page}");
                    visited.extend(items.iter().cloned());
                    let Some(cursor) = page["next_cursor"].as_str() else { break };
                    let next = format!("{query}&limit={size}&cursor={cursor}");
                    page = visitor.get(&next).await.ok(200);
                }
                assert_eq!(json!(visited), whole["items"], "{query} by {size}");
            }
        }
    }
    for limit in ["0", "101", "-1", "many"] {
        let refused = visitor.get(&format!("/api/marketplace/nodes?limit={limit}")).await;
        assert_eq!(refused.wrong_fields(), ["limit"]);
    }

    // The lists of an account are paged in the same way.
    let ada = market.sign_up_with("ada@example.org", "500").await;
    for second in 0..5 {
        market.set_clock(e2e::MORNING + second);
        ada.rent("node600", 1).await.ok(201);
    }
    for (list, count) in [("/api/rentals", 5), ("/api/wallet/entries", 6)] {
        let whole = ada.get(list).await.ok(200)["items"].clone();
        assert_eq!(whole.as_array().unwrap().len(), count);
        let first = ada.get(&format!("{list}?limit=3")).await.ok(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = ada.get(&format!("{list}?limit=3&cursor={cursor}")).await.ok(200);
        let both = [&first["items"], &second["items"]];
        let both: Vec<_> = both.iter().flat_map(|items| items.as_array().unwrap()).collect();
        assert_eq!(json!(both), whole);
        assert_eq!(second["next_cursor"], Value::Null);
        let newest_first = |field: &str| {
            let times: Vec<_> = both.iter().map(|item| item[field].as_str().unwrap()).collect();
            assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
        };
        newest_first(if list == "/api/rentals" { "started_at" } else { "created_at" });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_what_the_api_finds() {
    let (_market, visitor) = market().await;
    let all = visitor.get("/marketplace/compute").await.page(200);
    all.says(&[
        "5 nodes, lowest price first",
        "node32",
        "Lochristi, Belgium",
        "9 of 9 slices free",
    ]);
    all.says(&["$25.00 per month", "$0.034 per hour", "certified", "Not measured yet"]);
    let some = visitor.get("/marketplace/compute?country=Belgium&max_price=20").await.page(200);
    some.says(&["1 node, lowest price first", "node17"]);
    assert!(!some.words().contains("node32"));
    let nothing = visitor.get("/marketplace/compute?country=Atlantis").await.page(200);
    nothing.says(&["No matching nodes"]);
    let wrong = visitor.get("/marketplace/compute?max_price=cheap").await.page(400);
    wrong.says(&["Invalid filter", "An amount of dollars"]);
    let node = visitor.get("/marketplace/compute/node32").await.page(200);
    node.says(&["$25.00 per month", "99.5%", "100 Mbit/s", "Sign in to rent", "duck farm"]);
    visitor.get("/marketplace/compute/node198").await.page(404);
}
