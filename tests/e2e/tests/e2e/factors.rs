//! Second factors: passkeys from an authenticator in software, codes of an app, recovery codes, and
//! what has to be verified before they change.

use e2e::{
    Answer, Authenticator, Call, Client, MORNING, Market, PASSWORD, Passkey, app_code as code,
};
use gridproxy::{Documents, Standin};
use serde_json::{Value, json};
use totp_rs::Secret;

/// Where the market is reached: a name, for an address of numbers has no passkeys.
const SITE: &str = "https://mycelium.example";
const MINUTE: i64 = 60;

/// A market that is reached at `SITE`.
async fn market() -> Market {
    let grid = Standin::start(Documents::default()).await.unwrap();
    Market::start_with(grid, [("public_url", SITE)]).await
}

/// Uses each operation on second factors once; answers the ids of those that succeeded.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let market = market().await;
    let ada = market.sign_up("factors@example.org").await;
    let (mut phone, ada) = add_passkey(&ada, 1).await;
    use_passkey(&market, &mut phone).await.ok(201);
    let (_, codes, ada) = set_up_app(&ada, MORNING).await;
    let waiting = sign_in(&market, "factors@example.org").await.ok(202);
    finish(&market, &waiting, &codes[0]).await.ok(201);
    assert_eq!(factors(&ada).await, json!({ "passkeys": 1, "totp": true, "recovery_codes": 9 }));
    let proved = ada.post("/api/account/sessions/verify", &json!({ "code": codes[1] })).await;
    proved.ok(200);
    let ada = ada.with_cookie(&proved.cookie());
    ada.post_empty("/api/account/recovery-codes").await.ok(201);
    let listed = ada.get("/api/account/passkeys").await.ok(200);
    let path = format!("/api/account/passkeys/{}", listed["passkeys"][0]["id"].as_str().unwrap());
    ada.delete(&path).await.ok(204);
    ada.delete("/api/account/totp").await.ok(204);
    market.operations().await.0
}

fn credentials(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}

async fn sign_in(market: &Market, email: &str) -> Answer {
    market.visitor().post("/api/account/sessions", &credentials(email)).await
}

async fn begin_passkey(client: &Client) -> Value {
    client.post_empty("/api/account/passkeys/options").await.ok(200)
}

async fn send_passkey(client: &Client, begun: &Value, credential: &Value) -> Answer {
    let body =
        json!({ "challenge": begun["challenge"], "name": "Phone", "credential": credential });
    client.post("/api/account/passkeys", &body).await
}

/// Adds the passkey `number`; answers it, and the client with its new cookie.
async fn add_passkey(client: &Client, number: u8) -> (Passkey, Client) {
    let begun = begin_passkey(client).await;
    let (passkey, credential) = Authenticator::at(SITE).make(&begun["options"], number);
    let added = send_passkey(client, &begun, &credential).await;
    assert_eq!(added.ok(201)["name"], "Phone");
    (passkey, client.with_cookie(&added.cookie()))
}

async fn begin_use(market: &Market) -> Value {
    market.visitor().post_empty("/api/account/passkeys/sign-in").await.ok(200)
}

async fn send_use(market: &Market, begun: &Value, credential: &Value) -> Answer {
    let body = json!({ "challenge": begun["challenge"], "credential": credential });
    market.visitor().post("/api/account/sessions/passkey", &body).await
}

async fn use_passkey(market: &Market, passkey: &mut Passkey) -> Answer {
    let begun = begin_use(market).await;
    let credential = Authenticator::at(SITE).show(passkey, &begun["options"]);
    send_use(market, &begun, &credential).await
}

/// Sets up an app; answers its secret, the recovery codes, and the client with its new cookie.
async fn set_up_app(client: &Client, now: i64) -> (String, Vec<String>, Client) {
    let begun = client.post_empty("/api/account/totp").await.ok(200);
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let body = json!({ "code": code(&secret, now) });
    let confirmed = client.post("/api/account/totp/confirm", &body).await;
    let codes = confirmed.ok(200)["recovery_codes"].clone();
    let codes: Vec<String> = serde_json::from_value(codes).unwrap();
    assert_eq!(codes.len(), 10);
    (secret, codes, client.with_cookie(&confirmed.cookie()))
}

