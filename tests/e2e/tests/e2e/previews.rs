//! Nodes before they are added: what each could offer, in plain words, and several at once.

use std::collections::BTreeMap;

use e2e::{Client, Market};
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::ownership::own;

/// Each of the sixteen recorded nodes: its slices, what limits it, why it cannot be offered, and
/// what it could earn at 25 dollars.
const RECORDED: [(u32, u32, &str, &str); 16] = [
    (1, 0, "SSD and CPU allow no slice; memory would allow 19", "200 GB of SSD storage is free"),
    (11, 4, "SSD allows 4 slices; CPU would allow 8 and memory 7", ""),
    (17, 2, "SSD allows 2 slices; CPU would allow 24 and memory 42", ""),
    (32, 9, "SSD allows 9 slices; CPU would allow 32 and memory 28", ""),
    (198, 1, "SSD allows 1 slice; CPU would allow 20 and memory 40", ""),
    (534, 0, "SSD allows no slice; CPU would allow 16 and memory 14", "hard disks cannot hold"),
    (600, 9, "SSD allows 9 slices; CPU would allow 32 and memory 28", ""),
    (
        4000,
        0,
        "SSD would allow 34 slices; CPU 104 and memory 117",
        "the whole node is rented on the grid",
    ),
    (4001, 0, "SSD would allow 17 slices; CPU 56 and memory 60", "the farm is dedicated"),
    (4002, 0, "SSD would allow 17 slices; CPU 64 and memory 57", "the node has an extra fee"),
    (5001, 0, "SSD would allow 4 slices; CPU 16 and memory 14", "in standby"),
    (5002, 0, "SSD would allow 4 slices; CPU 16 and memory 14", "in standby"),
    (5003, 0, "SSD would allow 4 slices; CPU 16 and memory 14", "down"),
    (5004, 0, "SSD would allow 4 slices; CPU 16 and memory 14", "health check can't reach"),
    (7001, 4, "SSD allows 4 slices; CPU would allow 16 and memory 7", ""),
    (7002, 3, "SSD allows 3 slices; CPU would allow 12 and memory 12", ""),
];

