//! Clients that programs of others have made from the API document: each rents a slice.

use std::path::Path;
use std::process::Stdio;

use e2e::{Market, workspace};
use serde_json::json;
use tokio::process::Command;

/// Runs a client, which rents a slice of node 32 and is then refused another one with the same key.
async fn rents(market: &Market, name: &str, program: &mut Command) {
    let ada = market.sign_up_with(&format!("{name}@example.org"), "100").await;
    let body = json!({ "name": name, "scopes": ["read", "rent"], "expires_in_days": 1 });
    let made = ada.post("/api/account/tokens", &body).await.ok(201);
    let token = made["token"].as_str().unwrap();
    program.args([market.url().as_str(), token, "node32"]).stdin(Stdio::null());
    let output = program.output().await.unwrap_or_else(|error| {
        panic!("the client is missing: `cargo xtask test` makes it ({error})")
    });
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let rentals = ada.get("/api/rentals").await.ok(200);
    assert_eq!(rentals["items"].as_array().unwrap().len(), 1);
    let id = rentals["items"][0]["id"].as_str().unwrap();
    assert_eq!(said, format!("{id}\n/docs/problems#idempotency-key-reused\n"));
    market.check_invariants().await;
}

async fn market() -> Market {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    market
}

fn clients() -> std::path::PathBuf {
    workspace().join("target/clients")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_openapi_python_client_makes_rents() {
    let script: &Path = &workspace().join("tests/e2e/clients/python/rent.py");
    let mut python = Command::new(clients().join("python/venv/bin/python"));
    // It leaves nothing in the folder of the sources.
    python.arg("-B").arg(script).env("PYTHONPATH", clients().join("python"));
    rents(&market().await, "python", &mut python).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_progenitor_makes_rents() {
    let mut program = Command::new(clients().join("rust/debug/rent"));
    rents(&market().await, "rust", &mut program).await;
}
