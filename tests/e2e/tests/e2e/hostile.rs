//! A grid that is down, slow, broken or lies: nothing is lost, nothing is offered that is not
//! there, and the market answers from what it knows and says how old it is.

use std::time::{Duration, Instant};

use e2e::{Client, MORNING, Market};
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

/// Nodes 32 and 600 on the market, the first with a rental.
async fn market() -> (Market, Client) {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(600, "18").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    ada.rent("node32", 3).await.ok(201);
    market.sync().await;
    (market, farmer)
}

/// What everybody sees of a node.
async fn node(market: &Market, id: u32) -> Value {
    market.visitor().get(&format!("/api/marketplace/nodes/node{id}")).await.ok(200)
}

/// An answer of the stand-in's server to lists of nodes, and to nothing else.
fn body(body: &str) -> Fault {
    let content_type = "application/json".to_owned();
    let effect = Effect::Body { status: 200, content_type, body: body.to_owned() };
    Fault::new(effect).on("/nodes?")
}

/// A sync with a fault changes nothing that people see but the age of it, and says why.
async fn check_unchanged(market: &Market, fault: Fault) -> Value {
    let before = node(market, 32).await;
    market.pass(300);
    market.grid.set_fault(fault).await.unwrap();
    let run = market.sync().await;
    assert!(run["failure"].is_string(), "{run:#}");
    assert_eq!(node(market, 32).await, before);
    market.check_invariants().await;
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_slow_is_waited_for_and_not_for_long() {
    let (market, farmer) = market().await;
    let began = Instant::now();
    let run = check_unchanged(&market, Fault::slow(Duration::from_mins(1))).await;
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert_eq!(run["requests"], 1, "{run:#}");
    // The market answers meanwhile, and says how old it is what it knows.
    let shown = node(&market, 32).await;
    assert_eq!(shown["synced_at"], "2026-11-22T17:20:00Z");
    farmer.get("/dashboard/farm/nodes/node32").await.page(200).says(&["22 November 2026, 17:20"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_drips_is_given_up() {
    let (market, _) = market().await;
    let began = Instant::now();
    let run = check_unchanged(&market, Fault::new(Effect::Drip { bytes: 1, pause_ms: 200 })).await;
    let took = began.elapsed();
    assert!((Duration::from_secs(25)..Duration::from_mins(1)).contains(&took), "{took:?}");
    assert!(run["failure"].as_str().unwrap().contains("took longer"), "{run:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_end_is_cut_and_a_packed_one_is_not_unpacked() {
    let (market, _) = market().await;
    for effect in [
        Effect::Huge { bytes: 2 << 30 },
        Effect::GzipBomb { bytes: 256 << 20 },
        Effect::Status { code: 301 },
    ] {
        let began = Instant::now();
        check_unchanged(&market, Fault::new(effect.clone())).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{effect:?}: {:?}", began.elapsed());
    }
    for text in ["[", "{}", "null", "[1,2]x", "{\"error\":\"x\"}"] {
        check_unchanged(&market, body(text)).await;
    }
    market.grid.clear_fault().await;
    assert_eq!(market.sync().await["failure"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_no_machine_has_are_put_aside() {
    let (market, farmer) = market().await;
    let before = node(&market, 32).await;
    for (at, cru) in [json!(u64::MAX), json!(-1), json!(i64::MAX), json!(1e300)].iter().enumerate()
    {
        market.pass(300);
        market.grid.patch_node(32, json!({ "total_resources": { "cru": cru } }));
        let run = market.sync().await;
        let counts = [&run["updated"], &run["missing"], &run["refused"], &run["failure"]];
        assert_eq!(counts, [&json!(1), &json!(0), &json!(1), &Value::Null], "{cru}");
        assert_eq!(node(&market, 32).await, before, "{cru}");
        assert_eq!(node(&market, 600).await["uptime_observations"], json!(at + 2));
    }
    // NaN is no JSON, so it spoils the whole answer, and changes nothing.
    let all = "[{\"nodeId\":32,\"status\":\"up\",\"total_resources\":{\"cru\":NaN}}]";
    check_unchanged(&market, body(all)).await;
    market.grid.clear_fault().await;
    // Such use is of everything that there is, and of more.
    market.grid.patch_node(
        32,
        json!({ "total_resources": { "cru": 32 }, "used_resources": { "cru": u64::MAX } }),
    );
    market.sync().await;
    let shown = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&shown["available_slices"], &shown["allocated_slices"]), (&json!(0), &json!(1)));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_listed_twice_counts_once() {
    let (market, farmer) = market().await;
    let document = |slices: i64| {
        json!({
            "nodeId": 32, "status": "up", "healthy": true,
            "total_resources": { "cru": 64, "mru": 512_i64 << 30, "sru": slices * (200 << 30) },
            "used_resources": { "cru": 0, "mru": 0, "sru": 0 },
        })
    };
    let twice = json!([document(3), document(90), document(3)]).to_string();
    market.grid.set_fault(body(&twice)).await.unwrap();
    let run = market.sync().await;
    assert_eq!(
        (&run["updated"], &run["refused"], &run["missing"]),
        (&json!(1), &json!(2), &json!(1))
    );
    let shown = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&shown["capacity"], &shown["available_slices"]), (&json!(3), &json!(2)));
    let seen = market.sync_runs().await;
    assert!(seen["quarantine"][0]["reason"].as_str().unwrap().contains("twice"), "{seen:#}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_the_grid_gives_to_another_machine_is_taken_off_the_market() {
    let (market, farmer) = market().await;
    let mut other = json!({
        "nodeId": 32, "farmId": 77, "farmName": "Another", "twinId": 99, "country": "Peru",
        "city": "Lima", "status": "up", "healthy": true, "updatedAt": MORNING,
        "total_resources": { "cru": 8, "mru": 64_i64 << 30, "sru": 4_000_000_000_000_i64 },
        "used_resources": { "cru": 0, "mru": 6_871_947_673_i64, "sru": 21_474_836_480_i64 },
    });
    assert!(market.grid.put_node(32, other.clone()));
    market.sync().await;
    let shown = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&shown["listing"], &shown["allocated_slices"]), (&json!("paused"), &json!(1)));
    // Where it says of which farm it is no more, nothing moves.
    other["farmId"] = json!(0);
    assert!(market.grid.put_node(32, other));
    market.sync().await;
    let told = farmer.get("/api/notifications").await.ok(200);
    let moved = told["items"].as_array().unwrap().iter().filter(|it| it["kind"] == "node-moved");
    assert_eq!(moved.count(), 1, "{told:#}");
    market.check_invariants().await;
}

/// The grid's pages are never followed: nodes are asked for by their numbers. So an answer to
/// another question cannot lead in circles, and takes nothing off the market by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_another_question_is_not_believed_where_another_server_knows_better() {
    let broken = Standin::start(Documents::example().unwrap()).await.unwrap();
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let urls = format!("{},{}", broken.url(), grid.url());
    let second = grid.url();
    let market = Market::start_with(grid, [("gridproxy_urls", urls.as_str())]).await;
    let farmer = market.sign_up("farmer@example.org").await;
    for node in [11, 17, 32, 198, 600] {
        farmer.publish(node, "25").await;
    }
    for text in ["[]", "[{\"nodeId\":5,\"status\":\"up\"}]"] {
        broken.set_fault(body(text)).await.unwrap();
        let run = market.sync().await;
        assert_eq!(run["upstream"], second, "{text}: {run:#}");
        assert_eq!((&run["updated"], &run["missing"]), (&json!(5), &json!(0)));
    }
    // Where nobody knows better, what may not be there is withdrawn at once, and nobody is said to
    // have been down.
    market.grid.set_fault(body("[]")).await.unwrap();
    let run = market.sync().await;
    assert_eq!((&run["updated"], &run["missing"]), (&json!(0), &json!(5)));
    let offered = market.visitor().get("/api/marketplace/nodes").await.ok(200);
    assert_eq!(offered["items"], json!([]));
    assert_eq!(node(&market, 32).await["measured_uptime"], json!(100.0));
    market.grid.clear_fault().await;
    assert_eq!(market.sync().await["updated"], 5);
    let offered = market.visitor().get("/api/marketplace/nodes").await.ok(200);
    assert_eq!(offered["items"].as_array().unwrap().len(), 5);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_go_wrong_stop_nothing() {
    let (market, _) = market().await;
    // A node from the future reports now.
    market.grid.patch_node(32, json!({ "updatedAt": i64::MAX }));
    market.pass(300);
    market.sync().await;
    let shown = node(&market, 32).await;
    assert_eq!(shown["synced_at"], "2026-11-22T17:25:00Z");
    // Our own clock was ahead by a year, and is not any more.
    market.pass(365 * 86_400);
    market.run_clock().await.unwrap();
    market.fire("grid-sync").await.unwrap();
    market.set_clock(MORNING + 600);
    market.grid.patch_node(32, json!({ "status": "down", "updatedAt": MORNING }));
    assert_eq!(market.sync().await["failure"], Value::Null);
    let shown = node(&market, 32).await;
    assert_eq!(
        (&shown["status"], &shown["synced_at"]),
        (&json!("down"), &json!("2026-11-22T17:30:00Z"))
    );
}