async fn preview(client: &Client, query: &str) -> Value {
    client.get(&format!("/api/farm/grid-nodes?{query}")).await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_recorded_node_gives_its_right_words() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let ids = RECORDED.map(|(id, ..)| id.to_string()).join(",");
    let shown = preview(&farmer, &format!("ids={ids}")).await;
    assert_eq!((&shown["price_per_month"], &shown["has_more"]), (&json!("25.00"), &json!(false)));
    let items: BTreeMap<u64, &Value> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["grid_node_id"].as_u64().unwrap(), item))
        .collect();
    assert_eq!(items.len(), RECORDED.len());
    let page = farmer.get(&format!("/dashboard/farm/add?ids={ids}")).await.page(200);
    let words = page.words().to_lowercase();
    for (id, slices, limit, reason) in RECORDED {
        let item = items[&u64::from(id)];
        let document = &item["document"];
        assert_eq!(document["slices"], slices, "{item:#}");
        let said = document["limit"].as_str().unwrap();
        assert_eq!(said, limit, "node {id}");
        let why = item["reason"].as_str().unwrap_or_default();
        assert_eq!(item["reason"].is_null(), slices > 0, "{item:#}");
        assert!(why.contains(reason), "node {id}: {why}");
        assert_eq!((&item["can_add"], &item["registered_by"]), (&json!(true), &json!("nobody")));
        assert_eq!(document["potential_per_month"], format!("{}.00", slices * 25));
        if slices > 0 {
            let most = format!("up to ${}/month if all slices are rented", slices * 25);
            assert_eq!(document["potential"], most);
            page.says(&[&format!("Grid node {id}"), &most]);
        } else {
            page.says(&[&format!("Grid node {id}")]);
            assert!(words.contains(&reason.to_lowercase()), "node {id}: {words}");
        }
    }
    page.says(&["16 nodes, 16 can be added: 32 slices, up to $800/month"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_shows_all_its_nodes_at_a_price() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let other = market.sign_up("other@example.org").await;
    farmer.add_node(17).await.ok(201);
    other.add_node(198).await.ok(201);
    own(&farmer, 1, 2).await;
    let shown = preview(&farmer, "farm=1&price=22.50").await;
    let items = shown["items"].as_array().unwrap();
    let seen: Vec<_> = items
        .iter()
        .map(|it| (it["grid_node_id"].as_u64().unwrap(), it["registered_by"].as_str().unwrap()))
        .collect();
    assert_eq!(seen, [(1, "nobody"), (17, "you"), (198, "another")]);
    assert!(items.iter().all(|item| item["farm_verified_by"] == "you"));
    assert_eq!(items[1]["document"]["potential"], "up to $45/month if all slices are rented");
    let page = farmer.get("/dashboard/farm/add?farm=1&price=22.50").await.page(200);
    page.says(&[
        "You have already registered this node.",
        "You own its farm, so you can take it over",
        "All nodes of Freefarm, farm 1",
    ]);
    // To another account it is somebody else's.
    let shown = preview(&other, "ids=1").await;
    assert_eq!(
        (&shown["items"][0]["can_add"], &shown["items"][0]["farm_verified_by"]),
        (&json!(false), &json!("another"))
    );
    assert_eq!(preview(&farmer, "farm=99999").await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_at_says_why() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for (query, field) in [
        ("", "ids"),
        ("ids=x", "ids"),
        ("ids=1&farm=1", "ids"),
        ("farm=0", "farm"),
        ("ids=1&price=1000", "price"),
    ] {
        let refused = farmer.get(&format!("/api/farm/grid-nodes?{query}")).await;
        assert_eq!(refused.wrong_fields(), [field], "{query}");
    }
    let page = farmer.get("/dashboard/farm/add?ids=x&price=0").await.page(400);
    page.says(&["1 to 200 node numbers", "A price per slice per month from"]);
    market.grid.patch_node(600, json!({ "total_resources": "many" }));
    let shown = preview(&farmer, "ids=600,99999").await;
    for (nth, words) in [(0, "is invalid"), (1, "has no node 99999")] {
        let item = &shown["items"][nth];
        assert!(item["reason"].as_str().unwrap().contains(words), "{item}");
        assert_eq!((&item["document"], &item["can_add"]), (&Value::Null, &json!(false)));
    }
    market.grid.set_fault(Fault::new(Effect::Html)).await.unwrap();
    farmer.get("/api/farm/grid-nodes?ids=1").await.problem(502, "grid-unreachable");
    farmer.get("/dashboard/farm/add?ids=1").await.page(502).says(&["The grid is not responding"]);
    market.grid.clear_fault().await;
    for _ in 0..60 {
        let answer = farmer.get("/api/farm/grid-nodes?ids=1").await;
        if answer.status == 429 {
            answer.problem(429, "too-many-requests");
            return;
        }
    }
    panic!("nobody was limited");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_nodes_are_added_at_once() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let other = market.sign_up("other@example.org").await;
    other.add_node(600).await.ok(201);
    own(&other, 50, 90).await;
    market.grid.patch_node(7002, json!({ "status": 7 }));
    let wanted = json!({ "grid_node_ids": [32, 11, 600, 7002, 99_999, 5003, 32] });
    let added = farmer.post("/api/farm/nodes", &wanted).await.ok(201);
    assert_eq!(added["added"], 2);
    let became: Vec<_> = added["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["grid_node_id"].as_u64().unwrap(), it["kind"].as_str().unwrap_or("added")))
        .collect();
    assert_eq!(
        became,
        [
            (11, "farm-verified-by-another"),
            (32, "added"),
            (600, "node-taken"),
            (5003, "added"),
            (7002, "unusable-grid-document"),
            (99_999, "no-such-grid-node"),
        ]
    );
    let again = farmer.post("/api/farm/nodes", &wanted).await.problem(409, "nothing-added");
    assert_eq!(again["nodes"].as_array().unwrap().len(), 6);
    for (body, field) in [
        (json!({}), "grid_node_id"),
        (json!({ "grid_node_id": 1, "grid_node_ids": [1] }), "grid_node_id"),
        (json!({ "grid_node_ids": [] }), "grid_node_ids"),
        (json!({ "grid_node_ids": [0] }), "grid_node_ids"),
    ] {
        assert_eq!(farmer.post("/api/farm/nodes", &body).await.wrong_fields(), [field]);
    }
    market.check_invariants().await;
}

/// Two hundred nodes like node 32, of one farm.
async fn large_farm() -> Market {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let text = std::fs::read_to_string(gridproxy::recorded("server_single_32.json")).unwrap();
    let node: Value = serde_json::from_str(&text).unwrap();
    for id in 10_001..=10_200 {
        let mut node = node.clone();
        node["nodeId"] = json!(id);
        node["farmId"] = json!(50);
        assert!(grid.put_node(id, node));
    }
    let url = grid.url();
    Market::start_with(grid, [("gridproxy_urls", url.as_str())]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_nodes_are_added_on_the_page() {
    let market = large_farm().await;
    let mut farmer = Browser::new(&market);
    farmer.sign_up("farmer@example.org").await;
    let page = farmer.open("/dashboard/farm/add").await;
    assert!(!page.html().contains("type=\"checkbox\""));
    // Node 11 is the 201st of the farm.
    let page = farmer.open("/dashboard/farm/add?farm=50").await;
    page.says(&["200 nodes, 200 can be added", "This farm has more than 200 nodes"]);
    let boxes = page.html().matches("type=\"checkbox\" name=\"node\"").count();
    assert_eq!(boxes, 200);
    let chosen: Vec<String> = (10_001..=10_199).map(|id| format!("node{id}")).collect();
    let mut fields: Vec<(&str, &str)> = vec![("node", "node11")];
    fields.extend(chosen.iter().map(|node| ("node", node.as_str())));
    let to = farmer.send(page.submit("/dashboard/farm/add/checked", &fields)).await.see_other();
    assert_eq!(to, "/dashboard/farm?done=nodes-added");
    farmer.open(&to).await.says(&["Nodes registered.", "200"]);

    // Those that were not added say why.
    let fields = [("node", "node10200"), ("node", "node10001")];
    let page = farmer.send(page.submit("/dashboard/farm/add/checked", &fields)).await.page(200);
    page.says(&["Results", "node10001 is already registered."]);
    let page = farmer.open("/dashboard/farm/add?ids=32").await;
    let none =
        farmer.send(page.submit("/dashboard/farm/add/checked", &[("node", "x")])).await.page(400);
    none.says(&["Choose at least one node"]);
    market.check_invariants().await;
}
