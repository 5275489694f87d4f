//! The settings of an account, and the pages that lead through a mail: through the real forms.

use e2e::{Answer, Call, Client, Market, PASSWORD, Page};
use serde_json::{Value, json};

use crate::browser::Browser;

const ADA: &str = "ada@example.org";
const NEW: &str = "quite another few words";
const PROFILE: &str = "/dashboard/settings/profile";
const SECURITY: &str = "/dashboard/settings/security";
const TOKENS: &str = "/dashboard/settings/tokens";
const DELETE: &str = "/dashboard/settings/delete";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// A market, and Ada signed in.
async fn market() -> (Market, Browser) {
    let market = Market::start().await;
    let mut ada = Browser::new(&market);
    ada.sign_up(ADA).await;
    (market, ada)
}

/// Signs in by the API, as another browser does.
async fn sign_in(market: &Market, password: &str) -> Answer {
    let body = json!({ "email": ADA, "password": password });
    let call = Call::post("/api/account/sessions", &body).with("user-agent", FIREFOX);
    market.visitor().send(call).await
}

async fn signed_in(market: &Market) -> Client {
    let answer = sign_in(market, PASSWORD).await;
    answer.ok(201);
    market.visitor().with_cookie(&answer.cookie())
}

/// Fails unless a page shows no password and says where it is wrong.
#[track_caller]
fn check_refused(page: &Page, sentence: &str) {
    page.says(&[sentence]);
    for secret in [PASSWORD, NEW, "not this one"] {
        assert!(!page.html().contains(&format!("\"{secret}\"")), "{secret} is shown");
    }
    let focused = page.html().matches(" autofocus").count();
    assert_eq!(focused, 1, "the page opens where something is wrong");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_and_every_other_browser_is_out() {
    let (market, mut ada) = market().await;
    let other = signed_in(&market).await;
    let page = ada.open(SECURITY).await;
    let action = "/dashboard/settings/password";
    for (current, new, status, sentence) in [
        ("not this one", NEW, 403, "Incorrect password."),
        (PASSWORD, "short", 400, "At least 8 characters, at most 512 bytes."),
        (PASSWORD, "password1", 400, "A password that isn't on a list of common passwords"),
    ] {
        let fields = [("current_password", current), ("password", new)];
        let refused = ada.send(page.submit(action, &fields)).await;
        check_refused(&refused.page(status), sentence);
    }
    other.get("/api/account").await.ok(200);
    let fields = [("current_password", PASSWORD), ("password", NEW)];
    let (path, page) = ada.submit(&page, action, &fields).await;
    assert_eq!(path, "/dashboard/settings/security?done=password-changed");
    page.says(&["Password changed. All other browsers have been signed out.", "this browser"]);
    other.get("/api/account").await.problem(401, "not-signed-in");
    sign_in(&market, PASSWORD).await.problem(401, "wrong-credentials");
    sign_in(&market, NEW).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_changed_at_once_where_no_mail_is_sent() {
    let (market, mut ada) = market().await;
    market.sign_up("taken@example.org").await;
    let page = ada.open(PROFILE).await;
    page.says(&[ADA, "Takes effect immediately."]);
    let action = "/dashboard/settings/email";
    for (email, password, status, sentence) in [
        ("lovelace", PASSWORD, 400, "An email address, such as ada@example.org."),
        ("lovelace@example.org", "not this one", 403, "Incorrect password."),
        ("taken@example.org", PASSWORD, 409, "This email address already has an account."),
    ] {
        let fields = [("email", email), ("password", password)];
        let refused = ada.send(page.submit(action, &fields)).await.page(status);
        check_refused(&refused, sentence);
        assert!(refused.html().contains(&format!("value=\"{email}\"")), "what was typed is kept");
    }
    let fields = [("email", "Lovelace@Example.org"), ("password", PASSWORD)];
    let (path, page) = ada.submit(&page, action, &fields).await;
    assert_eq!(path, "/dashboard/settings/profile?done=email-changed");
    page.says(&["Email address changed.", "lovelace@example.org"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_named_and_ended() {
    let (market, mut ada) = market().await;
    let (one, two) = (signed_in(&market).await, signed_in(&market).await);
    let page = ada.open(SECURITY).await;
    page.says(&["Firefox on Linux", "this browser", "password only", "From 127.0.0.1, since"]);
    let sessions = ada.client.get("/api/account/sessions").await.ok(200);
    let own = sessions["items"].as_array().unwrap().iter().find(|s| s["is_current"] == true);
    let two_of_them = two.get("/api/account/sessions").await.ok(200);
    let second = two_of_them["items"].as_array().unwrap().iter().find(|s| s["is_current"] == true);
    let end = |session: &Value| {
        format!("/dashboard/settings/sessions/{}/end", session["id"].as_str().unwrap())
    };
    assert!(!page.html().contains(&end(own.unwrap())), "this browser signs out instead");

    let (path, page) = ada.submit(&page, &end(second.unwrap()), &[]).await;
    assert_eq!(path, "/dashboard/settings/security?done=session-ended");
    page.says(&["Browser signed out."]);
    two.get("/api/account").await.problem(401, "not-signed-in");
    one.get("/api/account").await.ok(200);

    let (_, page) = ada.submit(&page, "/dashboard/settings/sessions/end-others", &[]).await;
    page.says(&["All other browsers have been signed out."]);
    assert!(!page.words().contains("Sign out all others"), "there are none");
    one.get("/api/account").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_shown_once_and_revoked() {
    let (market, mut ada) = market().await;
    let page = ada.open(TOKENS).await;
    assert!(!page.html().contains("value=\"admin\""), "only an operator makes such a token");
    let action = "/dashboard/settings/tokens";
    let wrong = [
        ("name", ""),
        ("farm_id", "mine"),
        ("spending_limit_usd", "much"),
        ("expires_in_days", "soon"),
        ("scopes", "root"),
    ];
    let refused = ada.send(page.submit(action, &wrong)).await.page(400);
    refused.says(&[
        "1 to 80 visible characters on one line.",
        "A list of at least one of read, rent, farm, agent, admin.",
        "A grid farm ID above 0.",
        "A whole number of days, 1 to 365.",
    ]);
    for typed in ["value=\"mine\"", "value=\"much\"", "value=\"soon\""] {
        assert!(refused.html().contains(typed), "{typed} is kept");
    }

    let wish = [
        ("name", "backup <3"),
        ("scopes", "read"),
        ("scopes", "rent"),
        ("spending_limit_usd", "12.5"),
        ("expires_in_days", "7"),
    ];
    let made = ada.send(page.submit(action, &wish)).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let shown = made.page(201);
    let text = shown.html().split("id=\"token\" class=\"id\">").nth(1).unwrap();
    let token = text.split('<').next().unwrap();
    assert!(token.starts_with("myc_"), "{token}");
    let program = market.visitor().with_token(token);
    assert_eq!(program.get("/api/account").await.ok(200)["email"], ADA);

    let page = ada.open(TOKENS).await;
    assert!(!page.html().contains(token), "it is shown once");
    page.says(&["backup <3", &token[..8], "Scopes: read, rent; any farm. Spent $0.00 of $12.50."]);
    let tokens = ada.client.get("/api/account/tokens").await.ok(200);
    let id = tokens["items"][0]["id"].as_str().unwrap();
    let revoke = format!("/dashboard/settings/tokens/{id}/revoke");
    let (_, page) = ada.submit(&page, &revoke, &[]).await;
    page.says(&["Token revoked.", "No tokens yet."]);
    program.get("/api/account").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_another_session_changes_nothing() {
    let (market, ada) = market().await;
    let mut mallory = Browser::new(&market);
    mallory.sign_up("mallory@example.org").await;
    let before = ada.client.get("/api/account/tokens").await.text();
    let sessions = ada.client.get("/api/account/sessions").await.text();
    let mut victim = Browser::new(&market);
    victim.client = ada.client.clone();
    let token = [("name", "a"), ("scopes", "read")];
    let password = [("current_password", PASSWORD), ("password", NEW)];
    let email = [("email", "mallory2@example.org"), ("password", PASSWORD)];
    let delete = [("password", PASSWORD)];
    let (shown, refused) = ("so nothing was sent", "This form belongs to another session");
    for (page, action, fields, says) in [
        (PROFILE, "/dashboard/settings/email", &email[..], shown),
        (SECURITY, "/dashboard/settings/password", &password, refused),
        (TOKENS, TOKENS, &token, shown),
        (DELETE, DELETE, &delete, refused),
    ] {
        let foreign = mallory.open(page).await;
        victim.send(foreign.submit(action, fields)).await.page(403).says(&[says]);
        let without: Vec<_> = fields.iter().copied().chain([("form_token", "")]).collect();
        victim.send(foreign.submit(action, &without)).await.page(403);
    }
    let others = Call::form("/dashboard/settings/sessions/end-others", []);
    victim.send(others).await.page(403);
    assert_eq!(ada.client.get("/api/account/tokens").await.text(), before);
    assert_eq!(ada.client.get("/api/account/sessions").await.text(), sessions);
    sign_in(&market, PASSWORD).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_done_is_read_in_plain_words() {
    let (market, ada) = market().await;
    sign_in(&market, "not this one").await.problem(401, "wrong-credentials");
    market.credit(ADA, "5").await.ok(201);
    let page = ada.open("/dashboard/settings/activity").await;
    page.says(&["Account created You", "Failed sign-in Not signed in"]);
    page.says(&["Wallet credited", "127.0.0.1"]);
    assert!(!page.html().contains("cursor="), "there is one page");
    for _ in 0..50 {
        ada.client.post_empty("/api/account/sessions/end-others").await.ok(204);
    }
    let page = ada.open("/dashboard/settings/activity").await;
    let next = page.links().into_iter().find(|link| link.contains("cursor=")).unwrap();
    ada.open(&next).await.says(&["Account created"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_deleted_once_nothing_of_it_runs() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let mut ada = Browser::new(&market);
    ada.sign_up(ADA).await;
    market.credit(ADA, "30").await.ok(201);
    ada.client.rent("node32", 1).await.ok(201);
    let page = ada.open(DELETE).await;
    page.says(&["Your wallet balance of $5.00 is lost if you delete your account."]);
    let action = "/dashboard/settings/delete";
    let refused = ada.send(page.submit(action, &[("password", "not this one")])).await;
    check_refused(&refused.page(403), "Incorrect password.");
    let refused = ada.send(page.submit(action, &[("password", PASSWORD)])).await;
    check_refused(&refused.page(409), "The account is still in use.");
    ada.client.get("/api/account").await.ok(200);

    let mut bob = Browser::new(&market);
    bob.sign_up("bob@example.org").await;
    let page = bob.open(DELETE).await;
    let (path, page) = bob.submit(&page, action, &[("password", PASSWORD)]).await;
    assert_eq!(path, "/?done=account-deleted");
    page.says(&["Your account has been deleted.", "Sign in"]);
    let body = json!({ "email": "bob@example.org", "password": PASSWORD });
    let gone = market.visitor().post("/api/account/sessions", &body).await;
    gone.problem(401, "wrong-credentials");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farmer_says_where_to_be_paid_with_a_second_factor_only() {
    let (market, mut ada) = market().await;
    let path = "/dashboard/farm/payout";
    let page = ada.open(path).await;
    page.says(&["Not set", "To change the payout address, verify it's you", "Verify it's you"]);
    assert!(!page.html().contains("action=\"/dashboard/farm/payout\""));
    let body = json!({ "payout_address": "BE71 0961 2345 6769" });
    ada.client.put("/api/farm/payout", &body).await.problem(403, "verification-required");
    let token = ada.client.token(&["farm", "read"]).await;
    token.put("/api/farm/payout", &body).await.problem(403, "verification-required");
    assert_eq!(ada.client.get("/api/farm/payout").await.ok(200)["payout_address"], Value::Null);

    market.strengthen(&ada.client);
    let page = ada.open(path).await;
    let refused = ada.send(page.submit(path, &[("payout_address", " \u{202e} ")])).await.page(400);
    refused.says(&["1 to 200 visible characters on one line."]);
    let (to, page) = ada.submit(&page, path, &[("payout_address", "BE71 0961 2345 6769 ")]).await;
    assert_eq!(to, "/dashboard/farm/payout?done=payout-set");
    page.says(&["Payout address saved."]);
    assert!(page.html().contains("value=\"BE71 0961 2345 6769\""));
    let wallet = json!({ "payout_address": "wallet-7" });
    let set = ada.client.put("/api/farm/payout", &wallet).await.ok(200);
    assert_eq!((&set, ada.client.get("/api/farm/payout").await.ok(200)), (&wallet, wallet.clone()));
    let wrong = json!({ "payout_address": "" });
    let refused = ada.client.put("/api/farm/payout", &wrong).await;
    assert_eq!(refused.wrong_fields(), ["payout_address"]);
    ada.open("/dashboard/settings/activity").await.says(&["Payout address set You"]);
    token.get("/api/farm/payout").await.ok(200);
}

/// A market that sends mail to a folder.
async fn market_with_mail() -> (Market, Browser) {
    let market = Market::start_with_folder().await;
    let browser = Browser::new(&market);
    (market, browser)
}

/// Sends what is due, and answers the path of the link in the last mail to `to`.
async fn link(market: &Market, to: &str) -> String {
    market.run_mailer().await.unwrap();
    let list = market.dev_mail(None).await.text();
    let row = list.split("<tr>").find(|row| row.contains(to)).unwrap();
    let name = row.split("/dev/mail/").nth(1).unwrap().split('"').next().unwrap();
    let mail = market.dev_mail(Some(name)).await.text();
    let link = mail.lines().find_map(|line| line.trim_end().strip_prefix(&market.url()));
    link.unwrap_or_else(|| panic!("no link in {mail}")).to_owned()
}

/// Opens the link of a mail, which must not be sent on nor kept, and which changes nothing.
async fn open_link(browser: &Browser, path: &str) -> Page {
    let answer = browser.client.get(path).await;
    assert_eq!(answer.header("referrer-policy"), Some("strict-origin"), "{answer}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    assert_eq!(answer.header("etag"), None, "{answer}");
    answer.page(200)
}

/// Makes an account by way of its mail.
async fn sign_up_by_mail(market: &Market, browser: &mut Browser, email: &str) {
    let page = browser.open("/signup").await;
    let fields = [("email", email), ("password", PASSWORD)];
    let (path, page) = browser.submit(&page, "/signup", &fields).await;
    assert_eq!(path, "/mail-sent");
    page.says(&["Check your email", "works once and expires after 6 hours"]);
    let link = link(market, email).await;
    open_link(browser, &link).await;
    // Programs look at links, too: looking twice is fine.
    let page = open_link(browser, &link).await;
    let (path, page) = browser.submit(&page, "/signup/confirm", &[]).await;
    assert_eq!(path, "/marketplace/compute?done=signed-up");
    page.says(&["Your account is ready.", email]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_made_by_the_link_of_a_mail() {
    let (market, mut ada) = market_with_mail().await;
    sign_up_by_mail(&market, &mut ada, ADA).await;
    // Whoever asks for an address that is taken sees the same.
    let mut other = Browser::new(&market);
    let page = other.open("/signup").await;
    let fields = [("email", ADA), ("password", NEW)];
    assert_eq!(other.submit(&page, "/signup", &fields).await.0, "/mail-sent");

    let cut = other.client.get("/signup/confirm").await.page(403);
    cut.says(&["This code has expired", "Sign up again"]);
    let page = open_link(&other, "/signup/confirm?code=c0ffee").await;
    let over = other.send(page.submit("/signup/confirm", &[])).await.page(403);
    over.says(&["This code has expired", "Sign up again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_password_is_replaced_by_the_link_of_a_mail() {
    let (market, mut ada) = market_with_mail().await;
    sign_up_by_mail(&market, &mut ada, ADA).await;
    let mut there = Browser::new(&market);
    let login = there.open("/login").await;
    assert!(login.links().contains(&"/reset".to_owned()));
    let page = there.open("/reset").await;
    let refused = there.send(page.submit("/reset", &[("email", "ada")])).await.page(400);
    refused.says(&["An email address, such as ada@example.org."]);
    assert!(refused.html().contains("value=\"ada\""));
    for email in ["nobody@example.org", ADA] {
        let (path, _) = there.submit(&page, "/reset", &[("email", email)]).await;
        assert_eq!(path, "/mail-sent");
    }
    market.run_mailer().await.unwrap();
    let link = link(&market, ADA).await;
    assert!(link.starts_with("/reset/confirm?code="), "{link}");
    let page = open_link(&there, &link).await;
    let action = "/reset/confirm";
    let refused = there.send(page.submit(action, &[("password", "short")])).await.page(400);
    check_refused(&refused, "At least 8 characters");
    // A mistake does not use up the code.
    let (path, page) = there.submit(&refused, action, &[("password", NEW)]).await;
    assert_eq!(path, "/login?done=password-set");
    page.says(&["Password set. Sign in with your new password."]);
    ada.client.get("/api/account").await.problem(401, "not-signed-in");
    sign_in(&market, NEW).await.ok(201);
    let again = there.send(refused.submit(action, &[("password", PASSWORD)])).await.page(403);
    again.says(&["This code has expired", "Request a new link"]);
    sign_in(&market, NEW).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_is_changed_by_the_link_of_a_mail() {
    let (market, mut ada) = market_with_mail().await;
    sign_up_by_mail(&market, &mut ada, ADA).await;
    let page = ada.open(PROFILE).await;
    page.says(&["We'll send a confirmation link to this address."]);
    let fields = [("email", "lovelace@example.org"), ("password", PASSWORD)];
    let (path, _) = ada.submit(&page, "/dashboard/settings/email", &fields).await;
    assert_eq!(path, "/mail-sent");
    ada.open(PROFILE).await.says(&[ADA]);
    let link = link(&market, "lovelace@example.org").await;
    let page = open_link(&ada, &link).await;
    let (path, page) = ada.submit(&page, "/email/confirm", &[]).await;
    assert_eq!(path, "/dashboard/settings/profile?done=email-changed");
    page.says(&["Email address changed.", "lovelace@example.org"]);
    let mut there = Browser::new(&market);
    let over = open_link(&there, &link).await;
    let over = there.send(over.submit("/email/confirm", &[])).await.page(403);
    over.says(&["This code has expired", "Go to Settings"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_no_mail_is_sent_a_reset_says_so() {
    let market = Market::start().await;
    let mut visitor = Browser::new(&market);
    assert!(!visitor.open("/login").await.links().contains(&"/reset".to_owned()));
    let page = visitor.open("/reset").await;
    page.says(&["This marketplace doesn't send email", "contact the operator"]);
    assert!(!page.html().contains("action=\"/reset\""));
    let forged = Call::form("/reset", [("email", ADA)]);
    assert_eq!(visitor.send(forged).await.status, 409);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_limit_is_documented() {
    let market = Market::start().await;
    let page = Browser::new(&market).open("/docs/limits").await;
    for policy in web::limit::POLICIES {
        page.says(&[policy.name, policy.about]);
    }
    page.says(&["64 KiB", "127 levels", "sign-ins from one network address", "50 in 15 minutes"]);
    // What is said there is what holds.
    let most = "{\"email\":\"\",\"password\":\"".to_owned() + &"x".repeat(64 * 1024 - 26) + "\"}";
    assert_eq!(most.len(), 64 * 1024);
    let send = async |body: String| {
        let call = Call::new(http::Method::POST, "/api/account/sessions");
        market.visitor().send(call.with("content-type", "application/json").body(body)).await
    };
    send(most.clone()).await.problem(401, "wrong-credentials");
    send(most + " ").await.problem(413, "body-too-large");
    let nested = format!("{{\"email\":{}", "[".repeat(60_000));
    send(nested).await.problem(400, "malformed-request");
}
