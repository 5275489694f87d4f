//! Operators: named by operators, and worth nothing without a second factor.

use e2e::Market;
use serde_json::{Value, json};

const ADA: &str = "ada@example.org";

async fn account(client: &e2e::Client) -> String {
    client.get("/api/account").await.ok(200)["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_35_an_operator_without_a_second_factor_operates_nothing() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let grant = format!("/api/admin/accounts/{}/grant-operator", account(&ada).await);
    // Nobody names themselves.
    ada.post_empty(&grant).await.problem(404, "not-found");
    market.visitor().post_empty(&grant).await.problem(401, "not-signed-in");
    market.operator().post_empty(&grant).await.ok(204);
    assert_eq!(ada.get("/api/account").await.ok(200)["is_operator"], true);
    ada.get("/api/admin/accounts").await.problem(403, "verification-required");
    let body = json!({ "name": "root", "scopes": ["admin"] });
    ada.post("/api/account/tokens", &body).await.problem(403, "verification-required");

    // In a session with one, and with a token from there, the account operates.
    let db = market.open_database();
    db.connection().execute("UPDATE sessions SET is_strong = 1", []).unwrap();
    ada.get("/api/admin/accounts").await.ok(200);
    let token = ada.token(&["admin"]).await;
    token.get("/api/admin/invariants").await.ok(200);
    ada.token(&["read"]).await.get("/api/admin/invariants").await.problem(403, "missing-scope");
    let revoke = grant.replace("grant", "revoke");
    token.post_empty(&revoke).await.ok(204);
    token.get("/api/admin/invariants").await.problem(404, "not-found");
    ada.get("/api/admin/accounts").await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_finds_accounts_by_their_address() {
    let market = Market::start().await;
    for email in ["ada@example.org", "adam@example.org", "eve@example.org"] {
        market.sign_up(email).await;
    }
    let operator = market.operator();
    let emails = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items.iter().map(|it| it["email"].as_str().unwrap().to_owned()).collect()
    };
    let first = operator.get("/api/admin/accounts?prefix=ADA&limit=1").await.ok(200);
    assert_eq!(emails(&first), ["ada@example.org"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let next = format!("/api/admin/accounts?prefix=ADA&limit=1&cursor={cursor}");
    let second = operator.get(&next).await.ok(200);
    assert_eq!(
        (emails(&second), &second["next_cursor"]),
        (vec!["adam@example.org".into()], &Value::Null)
    );
    assert_eq!(emails(&operator.get("/api/admin/accounts?prefix=%25").await.ok(200)).len(), 0);
    assert_eq!(emails(&operator.get("/api/admin/accounts").await.ok(200)).len(), 3);
    let long = format!("/api/admin/accounts?prefix={}", "a".repeat(255));
    assert_eq!(operator.get(&long).await.wrong_fields(), ["prefix"]);
    for id in ["1", "01a20445-9a00-7fbf-a64b-5701c3db9bce"] {
        for what in ["suspend", "reactivate", "end-sessions", "grant-operator", "revoke-operator"] {
            let path = format!("/api/admin/accounts/{id}/{what}");
            operator.post_empty(&path).await.problem(404, "not-found");
        }
    }
}
