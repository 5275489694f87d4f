//! Passwords: which ones, how they are kept, and what they are asked for.

use e2e::{Call, Market, PASSWORD};
use gridproxy::{Documents, Standin};
use serde_json::json;

use super::{credentials, query};

const ADA: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_30_any_password_of_8_characters_or_more_is_taken_as_it_is() {
    let market = Market::start().await;
    let visitor = market.visitor();
    let long = "correct horse battery staple ".repeat(17);
    for (index, password) in [
        "zq81mvkp",
        "  spaces count  ",
        "p\u{e4}\u{df}w\u{f6}rter \u{1f511}",
        "nul\u{0}and\ttab",
        &long,
        "cre\u{300}me bru\u{302}le\u{301}e",
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("ada{index}@example.org");
        let body = json!({ "email": email, "password": password });
        visitor.post("/api/account", &body).await.ok(201);
        visitor.post("/api/account/sessions", &body).await.ok(201);
        // Nothing of it is cut off or folded.
        for other in
            [password.to_uppercase(), password.chars().skip(1).collect(), "creme brulee".to_owned()]
        {
            let body = json!({ "email": email, "password": other });
            let refused = visitor.post("/api/account/sessions", &body).await;
            refused.problem(401, "wrong-credentials");
        }
    }
    // The same from a keyboard that composes, and has another space.
    let composed = "cr\u{e8}me\u{a0}br\u{fb}l\u{e9}e";
    let body = json!({ "email": "ada5@example.org", "password": composed });
    visitor.post("/api/account/sessions", &body).await.ok(201);
    for short in ["", "1234567", "\u{1f511}\u{1f511}"] {
        let body = json!({ "email": ADA, "password": short });
        assert_eq!(visitor.post("/api/account", &body).await.wrong_fields(), ["password"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_31_passwords_that_everybody_tries_are_refused() {
    let market = Market::start().await;
    let visitor = market.visitor();
    for common in
        ["password", "12345678", "iloveyou", "Password1", "qwertyuiop", "trustno1", "SUNSHINE1"]
    {
        let body = json!({ "email": ADA, "password": common });
        let refused = visitor.post("/api/account", &body).await;
        assert_eq!(refused.wrong_fields(), ["password"], "{common}");
    }
    let ada = market.sign_up(ADA).await;
    let body = json!({ "current_password": PASSWORD, "password": "password1" });
    assert_eq!(ada.post("/api/account/password", &body).await.wrong_fields(), ["password"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_32_a_new_password_needs_the_old_one() {
    let market = Market::start().await;
    let here = market.sign_up(ADA).await;
    let there = market.visitor().post("/api/account/sessions", &credentials(ADA)).await;
    let there = market.visitor().with_cookie(&there.cookie());
    let new = "quite another password";
    let change = |current: &str| json!({ "current_password": current, "password": new });
    here.post("/api/account/password", &change("not this one"))
        .await
        .problem(403, "wrong-password");
    let token = here.token(&["read", "rent", "farm"]).await;
    token.post("/api/account/password", &change(PASSWORD)).await.problem(403, "missing-scope");

    let changed = here.post("/api/account/password", &change(PASSWORD)).await;
    changed.ok(204);
    token.get("/api/account").await.problem(401, "not-signed-in");
    // Every other session has ended, and this one goes on under another secret.
    there.get("/api/account").await.problem(401, "not-signed-in");
    here.get("/api/account").await.problem(401, "not-signed-in");
    let here = market.visitor().with_cookie(&changed.cookie());
    here.get("/api/account").await.ok(200);
    let visitor = market.visitor();
    visitor
        .post("/api/account/sessions", &credentials(ADA))
        .await
        .problem(401, "wrong-credentials");
    let body = json!({ "email": ADA, "password": new });
    visitor.post("/api/account/sessions", &body).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_35_a_password_alone_changes_nothing_where_there_is_a_second_factor() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    // This session was there before the factor, and has not shown it.
    let db = market.open_database();
    let factor = "INSERT INTO totp_secrets (account_id, sealed, confirmed_at, created_at)
                  SELECT id, x'00', 1, 1 FROM accounts";
    db.connection().execute(factor, []).unwrap();
    for (path, body) in [
        ("password", json!({ "current_password": PASSWORD, "password": "something else" })),
        ("email", json!({ "email": "eve@example.org", "password": PASSWORD })),
        ("delete", json!({ "password": PASSWORD })),
    ] {
        let refused = ada.post(&format!("/api/account/{path}"), &body).await;
        refused.problem(403, "verification-required");
    }
    assert_eq!(ada.get("/api/account").await.ok(200)["email"], ADA);
    market.strengthen(&ada);
    let body = json!({ "current_password": PASSWORD, "password": "something else" });
    ada.post("/api/account/password", &body).await.ok(204);
}

/// A market whose passwords have a pepper.
async fn peppered() -> Market {
    let grid = Standin::start(Documents::default()).await.unwrap();
    Market::start_with(grid, [("password_pepper", "a-pepper-of-26-characters!")]).await
}

fn password_hash(market: &Market) -> String {
    query(market, "SELECT password_hash FROM accounts")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_38_hashes_are_argon2id_with_a_pepper_that_is_not_in_the_database() {
    let market = peppered().await;
    market.sign_up(ADA).await;
    let hash = password_hash(&market);
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid="), "{hash}");
    // The same password without the pepper has another hash.
    let without = Market::start().await;
    without.sign_up(ADA).await;
    let plain = password_hash(&without);
    assert!(plain.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{plain}");
    let set = |hash: &str| {
        let db = market.open_database();
        db.connection().execute("UPDATE accounts SET password_hash = ?1", [hash]).unwrap();
    };
    set(&plain.replace("p=1$", "p=1,keyid=cDE$"));
    let visitor = market.visitor();
    visitor
        .post("/api/account/sessions", &credentials(ADA))
        .await
        .problem(401, "wrong-credentials");
    // A hash from before there was a pepper still counts, and is renewed at the next sign-in.
    set(&plain);
    visitor.post("/api/account/sessions", &credentials(ADA)).await.ok(201);
    let renewed = password_hash(&market);
    assert!(renewed.starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid="), "{renewed}");
    visitor.post("/api/account/sessions", &credentials(ADA)).await.ok(201);
    assert_eq!(password_hash(&market), renewed, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_38_weaker_hashes_are_renewed_at_the_next_sign_in() {
    let market = Market::start().await;
    market.sign_up(ADA).await;
    // Of `a few words work well`, made with `argon2 saltsaltsaltsalt -id -k 8192 -t 1 -p 1 -e`.
    let weak = weak_hash();
    let db = market.open_database();
    db.connection().execute("UPDATE accounts SET password_hash = ?1", [&weak]).unwrap();
    let wrong = json!({ "email": ADA, "password": "not the password" });
    let visitor = market.visitor();
    visitor.post("/api/account/sessions", &wrong).await.problem(401, "wrong-credentials");
    assert_eq!(password_hash(&market), weak);
    visitor.post("/api/account/sessions", &credentials(ADA)).await.ok(201);
    assert!(password_hash(&market).starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}

/// A hash of the password of everybody with less memory and one pass.
fn weak_hash() -> String {
    use argon2::password_hash::PasswordHasher;
    use argon2::{Algorithm, Argon2, Params, Version};
    let params = Params::new(8_192, 1, 1, None).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password_with_salt(PASSWORD.as_bytes(), b"saltsaltsaltsalt");
    hash.unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_34_a_new_database_has_no_account_and_no_operator() {
    let grid = Standin::start(Documents::default()).await.unwrap();
    let market = Market::start_with(grid, [("operator_token", "")]).await;
    market.visitor().get("/api/health").await.ok(200);
    let accounts = "SELECT count(*) || '' FROM accounts";
    assert_eq!(query(&market, accounts), "0");
    for token in ["", "operator", "admin", "null", "undefined"] {
        let ask =
            Call::get("/api/admin/invariants").with("authorization", &format!("Bearer {token}"));
        market.visitor().send(ask).await.problem(401, "not-signed-in");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_deletes_their_account_is_gone_and_the_money_is_booked() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with(ADA, "100").await;
    let token = ada.token(&["read"]).await;
    ada.rent("node32", 1).await.ok(201);
    let delete = json!({ "password": PASSWORD });
    let wrong = json!({ "password": "not the password" });
    ada.post("/api/account/delete", &wrong).await.problem(403, "wrong-password");
    ada.post("/api/account/delete", &delete).await.problem(409, "account-in-use");
    farmer.post("/api/account/delete", &delete).await.problem(409, "account-in-use");
    token.post("/api/account/delete", &delete).await.problem(403, "missing-scope");

    market.pass(33 * 24 * 60 * 60);
    market.sync().await;
    let ada = market.visitor().post("/api/account/sessions", &credentials(ADA)).await;
    let ada = market.visitor().with_cookie(&ada.cookie());
    let deleted = ada.post("/api/account/delete", &delete).await;
    deleted.ok(204);
    assert!(deleted.set_cookie().contains("Max-Age=0"));
    ada.get("/api/account").await.problem(401, "not-signed-in");
    token.get("/api/account").await.problem(401, "not-signed-in");
    let visitor = market.visitor();
    visitor
        .post("/api/account/sessions", &credentials(ADA))
        .await
        .problem(401, "wrong-credentials");
    let dump = market.dump();
    assert!(dump.contains("farmer@example.org") && !dump.contains(ADA), "{dump}");
    market.check_invariants().await;
    // The address is free again, for somebody with nothing.
    let again = market.sign_up(ADA).await;
    assert_eq!(again.balance().await, "0.00");
}
