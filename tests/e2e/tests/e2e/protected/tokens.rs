//! API tokens: their form, what they may do, and their end.

use e2e::{Client, Market, PASSWORD};
use serde_json::{Value, json};

const ADA: &str = "ada@example.org";

async fn make(client: &Client, body: &Value) -> (Value, Client) {
    let made = client.post("/api/account/tokens", body).await.ok(201);
    let token = client.with_token(made["token"].as_str().unwrap());
    (made, token)
}

async fn tokens(client: &Client) -> Vec<Value> {
    client.get("/api/account/tokens").await.ok(200)["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_44_a_token_is_shown_once_and_revoked_at_once() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let body = json!({ "name": "laptop", "scopes": ["read"], "expires_in_days": 7 });
    let (made, token) = make(&ada, &body).await;
    let text = made["token"].as_str().unwrap();
    assert_eq!((text.len(), &text[..4]), (53, "myc_"));
    assert_eq!(made["expires_at"], "2026-11-29T17:20:00Z");
    let listed = tokens(&ada).await;
    assert_eq!(listed[0]["hint"], text[..8]);
    assert_eq!((listed.len(), &listed[0]["used_at"]), (1, &Value::Null));
    assert!(listed[0].get("token").is_none());

    token.get("/api/account").await.ok(200);
    assert_eq!(tokens(&ada).await[0]["used_at"], "2026-11-22T17:20:00Z");
    // Not in an address, and one wrong letter is no token.
    market.visitor().get(&format!("/api/account?token={text}")).await.problem(401, "not-signed-in");
    let typo = format!("{}{}", &text[..52], if text.ends_with('A') { 'B' } else { 'A' });
    market.visitor().with_token(&typo).get("/api/account").await.problem(401, "not-signed-in");

    let path = format!("/api/account/tokens/{}", made["id"].as_str().unwrap());
    let eve = market.sign_up("eve@example.org").await;
    eve.delete(&path).await.problem(404, "not-found");
    token.delete(&path).await.problem(403, "missing-scope");
    ada.delete(&path).await.ok(204);
    token.get("/api/account").await.problem(401, "not-signed-in");
    assert!(tokens(&ada).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_44_a_token_spends_no_more_than_its_ceiling() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with(ADA, "100").await;
    let body = json!({ "name": "bot", "scopes": ["rent"], "spending_limit_usd": "30.00" });
    let (_, bot) = make(&ada, &body).await;
    bot.rent("node32", 1).await.ok(201);
    let refused = bot.rent("node32", 1).await;
    let said = refused.problem(403, "over-token-spending-limit")["detail"].clone();
    assert_eq!(
        said,
        "this token can spend only $5.00 more, and the total is $25.00; use another token"
    );
    let listed = tokens(&ada).await;
    assert_eq!(
        (&listed[0]["spending_limit_usd"], &listed[0]["spent_usd"]),
        (&json!("30.00"), &json!("25.00"))
    );
    assert_eq!(ada.balance().await, "75.00");
    let rented = ada.rent("node32", 1).await.ok(201);
    // Nor does it have anything renewed beyond that.
    let path = format!("/api/rentals/{}", rented["rental"]["id"].as_str().unwrap());
    let year = json!({ "auto_renew": { "duration_months": 12, "max_price": "500" } });
    bot.patch(&path, &year).await.problem(403, "over-token-spending-limit");
    assert_eq!(ada.get(&path).await.ok(200)["auto_renew"], Value::Null);
    market.check_invariants().await;
    for (spending_limit, days) in [(json!("-1"), 7), (json!("0.001"), 7), (json!("x"), 7)] {
        let body = json!({
            "name": "bot", "scopes": ["rent"],
            "spending_limit_usd": spending_limit, "expires_in_days": days
        });
        assert_eq!(
            ada.post("/api/account/tokens", &body).await.wrong_fields(),
            ["spending_limit_usd"]
        );
    }
    for days in [0, 366] {
        let body = json!({ "name": "bot", "scopes": ["rent"], "expires_in_days": days });
        assert_eq!(
            ada.post("/api/account/tokens", &body).await.wrong_fields(),
            ["expires_in_days"]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_44_a_token_of_a_farm_touches_no_other() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    farmer.publish(17, "25").await;
    let farm_of = |node: u32| {
        let db = market.open_database();
        let sql = "SELECT farm_id FROM nodes WHERE id = ?1";
        db.connection().query_row(sql, [node], |row| row.get::<_, u32>(0)).unwrap()
    };
    let farm = farm_of(32);
    assert_ne!(farm, farm_of(17));
    let body = json!({ "name": "robot", "scopes": ["read", "farm"], "farm_id": farm });
    let (_, robot) = make(&farmer, &body).await;
    let listed = robot.get("/api/farm/nodes").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    robot.get("/api/farm/nodes/node32").await.ok(200);
    robot.get("/api/farm/nodes/node17").await.problem(404, "not-found");
    robot.post_empty("/api/farm/nodes/node17/pause").await.problem(404, "not-found");
    let price = json!({ "price_per_month": "1" });
    robot.patch("/api/farm/nodes/node17", &price).await.problem(404, "not-found");
    robot.patch("/api/farm/nodes/node32", &price).await.ok(200);
    robot.add_node(1).await.problem(403, "missing-scope");
    farmer.get("/api/farm/nodes/node17").await.ok(200);
}

/// Sessions and tokens are random texts that only the database knows: there is nothing in them to
/// forge, and nobody else's signature counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_43_what_a_token_says_of_itself_counts_for_nothing() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let account = ada.get("/api/account").await.ok(200)["id"].as_str().unwrap().to_owned();
    let part = |json: Value| -> String {
        use base64::Engine as _;
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    };
    let claims = json!({
        "sub": account,
        "email": ADA,
        "scope": "admin",
        "iss": market.url(),
        "exp": 4_000_000_000_u32,
    });
    for header in [
        json!({ "alg": "none" }),
        json!({ "alg": "HS256", "kid": "../../dev/null" }),
        json!({ "alg": "RS256", "jku": "https://evil.example/keys", "jwk": { "kty": "RSA" } }),
    ] {
        for signature in ["", "AAAA"] {
            let token = format!("{}.{}.{signature}", part(header.clone()), part(claims.clone()));
            let forger = market.visitor().with_token(&token);
            forger.get("/api/account").await.problem(401, "not-signed-in");
            let forger = market.visitor().with_cookie(&format!("session={token}"));
            forger.get("/api/account").await.problem(401, "not-signed-in");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_does_not_touch_the_account_itself() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let token = ada.token(&["read", "rent", "farm", "agent"]).await;
    let sessions = ada.get("/api/account/sessions").await.ok(200);
    let session = sessions["items"][0]["id"].as_str().unwrap();
    for (path, body) in [
        (
            "/api/account/password",
            json!({ "current_password": PASSWORD, "password": "something else" }),
        ),
        ("/api/account/email", json!({ "email": "x@example.org", "password": PASSWORD })),
        ("/api/account/delete", json!({ "password": PASSWORD })),
        ("/api/account/tokens", json!({ "name": "more", "scopes": ["read"] })),
        ("/api/account/sessions/end-others", json!({})),
    ] {
        token.post(path, &body).await.problem(403, "missing-scope");
    }
    token.delete(&format!("/api/account/sessions/{session}")).await.problem(403, "missing-scope");
    // Operating is for operators, whatever a token says.
    let body = json!({ "name": "root", "scopes": ["admin"] });
    assert_eq!(ada.post("/api/account/tokens", &body).await.wrong_fields(), ["scopes"]);
}
