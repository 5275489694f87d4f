//! Runs of the sync: which servers they ask, one at a time, and what the operator sees of them and
//! of recurring jobs.

use std::time::{Duration, Instant};

use domain::recurring::ALL;
use e2e::Market;
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_again_and_again_is_left_alone_for_a_while() {
    let broken = Standin::start(Documents::example().unwrap()).await.unwrap();
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let (first, second) = (broken.url(), grid.url());
    let urls = format!("{first},{second}");
    let market = Market::start_with(grid, [("gridproxy_urls", urls.as_str())]).await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    broken.set_fault(Fault::new(Effect::Status { code: 500 })).await.unwrap();
    let sync = async || {
        broken.clear_requests();
        let run = market.sync().await;
        assert_eq!(run["failure"], Value::Null, "{run:#}");
        (broken.requests().total, run["upstream"].clone())
    };
    for _ in 0..3 {
        assert_eq!(sync().await, (1, json!(second)));
        market.pass(60);
    }
    // It is open: nobody asks it, and the operator sees why.
    assert_eq!(sync().await, (0, json!(second)));
    let server = upstream(&market, &first).await;
    assert_eq!((&server["circuit"], &server["failures"]), (&json!("open"), &json!(3)));
    assert!(server["failure"].as_str().unwrap().contains("status 500"), "{server:#}");
    // Half open: one request shows that it still fails, and it is left alone for longer.
    market.pass(600);
    assert_eq!(sync().await, (1, json!(second)));
    market.pass(900);
    assert_eq!(sync().await, (0, json!(second)));
    // It is back.
    broken.clear_fault().await;
    market.pass(300);
    assert_eq!(sync().await, (1, json!(first)));
    assert_eq!(upstream(&market, &first).await["circuit"], "closed");
    market.check_invariants().await;
}

async fn upstream(market: &Market, url: &str) -> Value {
    let seen = market.sync_runs().await;
    let found = seen["upstreams"].as_array().unwrap().iter().find(|server| server["url"] == url);
    found.unwrap().clone()
}