async fn finish(market: &Market, waiting: &Value, code: &str) -> Answer {
    let body = json!({ "challenge": waiting["challenge"], "code": code });
    market.visitor().post("/api/account/sessions/second-factor", &body).await
}

async fn factors(client: &Client) -> Value {
    client.get("/api/account/factors").await.ok(200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_35_a_passkey_signs_in_without_a_password() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (mut phone, ada) = add_passkey(&ada, 1).await;
    let listed = ada.get("/api/account/passkeys").await.ok(200);
    assert_eq!(listed["passkeys"][0]["used_at"], Value::Null);

    let session = use_passkey(&market, &mut phone).await;
    assert_eq!(session.ok(201)["email"], "ada@example.org");
    let strong = market.visitor().with_cookie(&session.cookie());
    let listed = strong.get("/api/account/passkeys").await.ok(200);
    assert_eq!(listed["passkeys"][0]["used_at"], "2026-11-22T17:20:00Z");
    assert_eq!(listed["passkeys"].as_array().map(Vec::len), Some(1));

    // The password is not enough any more, and has nothing to be followed by but the passkey.
    let waiting = sign_in(&market, "ada@example.org").await;
    assert_eq!(waiting.header("set-cookie"), None);
    assert_eq!(waiting.ok(202)["factors"], json!(["passkey"]));
    finish(&market, &waiting.json(), "123456").await.problem(401, "wrong-code");
    use_passkey(&market, &mut phone).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_35_a_password_alone_does_not_sign_in_where_there_is_an_app() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (secret, codes, ada) = set_up_app(&ada, MORNING).await;
    assert_eq!(factors(&ada).await, json!({ "passkeys": 0, "totp": true, "recovery_codes": 10 }));

    let waiting = sign_in(&market, "ada@example.org").await;
    assert_eq!(waiting.header("set-cookie"), None);
    let waiting = waiting.ok(202);
    assert_eq!(waiting["factors"], json!(["totp", "recovery-code"]));
    market.pass(MINUTE);
    let wrong = code(&secret, MORNING + 10 * MINUTE);
    finish(&market, &waiting, &wrong).await.problem(401, "wrong-code");
    finish(&market, &json!({ "challenge": "x" }), &wrong).await.problem(403, "expired-code");
    let session = finish(&market, &waiting, &code(&secret, MORNING + MINUTE)).await;
    assert_eq!(session.ok(201)["email"], "ada@example.org");
    let ada = market.visitor().with_cookie(&session.cookie());
    // The session has shown its factor: it may change factors at once.
    ada.post_empty("/api/account/recovery-codes").await.ok(201);
    // What has signed in once does not do so again, nor does a code of before.
    finish(&market, &waiting, &code(&secret, MORNING + 2 * MINUTE))
        .await
        .problem(403, "expired-code");
    let waiting = sign_in(&market, "ada@example.org").await.ok(202);
    finish(&market, &waiting, &codes[0]).await.problem(401, "wrong-code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_37_codes_count_once_and_for_a_step_before_and_after() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (secret, codes, _) = set_up_app(&ada, MORNING).await;
    let check = async |code: &str, status: u16| {
        let waiting = sign_in(&market, "ada@example.org").await.ok(202);
        let answer = finish(&market, &waiting, code).await;
        assert_eq!(answer.status, status, "{code}: {answer}");
    };
    // The code that has confirmed the app has counted.
    check(&code(&secret, MORNING), 401).await;
    check(&code(&secret, MORNING + 30), 201).await;
    check(&code(&secret, MORNING + 30), 401).await;
    check(&code(&secret, MORNING + 60), 401).await;
    market.pass(5 * MINUTE);
    let now = MORNING + 5 * MINUTE;
    check(&code(&secret, now - 60), 401).await;
    check(&code(&secret, now - 30), 201).await;
    check(&code(&secret, now + 30), 201).await;
    // One of before a code that has counted has passed.
    check(&code(&secret, now), 401).await;

    check(&codes[3].to_lowercase().replace('-', " "), 201).await;
    check(&codes[3], 401).await;
    check(&codes[4], 201).await;
    check("AAAA-AAAA-AAAA-AAAA", 401).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_33_wrong_codes_are_limited_and_passkeys_still_work() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (mut phone, ada) = add_passkey(&ada, 1).await;
    let (secret, codes, _) = set_up_app(&ada, MORNING).await;
    let waiting = sign_in(&market, "ada@example.org").await.ok(202);
    market.pass(MINUTE);
    let right = code(&secret, MORNING + MINUTE);
    let refused = async || {
        for _ in 0..100 {
            let answer = finish(&market, &waiting, "AAAA-AAAA-AAAA-AAAA").await;
            if answer.status == 429 {
                return true;
            }
            answer.problem(401, "wrong-code");
        }
        false
    };
    assert!(refused().await);
    // Not even the right one is looked at.
    finish(&market, &waiting, &right).await.problem(429, "too-many-requests");
    finish(&market, &waiting, &codes[0]).await.problem(429, "too-many-requests");
    use_passkey(&market, &mut phone).await.ok(201);
}

/// Whoever holds a passkey can sign in, and nobody else can, however they try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_that_does_not_hold_is_refused() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (mut phone, _) = add_passkey(&ada, 1).await;
    let omar = market.sign_up("omar@example.org").await;
    let (omars, _) = add_passkey(&omar, 2).await;
    use_passkey(&market, &mut phone).await.ok(201);

    let honest = Authenticator::at(SITE);
    let other_origin =
        Authenticator { origin: "https://mycelium.example.evil".into(), ..honest.clone() };
    let plain_origin = Authenticator { origin: "http://mycelium.example".into(), ..honest.clone() };
    let other_site = Authenticator { rp_id: "evil.example".into(), ..honest.clone() };
    let nobody_looked = Authenticator { verifies_user: false, ..honest.clone() };
    let of_omar = Passkey { user: omars.user.clone(), ..phone.clone() };
    let omars_key = Passkey { key: omars.key.clone(), ..phone.clone() };
    let cloned = Passkey { counter: phone.counter - 1, ..phone.clone() };
    let unknown = Passkey { id: vec![9; 32], ..phone.clone() };
    for (what, authenticator, passkey) in [
        ("another origin", &other_origin, &phone),
        ("no TLS", &plain_origin, &phone),
        ("another site", &other_site, &phone),
        ("no user verification", &nobody_looked, &phone),
        ("another account", &honest, &of_omar),
        ("another key", &honest, &omars_key),
        ("a counter that goes back", &honest, &cloned),
        ("a credential of nobody", &honest, &unknown),
    ] {
        let begun = begin_use(&market).await;
        let credential = authenticator.show(&mut passkey.clone(), &begun["options"]);
        let refused = send_use(&market, &begun, &credential).await;
        assert_eq!(refused.status, 401, "{what}: {refused}");
        refused.problem(401, "passkey-refused");
        assert_eq!(refused.header("set-cookie"), None);
    }
    use_passkey(&market, &mut phone).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_37_what_a_passkey_has_signed_counts_once_and_for_five_minutes() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (mut phone, ada) = add_passkey(&ada, 1).await;
    let honest = Authenticator::at(SITE);

    let begun = begin_use(&market).await;
    let credential = honest.show(&mut phone, &begun["options"]);
    send_use(&market, &begun, &credential).await.ok(201);
    send_use(&market, &begun, &credential).await.problem(403, "expired-code");
    // Signed for one question, sent as the answer to another.
    let other = begin_use(&market).await;
    send_use(&market, &other, &credential).await.problem(401, "passkey-refused");
    // A question is gone after a wrong answer.
    send_use(&market, &other, &credential).await.problem(403, "expired-code");

    let begun = begin_use(&market).await;
    market.pass(5 * MINUTE + 1);
    let credential = honest.show(&mut phone, &begun["options"]);
    send_use(&market, &begun, &credential).await.problem(401, "passkey-refused");
    let begun = begin_use(&market).await;
    market.pass(10 * MINUTE);
    let credential = honest.show(&mut phone, &begun["options"]);
    send_use(&market, &begun, &credential).await.problem(403, "expired-code");

    // A question to make one is none to show one, and the other way round.
    ada.post(
        "/api/account/sessions/verify",
        &json!({ "challenge": "x", "credential": credential }),
    )
    .await
    .problem(403, "expired-code");
    for credential in [json!(null), json!({}), json!("x"), json!({ "id": "AA" })] {
        let begun = begin_use(&market).await;
        send_use(&market, &begun, &credential).await.problem(400, "malformed-request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_made_for_this_account_on_this_site() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let omar = market.sign_up("omar@example.org").await;
    let honest = Authenticator::at(SITE);
    let other_origin = Authenticator { origin: "https://evil.example".into(), ..honest.clone() };
    let other_site = Authenticator { rp_id: "evil.example".into(), ..honest.clone() };
    let nobody_looked = Authenticator { verifies_user: false, ..honest.clone() };
    for authenticator in [&other_origin, &other_site, &nobody_looked] {
        let begun = begin_passkey(&ada).await;
        let (_, credential) = authenticator.make(&begun["options"], 1);
        send_passkey(&ada, &begun, &credential).await.problem(401, "passkey-refused");
        send_passkey(&ada, &begun, &credential).await.problem(403, "expired-code");
    }
    // Ada's question is not Omar's to answer, and another question's answer is none.
    let begun = begin_passkey(&ada).await;
    let (_, credential) = honest.make(&begun["options"], 1);
    send_passkey(&omar, &begun, &credential).await.problem(403, "expired-code");
    let other = begin_passkey(&ada).await;
    send_passkey(&ada, &other, &credential).await.problem(401, "passkey-refused");
    let begun = begin_passkey(&ada).await;
    market.pass(5 * MINUTE + 1);
    let (_, credential) = honest.make(&begun["options"], 1);
    send_passkey(&ada, &begun, &credential).await.problem(401, "passkey-refused");

    let begun = begin_passkey(&ada).await;
    let (_, credential) = honest.make(&begun["options"], 1);
    for name in ["", "a\nb", &"x".repeat(81)] {
        let body =
            json!({ "challenge": begun["challenge"], "name": name, "credential": credential });
        let refused = ada.post("/api/account/passkeys", &body).await;
        assert_eq!(refused.wrong_fields(), ["name"]);
    }
    let added = send_passkey(&ada, &begun, &credential).await;
    added.ok(201);
    let ada = ada.with_cookie(&added.cookie());
    // The browser is told what there is already; one that does not listen is refused.
    let begun = begin_passkey(&ada).await;
    let excluded = begun["options"]["excludeCredentials"].as_array().unwrap();
    assert_eq!((excluded.len(), &excluded[0]["id"]), (1, &credential["id"]));
    let (_, credential) = honest.make(&begun["options"], 1);
    send_passkey(&ada, &begun, &credential).await.problem(409, "passkey-taken");
    let begun = begin_passkey(&omar).await;
    let (_, credential) = honest.make(&begun["options"], 1);
    send_passkey(&omar, &begun, &credential).await.problem(409, "passkey-taken");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_twenty_passkeys_at_most() {
    let market = market().await;
    let mut ada = market.sign_up("ada@example.org").await;
    let spare = begin_passkey(&ada).await;
    for number in 1..=20 {
        (_, ada) = add_passkey(&ada, number).await;
    }
    ada.post_empty("/api/account/passkeys/options").await.problem(409, "too-many-passkeys");
    let (_, credential) = Authenticator::at(SITE).make(&spare["options"], 21);
    send_passkey(&ada, &spare, &credential).await.problem(409, "too-many-passkeys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_40_a_proof_changes_the_cookie() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let verify = async |client: &Client, body: Value| {
        client.post("/api/account/sessions/verify", &body).await
    };
    let proved = verify(&ada, json!({ "password": PASSWORD })).await;
    assert_eq!(proved.ok(200)["email"], "ada@example.org");
    ada.get("/api/account").await.problem(401, "not-signed-in");
    let ada = ada.with_cookie(&proved.cookie());
    ada.get("/api/account").await.ok(200);

    // Adding a factor is a proof too: whoever has seen the old cookie has nothing.
    let (mut phone, new) = add_passkey(&ada, 1).await;
    ada.get("/api/account").await.problem(401, "not-signed-in");
    let begun = begin_use(&market).await;
    let credential = Authenticator::at(SITE).show(&mut phone, &begun["options"]);
    let body = json!({ "challenge": begun["challenge"], "credential": credential });
    let proved = verify(&new, body).await;
    proved.ok(200);
    new.get("/api/account").await.problem(401, "not-signed-in");
    // A cookie that somebody has set before does not survive a sign-in.
    let fixed = market.visitor().with_cookie("session=chosen-by-somebody-else");
    let signed_in = fixed.post("/api/account/sessions", &credentials("omar@example.org")).await;
    assert_ne!(signed_in.status, 201);
    market.sign_up("omar@example.org").await;
    let signed_in = fixed.post("/api/account/sessions", &credentials("omar@example.org")).await;
    signed_in.ok(201);
    assert_ne!(signed_in.cookie(), "session=chosen-by-somebody-else");
    fixed.get("/api/account").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn factors_change_only_for_who_has_proved_it_lately() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let weak = market.visitor().with_cookie(&sign_in(&market, "ada@example.org").await.cookie());
    let check = async |client: &Client, kind: &str| {
        client.post_empty("/api/account/passkeys/options").await.problem(403, kind);
        client.post_empty("/api/account/totp").await.problem(403, kind);
        client
            .post("/api/account/totp/confirm", &json!({ "code": "123456" }))
            .await
            .problem(403, kind);
        client.delete("/api/account/totp").await.problem(403, kind);
        client.post_empty("/api/account/recovery-codes").await.problem(403, kind);
        client.delete("/api/account/passkeys/AAAA").await.problem(403, kind);
        let body = json!({ "challenge": "x", "name": "Phone", "credential": {} });
        client.post("/api/account/passkeys", &body).await.problem(403, kind);
    };
    market.pass(15 * MINUTE);
    check(&ada, "verification-required").await;
    let verify = async |client: &Client, body: Value| {
        client.post("/api/account/sessions/verify", &body).await
    };
    verify(&ada, json!({ "password": "not the password" })).await.problem(403, "wrong-password");
    check(&ada, "verification-required").await;
    for body in
        [json!({}), json!({ "password": PASSWORD, "code": "1" }), json!({ "challenge": "" })]
    {
        verify(&ada, body).await.problem(400, "malformed-request");
    }
    let proved = verify(&ada, json!({ "password": PASSWORD })).await;
    proved.ok(200);
    let ada = ada.with_cookie(&proved.cookie());
    let now = MORNING + 15 * MINUTE;
    let (secret, _, ada) = set_up_app(&ada, now).await;
    ada.post_empty("/api/account/recovery-codes").await.ok(201);

    // A session from before the factor, and one that was stolen with the password, change nothing.
    check(&weak, "verification-required").await;
    verify(&weak, json!({ "password": PASSWORD })).await.problem(403, "verification-required");
    verify(&weak, json!({ "code": "000000" })).await.problem(401, "wrong-code");
    market.pass(MINUTE);
    let proved = verify(&weak, json!({ "code": code(&secret, now + MINUTE) })).await;
    proved.ok(200);
    let strong = weak.with_cookie(&proved.cookie());
    strong.delete("/api/account/totp").await.ok(204);
    // And a token may do none of it, whatever it says.
    let token = ada.token(&["read", "rent", "farm"]).await;
    check(&token, "missing-scope").await;
    verify(&token, json!({ "password": PASSWORD })).await.problem(403, "missing-scope");
    token.get("/api/account/passkeys").await.problem(403, "missing-scope");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_factor_gone_a_password_signs_in_again() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    ada.post_empty("/api/account/recovery-codes").await.problem(409, "second-factor-required");
    let (phone, ada) = add_passkey(&ada, 1).await;
    let (_, _, ada) = set_up_app(&ada, MORNING).await;
    ada.post_empty("/api/account/totp").await.problem(409, "totp-already-set-up");
    let body = json!({ "code": "123456" });
    ada.post("/api/account/totp/confirm", &body).await.problem(409, "totp-already-set-up");
    let omar = market.sign_up("omar@example.org").await;
    omar.post("/api/account/totp/confirm", &body).await.problem(404, "not-found");

    let listed = ada.get("/api/account/passkeys").await.ok(200);
    let path = format!("/api/account/passkeys/{}", listed["passkeys"][0]["id"].as_str().unwrap());
    omar.delete(&path).await.problem(404, "not-found");
    ada.delete("/api/account/passkeys/*").await.problem(404, "not-found");
    ada.delete(&path).await.ok(204);
    ada.delete(&path).await.problem(404, "not-found");
    use_passkey(&market, &mut phone.clone()).await.problem(401, "passkey-refused");
    sign_in(&market, "ada@example.org").await.ok(202);
    assert_eq!(factors(&ada).await, json!({ "passkeys": 0, "totp": true, "recovery_codes": 10 }));

    ada.delete("/api/account/totp").await.ok(204);
    ada.delete("/api/account/totp").await.problem(404, "not-found");
    assert_eq!(factors(&ada).await, json!({ "passkeys": 0, "totp": false, "recovery_codes": 0 }));
    sign_in(&market, "ada@example.org").await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_has_not_set_is_said() {
    let grid = Standin::start(Documents::default()).await.unwrap();
    let market = Market::start_with(grid, [("encryption_keys", "")]).await;
    let ada = market.sign_up("ada@example.org").await;
    // A name that only the request says is not what passkeys are bound to.
    let ask = async |host: &str| {
        let call = Call::new(http::Method::POST, "/api/account/passkeys/sign-in");
        market.visitor().send(call.with("host", host)).await
    };
    for host in ["127.0.0.1:3000", "mycelium.example"] {
        ask(host).await.problem(409, "passkeys-unavailable");
    }
    assert_eq!(ask("localhost:3000").await.ok(200)["options"]["rpId"], "localhost");
    ada.post_empty("/api/account/passkeys/options").await.problem(409, "passkeys-unavailable");
    ada.post_empty("/api/account/totp").await.problem(503, "no-encryption-keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_47_secrets_of_apps_are_encrypted_and_recovery_codes_hashed() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (secret, codes, _) = set_up_app(&ada, MORNING).await;
    let file = market.database();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(std::fs::read(file.with_extension("db-wal")).unwrap_or_default());
    let plain = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let (typed, code) = (secret.replace(' ', ""), codes[0].replace('-', ""));
    for hidden in [plain.as_bytes(), typed.as_bytes(), code.as_bytes(), codes[0].as_bytes()] {
        assert!(!bytes.windows(hidden.len()).any(|window| window == hidden));
    }
    assert!(bytes.windows(15).any(|window| window == b"ada@example.org"));
}

/// Without any script: an app is set up, asked for, used to confirm, and removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_of_an_app_work_without_scripts() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let settings = ada.get("/dashboard/settings/security").await.page(200);
    settings.says(&[
        "No passkeys yet.",
        "Set up app",
        "Add a passkey or an authenticator app first.",
    ]);
    let begun = ada.send(settings.submit("/dashboard/settings/totp", &[])).await;
    let setup = ada.get(&begun.see_other()).await.page(200);
    let secret = setup.html().split("class=\"id secret\">").nth(1).unwrap();
    let secret = secret.split('<').next().unwrap().to_owned();
    let confirm = |code: &str| setup.submit("/dashboard/settings/totp/confirm", &[("code", code)]);
    ada.send(confirm("000000")).await.page(401).says(&["Incorrect code", &secret]);
    let confirmed = ada.send(confirm(&code(&secret, MORNING))).await;
    let codes = confirmed.page(200);
    codes.says(&["Your recovery codes", "They are not shown again"]);
    let ada = ada.with_cookie(&confirmed.cookie());
    let settings = ada.get("/dashboard/settings/security").await.page(200);
    settings.says(&["Your authenticator app is set up.", "You have 10 recovery codes left."]);
    let new = ada.send(settings.submit("/dashboard/settings/recovery-codes", &[])).await.page(200);
    assert_ne!(new.words(), codes.words());

    // Signing in asks for it, and goes on to where somebody wanted.
    let visitor = market.visitor();
    let login = visitor.get("/login?next=/dashboard/wallet").await.page(200);
    let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
    let step = visitor.send(login.submit("/login", &fields)).await;
    assert_eq!(step.header("set-cookie"), None);
    let step = step.page(200);
    step.says(&["Two-factor authentication", "Enter a code."]);
    let send = |code: &str| step.submit("/login/second-factor", &[("code", code)]);
    let wrong = visitor.send(send("000000")).await.page(401);
    wrong.says(&["Incorrect code"]);
    market.pass(16 * MINUTE);
    // Too late: the way leads back to the beginning.
    visitor.send(send("000000")).await.page(403).says(&["start over"]);
    assert_eq!(visitor.get("/login/second-factor").await.see_other(), "/login");
    let step = visitor.send(login.submit("/login", &fields)).await.page(200);
    let right = code(&secret, MORNING + 16 * MINUTE);
    let answer = visitor.send(step.submit("/login/second-factor", &[("code", &right)])).await;
    assert_eq!(answer.see_other(), "/dashboard/wallet");

    // Later, what is protected asks again.
    let settings = ada.get("/dashboard/settings/security").await.page(200);
    let remove = settings.submit("/dashboard/settings/totp/remove", &[]);
    let answer = ada.send(remove).await;
    let kept = "/dashboard/verify/kept?path=%2Fdashboard%2Fsettings%2Ftotp%2Fremove";
    assert_eq!((answer.status, answer.header("location")), (307, Some(kept)), "{answer}");
    // A browser sends the form there, and says which page it is on.
    let (_, token) = settings.html().split_once("name=\"form_token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let page = format!("{}/dashboard/settings/security", market.url());
    let again = Call::form(kept, [("form_token", token)]).with("referer", &page);
    let verify = ada.send(again).await.page(200);
    verify.says(&["Verify it's you", "Six digits from your authenticator app"]);
    let send = |code: &str| verify.submit("/dashboard/verify", &[("code", code)]);
    ada.send(send("000000")).await.page(401).says(&["Incorrect code"]);
    let proved = ada.send(send(&code(&secret, MORNING + 16 * MINUTE + 30))).await;
    assert_eq!(proved.see_other(), "/dashboard/settings/security");
    let ada = ada.with_cookie(&proved.cookie());
    let settings = ada.get("/dashboard/settings/security").await.page(200);
    let removed = ada.send(settings.submit("/dashboard/settings/totp/remove", &[])).await;
    let settings = ada.get(&removed.see_other()).await.page(200);
    settings.says(&["Authenticator app removed.", "Set up app"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_from_a_proof_stays_on_this_site() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    market.pass(16 * MINUTE);
    for next in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let page = ada.get(&format!("/dashboard/verify?next={next}")).await.page(200);
        assert!(!page.html().contains("evil.example"), "{next}");
    }
    let page = ada.get("/dashboard/verify?next=/dashboard/wallet").await.page(200);
    let proved = ada.send(page.submit("/dashboard/verify", &[("password", PASSWORD)])).await;
    assert_eq!(proved.see_other(), "/dashboard/wallet");
    // Who has no factor and comes here for one is led to where one is added.
    let ada = ada.with_cookie(&proved.cookie());
    let settings = ada.get("/dashboard/verify?next=/dashboard/wallet").await.see_other();
    ada.get(&settings).await.page(200).says(&["That page requires a second factor."]);
}

/// A passkey's part of the settings: named and removed by a form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_are_listed_and_removed_in_the_settings() {
    let market = market().await;
    let ada = market.sign_up("ada@example.org").await;
    let (_, ada) = add_passkey(&ada, 1).await;
    let settings = ada.get("/dashboard/settings/security?done=passkey-added").await.page(200);
    settings.says(&["Passkey added.", "Phone", "22 November 2026, 17:20 UTC", "Never"]);
    settings.says(&["You have no recovery codes."]);
    let removed = ada.send(settings.submit("/dashboard/settings/passkeys/remove", &[])).await;
    let settings = ada.get(&removed.see_other()).await.page(200);
    settings.says(&["Passkey removed.", "No passkeys yet."]);
}
