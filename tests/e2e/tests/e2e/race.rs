//! Many clients at once: nothing is done twice, and nobody sees a failure of ours. That a slice has
//! one renter is in `checklist/business.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use e2e::{Answer, Client, Market};
use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

/// How many clients race.
pub(crate) const CLIENTS: usize = 64;

/// A market with node 32 on offer, and so many renters with $100 each.
pub(crate) async fn market_with_renters(count: usize) -> (Arc<Market>, Vec<Client>) {
    // Each hashes a password: more at once would only wait for the processors, on a busy machine
    // for longer than a request may.
    const AT_ONCE: usize = 4;
    let market = Arc::new(Market::start().await);
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let numbers: Vec<usize> = (0..count).collect();
    let mut signed_up = Vec::new();
    for numbers in numbers.chunks(AT_ONCE) {
        let mut renters = JoinSet::new();
        for number in numbers {
            let (market, email) = (Arc::clone(&market), format!("renter{number}@example.org"));
            renters.spawn(async move { market.sign_up_with(&email, "100").await });
        }
        signed_up.extend(renters.join_all().await);
    }
    (market, signed_up)
}

/// Everybody sends the same request at the same moment.
pub(crate) async fn race(renters: Vec<Client>, body: Value) -> Vec<(Client, Answer)> {
    let line = Arc::new(Barrier::new(renters.len()));
    let mut running = JoinSet::new();
    for renter in renters {
        let (line, body) = (Arc::clone(&line), body.clone());
        running.spawn(async move {
            line.wait().await;
            let answer = renter.post("/api/marketplace/rent-slice", &body).await;
            (renter, answer)
        });
    }
    running.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_of_24_clients_get_the_nine_slices() {
    let (market, renters) = market_with_renters(24).await;
    let body = json!({ "node_id": "node32", "duration_months": 1 });
    let mut slices = BTreeSet::new();
    for (_, answer) in race(renters, body).await {
        if answer.status == 201 {
            let slice = answer.ok(201)["rental"]["slice_id"].as_str().unwrap().to_owned();
            assert!(slices.insert(slice), "rented twice: {answer}");
        } else {
            answer.problem(409, "sold-out");
        }
    }
    assert_eq!(slices.len(), 9);
    let nodes = market.visitor().get("/api/marketplace/nodes").await.ok(200);
    assert_eq!(nodes["items"], json!([]), "a node that is sold out is not on offer");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_sent_64_times_at_once_is_done_once() {
    let (market, renters) = market_with_renters(1).await;
    let body = json!({ "node_id": "node32", "duration_months": 1 });
    let mut running = JoinSet::new();
    for _ in 0..CLIENTS {
        let (renter, body) = (renters[0].clone(), body.clone());
        let call = e2e::Call::post("/api/marketplace/rent-slice", &body).key("once");
        running.spawn(async move { renter.send(call).await });
    }
    let answers: BTreeSet<_> = running.join_all().await.iter().map(Answer::text).collect();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert_eq!(renters[0].balance().await, "75.00");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_requests_to_a_new_database_are_all_answered() {
    let market = Market::start().await;
    let paths = ["/api/health", "/api/marketplace/nodes", "/", "/dashboard/farm", "/login"];
    let line = Arc::new(Barrier::new(CLIENTS));
    let mut running = JoinSet::new();
    for path in paths.into_iter().cycle().take(CLIENTS) {
        let (visitor, line) = (market.visitor(), Arc::clone(&line));
        running.spawn(async move {
            line.wait().await;
            visitor.get(path).await
        });
    }
    for answer in running.join_all().await {
        assert!(matches!(answer.status, 200 | 303), "{answer}");
    }
    market.check_invariants().await;
}