/// Where all are left alone, one of them is asked all the same: so it is noticed that it is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_grid_that_is_back_is_noticed_by_the_next_run() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    market.grid.set_fault(Fault::new(Effect::Refuse)).await.unwrap();
    for _ in 0..5 {
        assert!(market.sync().await["failure"].is_string());
        market.pass(300);
    }
    market.grid.clear_fault().await;
    assert_eq!(market.sync().await["failure"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_at_once_are_one() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    market.grid.set_fault(Fault::slow(Duration::from_secs(2))).await.unwrap();
    let (one, other) = tokio::join!(market.fire("grid-sync"), market.fire("grid-sync"));
    one.unwrap();
    other.unwrap();
    assert_eq!(market.sync_runs().await["runs"].as_array().unwrap().len(), 1);
    let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
    assert_eq!(node["uptime_observations"], 1);
    assert!(market.log("grid-sync").contains("another run goes on"));
    // The lease is over with the run.
    market.grid.clear_fault().await;
    market.sync().await;
    assert_eq!(market.sync_runs().await["runs"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_has_changed_is_a_change() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(600, "18").await;
    let counts = async || {
        let run = market.sync().await;
        (run["updated"].clone(), run["changed"].clone())
    };
    assert_eq!(counts().await, (json!(2), json!(0)));
    market.grid.patch_node(600, json!({ "healthy": false }));
    assert_eq!(counts().await, (json!(2), json!(1)));
    market.grid.patch_node(600, json!({ "updatedAt": 1_795_368_000 }));
    assert_eq!(counts().await, (json!(2), json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_oversold_node_is_seen_by_its_farmer_and_the_operator() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let wanted = json!({ "node_id": "node32", "duration_months": 1, "count": 3 });
    ada.post("/api/marketplace/rent-slice", &wanted).await.ok(201);
    market.grid.patch_node(32, json!({ "total_resources": { "sru": 500_i64 << 30 } }));
    market.sync().await;
    let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&node["oversold_slices"], &node["available_slices"]), (&json!(1), &json!(0)));
    let page = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    page.says(&["1 of 3 rented slices no longer fit on the node"]);
    let page = farmer.get("/dashboard/notifications").await.page(200);
    page.says(&["node32 is oversold"]);
    let seen = market.sync_runs().await;
    assert_eq!(seen["oversold"][0]["node_id"], "node32");
    assert_eq!(seen["oversold"][0]["farmer"], "farmer@example.org");
    ada.rent("node32", 1).await.problem(409, "sold-out");
    let rentals = ada.get("/api/rentals").await.ok(200);
    assert_eq!(rentals["items"].as_array().unwrap().len(), 3);
    market.check_invariants().await;

    market.grid.reset().await;
    market.sync().await;
    let node = farmer.get("/api/farm/nodes/node32").await.ok(200);
    assert_eq!((&node["oversold_slices"], &node["available_slices"]), (&json!(0), &json!(6)));
    assert_eq!(market.sync_runs().await["oversold"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_history_of_syncs_comes_in_pages() {
    let market = Market::start().await;
    for _ in 0..3 {
        market.sync().await;
        market.pass(300);
    }
    let operator = market.operator();
    let first = operator.get("/api/admin/sync-runs?limit=2").await.ok(200);
    assert_eq!(first["runs"].as_array().unwrap().len(), 2);
    let next = first["next_cursor"].as_str().unwrap();
    let rest = operator.get(&format!("/api/admin/sync-runs?limit=2&cursor={next}")).await.ok(200);
    assert_eq!(rest["runs"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(rest["runs"][0]["started_at"], "2026-11-22T17:20:00Z");
    assert_eq!(operator.get("/api/admin/sync-runs?cursor=x").await.wrong_fields(), ["cursor"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recurring_job_is_done_and_told_of() {
    let market = Market::start().await;
    for component in ["clock", "grid-sync", "mailer", "notifier"] {
        market.fire(component).await.unwrap();
    }
    let seen = market.operator().get("/api/admin/jobs").await.ok(200);
    let jobs = seen["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), ALL.len());
    for job in jobs {
        assert_eq!(job["last_run_at"], "2026-11-22T17:20:00Z", "{job:#}");
        assert_eq!((&job["failure"], &job["runs"]), (&Value::Null, &json!(1)), "{job:#}");
        assert!(job["backlog"].is_null() || job["backlog"].is_u64(), "{job:#}");
    }
    // What is done once an hour, or every five minutes, is not done again after ten seconds; the
    // rest is.
    market.pass(10);
    market.fire("clock").await.unwrap();
    let seen = market.operator().get("/api/admin/jobs").await.ok(200);
    let runs = |name: &str| {
        let job = seen["jobs"].as_array().unwrap().iter().find(|job| job["name"] == name);
        job.unwrap()["runs"].clone()
    };
    assert_eq!((runs("optimize"), runs("checkpoint")), (json!(1), json!(1)));
    assert_eq!((runs("expire"), runs("sync")), (json!(1), json!(1)));
    assert_eq!(runs("sweep limits"), json!(2));
    market.pass(290);
    market.fire("clock").await.unwrap();
    let seen = market.operator().get("/api/admin/jobs").await.ok(200);
    let again = seen["jobs"].as_array().unwrap().iter().find(|job| job["name"] == "expire");
    assert_eq!(again.unwrap()["runs"], 2);
    market.check_invariants().await;
}

/// How long a run takes over so many nodes, and what it does in that time: for the notes. It goes
/// on in the next run where one is not enough.
#[expect(clippy::print_stderr, reason = "whoever runs the test reads it")]
async fn measure(count: u32, runs_max: u32) {
    let mut documents = Documents::default();
    let example = gridproxy::recorded("server_single_32.json");
    let one: Value = serde_json::from_slice(&std::fs::read(example).unwrap()).unwrap();
    let node = |id: u32| {
        let mut node = one.clone();
        node["nodeId"] = json!(id);
        node
    };
    documents.add((1..=count).map(node).collect()).unwrap();
    let market = Market::start_on(documents).await;
    let farmer = market.sign_up("farmer@example.org").await.get("/api/account").await.ok(200);
    market.put_nodes(farmer["id"].as_str().unwrap(), count);
    for (what, patch) in [("first", None), ("nothing changed", None), ("a tenth", Some(10))] {
        if let Some(nth) = patch {
            for id in (1..=count).step_by(nth) {
                market.grid.patch_node(id, json!({ "healthy": false }));
            }
        }
        let mut updated = 0;
        for _ in 0..runs_max {
            let began = Instant::now();
            let run = market.sync().await;
            assert_eq!(run["failure"], Value::Null, "{run:#}");
            updated += run["updated"].as_u64().unwrap();
            eprintln!(
                "{count} nodes, {what}: {} ms, {} requests, {} changed, waited {} ms, read {} ms, \
                 wrote {} ms",
                began.elapsed().as_millis(),
                run["requests"],
                run["changed"],
                run["waited_ms"],
                run["read_ms"],
                run["wrote_ms"],
            );
            market.pass(300);
            if run["continues_after"].is_null() {
                break;
            }
        }
        assert_eq!(updated, u64::from(count));
    }
}

/// With `SYNC_NODES=50000` of another size, in up to three runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_nodes_are_synced_in_one_run() {
    match std::env::var("SYNC_NODES") {
        Ok(count) => measure(count.parse().unwrap(), 3).await,
        Err(_) => measure(5_000, 1).await,
    }
}
