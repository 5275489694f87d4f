//! Accounts where mail can be sent: nobody learns who has one, and codes are good once.

use std::time::Instant;

use e2e::{Market, PASSWORD};
use serde_json::{Value, json};

use super::{credentials, query};

const ADA: &str = "ada@example.org";
const NEW: &str = "a new password for ada";

async fn ask_reset(market: &Market, email: &str) -> Value {
    market.visitor().post("/api/account/reset", &json!({ "email": email })).await.ok(202)
}

async fn reset(market: &Market, code: &str, password: &str) -> e2e::Answer {
    let body = json!({ "code": code, "password": password });
    market.visitor().post("/api/account/reset/confirm", &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_there_once_its_address_is_confirmed() {
    let market = Market::start_with_folder().await;
    let visitor = market.visitor();
    assert_eq!(
        visitor.post("/api/account", &credentials(ADA)).await.ok(202),
        json!({ "status": "mail-sent" })
    );
    let sign_in = visitor.post("/api/account/sessions", &credentials(ADA)).await;
    sign_in.problem(401, "wrong-credentials");
    let code = market.code_mailed_to(ADA).await.unwrap();
    let confirm = json!({ "code": code });
    let made = visitor.post("/api/account/confirm", &confirm).await;
    assert_eq!(made.ok(201)["email"], ADA);
    visitor.post("/api/account/confirm", &confirm).await.problem(403, "expired-code");
    visitor.post("/api/account/sessions", &credentials(ADA)).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_36_nothing_but_the_mail_tells_whether_an_address_has_an_account() {
    let market = Market::start_with_folder().await;
    market.sign_up(ADA).await;
    let visitor = market.visitor();
    for (path, body) in [
        ("/api/account", json!({ "password": PASSWORD })),
        ("/api/account/sessions", json!({ "password": "not the password" })),
        ("/api/account/reset", json!({})),
    ] {
        let ask = async |email: &str| {
            let mut body = body.clone();
            body["email"] = email.into();
            let answer = visitor.post(path, &body).await;
            let mut document = answer.json();
            // The one thing that differs between any two answers.
            document["instance"] = Value::Null;
            (answer.status, answer.body.len(), document, answer.header("set-cookie").is_some())
        };
        assert_eq!(ask(ADA).await, ask("eve@example.org").await, "{path}");
    }
    // The mail says it, to the address's owner.
    market.run_mailer().await.unwrap();
    assert!(market.was_told(ADA, "Reset your password"));
    assert!(market.was_told("eve@example.org", "no account"));
    // The code of a sign-up with somebody else's address is in no mail: it leads nowhere.
    visitor.post("/api/account", &credentials(ADA)).await.ok(202);
    assert_eq!(market.code_mailed_to(ADA).await, None);
    assert!(market.was_told(ADA, "You already have an account"));
}

/// Timed as a ratio, not in seconds: a hash takes about a hundred times what everything else
/// does. `cargo xtask attack timing` looks closer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_36_an_unknown_address_costs_a_hash_too() {
    let market = Market::start().await;
    market.sign_up(ADA).await;
    let visitor = market.visitor();
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..9 {
        for (index, email) in [ADA, "eve@example.org"].into_iter().enumerate() {
            let body = json!({ "email": email, "password": "not the password" });
            let started = Instant::now();
            visitor.post("/api/account/sessions", &body).await.problem(401, "wrong-credentials");
            times[index].push(started.elapsed());
        }
    }
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "{known:?} for a known address, {unknown:?} for another");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_37_a_code_is_good_once_for_six_hours_and_for_its_own_thing() {
    let market = Market::start_with_folder().await;
    let ada = market.sign_up(ADA).await;
    ask_reset(&market, ADA).await;
    let first = market.code_mailed_to(ADA).await.unwrap();
    assert!(first.len() >= 22, "at least 128 bits: {first}");
    ask_reset(&market, ADA).await;
    let second = market.code_mailed_to(ADA).await.unwrap();
    // Only the newest counts, for a reset only, and not what was nearly it.
    reset(&market, &first, NEW).await.problem(403, "expired-code");
    let visitor = market.visitor();
    let confirm = json!({ "code": second });
    visitor.post("/api/account/email/confirm", &confirm).await.problem(403, "expired-code");
    visitor.post("/api/account/confirm", &confirm).await.problem(403, "expired-code");
    reset(&market, &second[1..], NEW).await.problem(403, "expired-code");
    reset(&market, "", NEW).await.problem(403, "expired-code");
    // A password that cannot be used does not use the code up.
    assert_eq!(reset(&market, &second, "short").await.wrong_fields(), ["password"]);
    // In the database there is a hash of it.
    assert!(!market.database_contains(&second));

    reset(&market, &second, NEW).await.ok(204);
    reset(&market, &second, NEW).await.problem(403, "expired-code");
    ada.get("/api/account").await.problem(401, "not-signed-in");
    let body = json!({ "email": ADA, "password": NEW });
    visitor.post("/api/account/sessions", &body).await.ok(201);
    visitor
        .post("/api/account/sessions", &credentials(ADA))
        .await
        .problem(401, "wrong-credentials");

    ask_reset(&market, ADA).await;
    let late = market.code_mailed_to(ADA).await.unwrap();
    market.pass(6 * 60 * 60);
    reset(&market, &late, NEW).await.problem(403, "expired-code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_32_a_new_address_needs_the_password_and_confirms_itself() {
    let market = Market::start_with_folder().await;
    let ada = market.sign_up(ADA).await;
    market.sign_up("eve@example.org").await;
    let change = |email: &str, password: &str| json!({ "email": email, "password": password });
    let new = "ada@example.net";
    let refused = ada.post("/api/account/email", &change(new, "not the password")).await;
    refused.problem(403, "wrong-password");
    ada.post("/api/account/email", &change(new, PASSWORD)).await.ok(202);
    assert_eq!(ada.get("/api/account").await.ok(200)["email"], ADA, "not yet");
    let code = market.code_mailed_to(new).await.unwrap();
    market.visitor().post("/api/account/email/confirm", &json!({ "code": code })).await.ok(204);
    assert_eq!(ada.get("/api/account").await.ok(200)["email"], new);
    // The old address hears of it.
    market.run_mailer().await.unwrap();
    assert!(market.was_told(ADA, "The email address of your Mycelium account was changed"));
    // Somebody else's address answers the same, and its owner learns of it.
    ada.post("/api/account/email", &change("eve@example.org", PASSWORD)).await.ok(202);
    assert_eq!(market.code_mailed_to("eve@example.org").await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_in_mails_lead_where_the_operator_says() {
    let market = Market::start_with_folder().await;
    let body = json!({ "email": ADA });
    let lie = e2e::Call::post("/api/account/reset", &body)
        .with("host", "evil.example")
        .with("x-forwarded-host", "evil.example");
    market.visitor().send(lie).await.ok(202);
    market.run_mailer().await.unwrap();
    let mail = market.mails_to(ADA).concat();
    assert!(mail.contains(&market.url()) && !mail.contains("evil"), "{mail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_buried_in_mail() {
    let market = Market::start_with_folder().await;
    for _ in 0..5 {
        ask_reset(&market, ADA).await;
    }
    let body = json!({ "email": ADA });
    let refused = market.visitor().post("/api/account/reset", &body).await;
    refused.problem(429, "too-many-requests");
    ask_reset(&market, "eve@example.org").await;
    assert_eq!(query(&market, "SELECT count(*) || '' FROM mails"), "6");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_transport_a_reset_is_the_operators() {
    let market = Market::start().await;
    let body = json!({ "email": ADA });
    market.visitor().post("/api/account/reset", &body).await.problem(409, "mail-not-configured");
}
