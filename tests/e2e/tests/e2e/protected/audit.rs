//! The audit log: what was done is there, for those it concerns, and nobody changes it.

use e2e::{Client, Market};
use serde_json::{Value, json};

use super::{credentials, query};

const ADA: &str = "ada@example.org";

async fn actions(client: &Client, path: &str) -> Vec<Value> {
    let items = client.get(path).await.ok(200)["items"].as_array().unwrap().clone();
    items.into_iter().map(|it| json!([it["action"], it["actor"]])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_48_what_was_done_is_in_the_log_of_those_it_concerns() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with(ADA, "100").await;
    let token = ada.token(&["rent"]).await;
    token.rent("node32", 1).await.ok(201);
    let wrong = json!({ "email": ADA, "password": "not the password" });
    let visitor = market.visitor();
    visitor.post("/api/account/sessions", &wrong).await.problem(401, "wrong-credentials");
    visitor.post("/api/account/sessions", &credentials(ADA)).await.ok(201);

    let of_ada = actions(&ada, "/api/account/audit").await;
    let expected = [
        ("sign-in", "account"),
        ("sign-in-failed", "visitor"),
        ("slice-rented", "market"),
        ("token-created", "account"),
        ("wallet-credited", "market"),
        ("sign-in", "account"),
        ("sign-up", "account"),
    ];
    assert_eq!(of_ada, expected.map(|(action, actor)| json!([action, actor])));
    let of_farmer = actions(&farmer, "/api/account/audit").await;
    let seen: Vec<&str> = of_farmer.iter().map(|it| it[0].as_str().unwrap()).collect();
    let expected = [
        "slice-rented",
        "node-published",
        "offer-changed",
        "node-registered",
        "sign-in",
        "sign-up",
    ];
    assert_eq!(seen, expected);
    let operator = market.operator();
    let all = actions(&operator, "/api/admin/audit?limit=100").await;
    assert!(all.contains(&json!(["credit-granted", "operator"])), "{all:?}");
    // In pages, the newest first.
    let first = ada.get("/api/account/audit?limit=3").await.ok(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = actions(&ada, &format!("/api/account/audit?limit=100&cursor={cursor}")).await;
    assert_eq!(rest.len(), of_ada.len() - 3);
    // When, from where, by which request, and no secret, password or address of a person.
    let entry = &first["items"][1];
    assert_eq!(
        (&entry["address"], &entry["created_at"]),
        (&json!("127.0.0.1"), &json!("2026-11-22T17:20:00Z"))
    );
    assert_eq!(entry["request_id"].as_str().unwrap().len(), 36);
    let log =
        query(&market, "SELECT action || actor_id || subject || address || request_id FROM audit");
    assert!(!log.contains('@') && !log.contains("password ") && !log.contains("myc_"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_48_whoever_rewrites_the_log_is_found_out() {
    let market = Market::start().await;
    market.sign_up(ADA).await;
    market.sign_up("eve@example.org").await;
    market.run_clock().await.unwrap();
    let log = market.log("clock");
    assert!(log.contains("the audit log is sealed up to 4 with "), "{log}");
    market.check_invariants().await;
    let entries = market.operator().get("/api/admin/audit").await.ok(200);
    let seal = entries["items"][0]["seal"].as_str().unwrap();
    assert!(log.contains(seal), "the end of the chain is in the log");

    let db = market.open_database();
    let forge = "UPDATE audit SET address = '203.0.113.1' WHERE id = 2";
    let refused = db.connection().execute(forge, []).unwrap_err();
    assert!(refused.to_string().contains("append_only"), "{refused}");
    db.connection().execute_batch(&format!("DROP TRIGGER audit_never_updated; {forge}")).unwrap();
    let found = market.operator().get("/api/admin/invariants").await.ok(200);
    assert_eq!(found["ok"], false);
    let broken = found["invariants"].as_array().unwrap().iter().find(|it| it["ok"] == false);
    assert_eq!(broken.unwrap()["id"], "audit-chain");
}
