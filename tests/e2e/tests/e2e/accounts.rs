//! Accounts, sessions, tokens, and what only the operator may do.

use e2e::{Call, MORNING, Market, OPERATOR_TOKEN, PASSWORD};
use serde_json::{Value, json};

const DAY: i64 = 24 * 60 * 60;

fn ada() -> Value {
    json!({ "email": "ada@example.org", "password": PASSWORD })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_made_once_and_signs_in_with_its_password() {
    let market = Market::start().await;
    let visitor = market.visitor();
    let made = visitor.post("/api/account", &ada()).await.ok(201);
    assert_eq!(made["email"], "ada@example.org");

    visitor.post("/api/account", &ada()).await.problem(409, "email-taken");
    let shouted = json!({ "email": " ADA@Example.ORG ", "password": PASSWORD });
    visitor.post("/api/account", &shouted).await.problem(409, "email-taken");

    let session = visitor.post("/api/account/sessions", &shouted).await;
    assert_eq!(session.ok(201), made);
    let ada = visitor.with_cookie(&session.cookie());
    assert_eq!(ada.get("/api/account").await.ok(200), made);

    for (email, password) in [
        ("ada@example.org", "A few words work well"),
        ("nobody@example.org", PASSWORD),
        ("ada@example.org", ""),
        ("", ""),
    ] {
        let body = json!({ "email": email, "password": password });
        let refused = visitor.post("/api/account/sessions", &body).await;
        refused.problem(401, "wrong-credentials");
        assert_eq!(refused.header("set-cookie"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_wrong_field_of_a_sign_up_is_named() {
    let market = Market::start().await;
    let check = async |email: &str, password: &str, fields: &[&str]| {
        let body = json!({ "email": email, "password": password });
        let refused = market.visitor().post("/api/account", &body).await;
        assert_eq!(refused.wrong_fields(), fields);
    };
    check("ada", "short", &["email", "password"]).await;
    check("ada@example.org", "1234567", &["password"]).await;
    check("ada@example.org\r\nbcc: x@example.org", PASSWORD, &["email"]).await;
    check(&format!("{}@example.org", "a".repeat(250)), &"p".repeat(513), &["email", "password"])
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_ends_the_session_and_no_other() {
    let market = Market::start().await;
    let here = market.sign_up("ada@example.org").await;
    let there = market.visitor().post("/api/account/sessions", &ada()).await;
    let there = market.visitor().with_cookie(&there.cookie());

    let closed = here.delete("/api/account/sessions").await;
    closed.ok(204);
    assert!(closed.set_cookie().starts_with("session=; Path=/; Max-Age=0"), "{closed}");
    here.get("/api/account").await.problem(401, "not-signed-in");
    there.get("/api/account").await.ok(200);
    // Signing out twice, or without a session, is no mistake.
    here.delete("/api/account/sessions").await.ok(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cookie_is_bound_to_the_host_except_on_localhost() {
    let market = Market::start().await;
    let visitor = market.visitor();
    let local = visitor.post("/api/account", &ada()).await;
    let (pair, flags) = local.set_cookie().split_once(';').unwrap();
    assert!(pair.starts_with("session="), "{pair}");
    assert_eq!(flags, " Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");

    let public = |call: Call| call.with("host", "mycelium.example");
    let session = visitor.send(public(Call::post("/api/account/sessions", &ada()))).await;
    let (pair, flags) = session.set_cookie().split_once(';').unwrap();
    assert!(pair.starts_with("__Host-session="), "{pair}");
    assert_eq!(flags, " Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");

    let ada = visitor.with_cookie(pair);
    ada.send(public(Call::get("/api/account"))).await.ok(200);
    // Each name counts in its place only.
    ada.get("/api/account").await.problem(401, "not-signed-in");
    let plain = visitor.with_cookie(&local.cookie());
    plain.send(public(Call::get("/api/account"))).await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_41_sessions_end_by_disuse_and_after_30_days_and_tokens_after_90() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let body = json!({ "name": "laptop", "scopes": ["read"] });
    let made = ada.post("/api/account/tokens", &body).await.ok(201);
    let token = ada.with_token(made["token"].as_str().unwrap());
    // Once every 13 days is often enough, for a month.
    for _ in 0..2 {
        market.pass(13 * DAY);
        ada.get("/api/account").await.ok(200);
    }
    market.pass(4 * DAY - 1);
    ada.get("/api/account").await.ok(200);
    market.pass(1);
    ada.get("/api/account").await.problem(401, "not-signed-in");
    // Who stays away for 14 days is signed out.
    let session = market.visitor().post("/api/account/sessions", &self::ada()).await;
    let ada = market.visitor().with_cookie(&session.cookie());
    market.pass(14 * DAY);
    ada.get("/api/account").await.problem(401, "not-signed-in");

    market.set_clock(MORNING + 90 * DAY - 1);
    token.get("/api/account").await.ok(200);
    market.pass(1);
    token.get("/api/account").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_may_do_what_its_scopes_say() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let body = json!({ "name": " laptop ", "scopes": ["farm", "read", "read"] });
    let made = ada.post("/api/account/tokens", &body).await.ok(201);
    assert_eq!((&made["name"], &made["scopes"]), (&json!("laptop"), &json!(["read", "farm"])));
    assert_eq!(made["expires_at"], "2027-02-20T17:20:00Z");
    assert!(made["token"].as_str().unwrap().starts_with("myc_"), "{made}");

    let reader = ada.token(&["read"]).await;
    reader.get("/api/wallet").await.ok(200);
    reader.add_node(32).await.problem(403, "missing-scope");
    reader.rent("node32", 1).await.problem(403, "missing-scope");
    let farmer = ada.token(&["farm"]).await;
    farmer.add_node(32).await.ok(201);
    farmer.get("/api/farm/nodes").await.problem(403, "missing-scope");
    farmer.get("/api/wallet").await.problem(403, "missing-scope");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_makes_no_tokens() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let body = json!({ "name": "more", "scopes": ["read", "rent", "farm"] });
    let token = ada.token(&["read", "rent", "farm"]).await;
    token.post("/api/account/tokens", &body).await.problem(403, "missing-scope");
    market.visitor().post("/api/account/tokens", &body).await.problem(401, "not-signed-in");

    for (body, fields) in [
        (json!({ "name": "", "scopes": [] }), ["name", "scopes"].as_slice()),
        (json!({ "name": "a\nb", "scopes": ["read"] }), &["name"]),
        (json!({ "name": "a", "scopes": ["root"] }), &["scopes"]),
    ] {
        assert_eq!(ada.post("/api/account/tokens", &body).await.wrong_fields(), fields);
    }
    // One was made above; an account has a hundred at most.
    for _ in 1..100 {
        ada.token(&["read"]).await;
    }
    ada.post("/api/account/tokens", &body).await.problem(409, "too-many-tokens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_does_nobody_else_may() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let all = ada.token(&["read", "rent", "farm"]).await;
    let wrong = market.visitor().with_token(&OPERATOR_TOKEN.replace('1', "2"));
    let body = json!({ "email": "ada@example.org", "amount_usd": "100", "reason": "gift" });
    for other in [market.visitor(), wrong] {
        other.post("/api/admin/credits", &body).await.problem(401, "not-signed-in");
        other.get("/api/admin/invariants").await.problem(401, "not-signed-in");
        other.get("/api/admin/sync-runs").await.problem(401, "not-signed-in");
    }
    // To an account that is not an operator's, there is nothing.
    for other in [ada.clone(), all] {
        other.post("/api/admin/credits", &body).await.problem(404, "not-found");
        other.get("/api/admin/invariants").await.problem(404, "not-found");
        other.get("/api/admin/sync-runs").await.problem(404, "not-found");
    }
    assert_eq!(ada.balance().await, "0.00");
    // And the operator is no account.
    market.operator().get("/api/wallet").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_credit_is_booked_once_for_each_key() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let operator = market.operator();
    let credit = |usd: Value| {
        let body = json!({ "email": "ada@example.org", "amount_usd": usd, "reason": "transfer" });
        Call::post("/api/admin/credits", &body).key("transfer-1")
    };
    let first = operator.send(credit(json!("100.00"))).await;
    assert_eq!(first.ok(201)["balance"], "100.00");
    assert_eq!(operator.send(credit(json!(100))).await.text(), first.text());
    operator.send(credit(json!("50"))).await.problem(422, "idempotency-key-reused");
    assert_eq!(ada.balance().await, "100.00");

    market.credit("nobody@example.org", "1").await.problem(404, "no-such-account");
    for amount in ["0", "-5", "0.001", "1e3", "1000001", "", "NaN"] {
        assert_eq!(market.credit("ada@example.org", amount).await.wrong_fields(), ["amount_usd"]);
    }
    let body = json!({ "email": "ada", "amount_usd": "x", "reason": " " });
    let refused = operator.post("/api/admin/credits", &body).await;
    assert_eq!(refused.wrong_fields(), ["email", "amount_usd", "reason"]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_changes_nothing() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    let add = || Call::post("/api/farm/nodes", &json!({ "grid_node_id": 32 }));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        ada.send(add().with(name, value)).await.problem(403, "cross-site-request");
        let sign_out = Call::form("/logout", []).with(name, value);
        ada.send(sign_out).await.page(403).says(&["The request came from another site"]);
    }
    ada.send(add().with("origin", &market.url())).await.ok(201);
    // A token is not sent by a browser on its own.
    let token = ada.token(&["farm"]).await;
    let publish = Call::post("/api/farm/nodes", &json!({ "grid_node_id": 600 }));
    token.send(publish.with("sec-fetch-site", "cross-site")).await.ok(201);
}
