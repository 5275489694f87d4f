//! Sessions: their secrets, their list, and their end.

use e2e::{Call, Market, PASSWORD};
use serde_json::{Value, json};

use super::{credentials, query};

const ADA: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_39_secrets_are_long_and_the_database_has_only_hashes() {
    let market = Market::start().await;
    let signed_in = market.visitor().post("/api/account", &credentials(ADA)).await;
    let cookie = signed_in.cookie();
    let secret = cookie.strip_prefix("session=").unwrap();
    assert!(secret.len() >= 43, "256 bits in base64: {secret}");
    let ada = market.visitor().with_cookie(&cookie);
    let body = json!({ "name": "laptop", "scopes": ["read"] });
    let token = ada.post("/api/account/tokens", &body).await.ok(201);
    let token = token["token"].as_str().unwrap();
    assert!(!market.database_contains(secret) && !market.database_contains(token));
    assert!(!market.database_contains(PASSWORD));
    let lengths = "SELECT length(hash) || ' ' || typeof(hash) FROM sessions
                   UNION SELECT length(hash) || ' ' || typeof(hash) FROM tokens";
    assert_eq!(query(&market, lengths), "32 blob");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_40_a_cookie_from_before_is_worth_nothing_after_signing_in() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    // A secret that somebody else has put into the browser, or knows from before.
    let planted = "session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let browser = market.visitor().with_cookie(planted);
    let signed_in = browser.post("/api/account/sessions", &credentials(ADA)).await;
    signed_in.ok(201);
    assert_ne!(signed_in.cookie(), planted);
    browser.get("/api/account").await.problem(401, "not-signed-in");
    // Signing in anew in the same browser ends the session that it had.
    let again = ada.post("/api/account/sessions", &credentials(ADA)).await;
    again.ok(201);
    ada.get("/api/account").await.problem(401, "not-signed-in");
    market.visitor().with_cookie(&again.cookie()).get("/api/account").await.ok(200);
}

async fn sessions(client: &e2e::Client) -> Vec<Value> {
    client.get("/api/account/sessions").await.ok(200)["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_42_sessions_are_listed_and_end_at_once() {
    let market = Market::start().await;
    let here = market.sign_up(ADA).await;
    let open = async || {
        let call = Call::post("/api/account/sessions", &credentials(ADA));
        let call = call.with("user-agent", "Mozilla/5.0 (a phone)\tand more");
        let answer = market.visitor().send(call).await;
        market.visitor().with_cookie(&answer.cookie())
    };
    let (there, elsewhere) = (open().await, open().await);
    let listed = sessions(&here).await;
    assert_eq!(listed.len(), 3);
    let current: Vec<bool> = listed.iter().map(|it| it["is_current"].as_bool().unwrap()).collect();
    assert_eq!(current.iter().filter(|is_current| **is_current).count(), 1);
    let other = listed.iter().find(|it| it["user_agent"] != "").unwrap();
    assert_eq!(other["user_agent"], "Mozilla/5.0 (a phone)and more");
    assert_eq!((&other["address"], &other["is_strong"]), (&json!("127.0.0.1"), &json!(false)));

    // Nobody ends another's.
    let eve = market.sign_up("eve@example.org").await;
    let mine = sessions(&there).await;
    let mine = mine.iter().find(|it| it["is_current"] == true).unwrap()["id"].as_str().unwrap();
    let path = format!("/api/account/sessions/{mine}");
    eve.delete(&path).await.problem(404, "not-found");
    eve.delete("/api/account/sessions/1").await.problem(404, "not-found");
    there.get("/api/account").await.ok(200);
    here.delete(&path).await.ok(204);
    there.get("/api/account").await.problem(401, "not-signed-in");
    here.delete(&path).await.problem(404, "not-found");

    here.post_empty("/api/account/sessions/end-others").await.ok(204);
    elsewhere.get("/api/account").await.problem(401, "not-signed-in");
    here.get("/api/account").await.ok(200);
    eve.get("/api/account").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_42_who_is_suspended_is_out_at_once() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let token = ada.token(&["read"]).await;
    let account = ada.get("/api/account").await.ok(200)["id"].as_str().unwrap().to_owned();
    let act = async |what: &str| {
        let path = format!("/api/admin/accounts/{account}/{what}");
        market.operator().post_empty(&path).await.ok(204);
    };
    act("end-sessions").await;
    ada.get("/api/account").await.problem(401, "not-signed-in");
    token.get("/api/account").await.ok(200);
    let sign_in = async || market.visitor().post("/api/account/sessions", &credentials(ADA)).await;
    let ada = market.visitor().with_cookie(&sign_in().await.cookie());
    act("suspend").await;
    ada.get("/api/account").await.problem(401, "not-signed-in");
    token.get("/api/account").await.problem(401, "not-signed-in");
    sign_in().await.problem(401, "wrong-credentials");
    act("reactivate").await;
    ada.get("/api/account").await.problem(401, "not-signed-in");
    token.get("/api/account").await.ok(200);
    sign_in().await.ok(201);
}
