//! How often somebody may try, and how the answer says so.

use e2e::{Answer, Call, Market, PASSWORD};
use gridproxy::{Documents, Standin};
use serde_json::json;

const ADA: &str = "ada@example.org";
/// Where clients' addresses are in these tests.
const PROXY: &str = "x-forwarded-for";

/// A market behind a proxy that is trusted.
async fn behind_a_proxy() -> Market {
    let grid = Standin::start(Documents::default()).await.unwrap();
    Market::start_with(grid, [("client_address_header", PROXY)]).await
}

async fn sign_in(market: &Market, email: &str, password: &str, from: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    let call = Call::post("/api/account/sessions", &body).with(PROXY, from);
    market.visitor().send(call).await
}

/// The shortest time that a log tells of such an answer, in milliseconds.
fn fastest(log: &str, answer: &str) -> u64 {
    let times = log.lines().filter_map(|line| line.split_once(answer)?.1.split_once("ms"));
    times.map(|(millis, _)| millis.parse().unwrap()).min().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_33_guessing_is_slowed_and_nobody_is_locked_out_for_good() {
    let market = behind_a_proxy().await;
    market.sign_up(ADA).await;
    // Signing in rightly costs nothing of the limit.
    for _ in 0..12 {
        sign_in(&market, ADA, PASSWORD, "192.0.2.1").await.ok(201);
    }
    for _ in 0..10 {
        sign_in(&market, ADA, "a guess or two", "192.0.2.1")
            .await
            .problem(401, "wrong-credentials");
    }
    let before = market.log("account").len();
    let refused = sign_in(&market, ADA, PASSWORD, "192.0.2.1").await;
    let wait = refused.problem(429, "too-many-requests")["retry_after_seconds"].as_i64().unwrap();
    assert_eq!(refused.header("retry-after"), Some(wait.to_string().as_str()));
    assert!((1..=90).contains(&wait), "{wait}");
    assert!(refused.header("ratelimit").unwrap().contains("r=0"), "{refused}");
    for _ in 0..9 {
        sign_in(&market, ADA, PASSWORD, "192.0.2.1").await.problem(429, "too-many-requests");
    }
    // Past the limit no hash is computed: of ten answers each, the fastest shows it, whatever else
    // goes on.
    let log = market.log("account");
    let (guessed, refused) = log.split_at(before);
    let hashed = fastest(guessed, " 401 wrong-credentials ");
    let unhashed = fastest(refused, " 429 too-many-requests ");
    assert!(2 * unhashed < hashed, "{unhashed} ms, {hashed} ms with a hash\n{log}");
    // Its owner gets in from elsewhere meanwhile, and from here when the time is over.
    sign_in(&market, ADA, PASSWORD, "192.0.2.2").await.ok(201);
    market.pass(wait);
    sign_in(&market, ADA, PASSWORD, "192.0.2.1").await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_33_one_address_tries_only_so_many_accounts() {
    let market = behind_a_proxy().await;
    for number in 0..50 {
        let email = format!("user{number}@example.org");
        sign_in(&market, &email, "a guess or two", "192.0.2.1")
            .await
            .problem(401, "wrong-credentials");
    }
    let another = "user50@example.org";
    sign_in(&market, another, "a guess or two", "192.0.2.1")
        .await
        .problem(429, "too-many-requests");
    sign_in(&market, another, "a guess or two", "192.0.2.2")
        .await
        .problem(401, "wrong-credentials");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_26_what_a_client_says_of_its_address_counts_only_behind_a_proxy() {
    let lies = [
        ("x-forwarded-for", "198.51.100.1"),
        ("x-real-ip", "198.51.100.2"),
        ("forwarded", "for=198.51.100.3"),
        ("spin-client-addr", "198.51.100.4:1"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "gopher"),
    ];
    let market = Market::start().await;
    market.sign_up(ADA).await;
    for number in 0..11 {
        let body = json!({ "email": ADA, "password": "a guess or two" });
        let mut call = Call::post("/api/account/sessions", &body);
        for (name, value) in lies {
            call = call.with(name, &value.replace("100.", &format!("{number}.")));
        }
        let answer = market.visitor().send(call).await;
        assert_eq!(answer.status, if number < 10 { 401 } else { 429 }, "{answer}");
        assert!(!answer.text().contains("evil"), "{answer}");
    }
    let addresses =
        super::query(&market, "SELECT DISTINCT address FROM audit WHERE action LIKE 'sign-in%'");
    assert_eq!(addresses, "127.0.0.1");

    // Behind a proxy, what it adds counts, and what the client sent before it does not.
    let market = behind_a_proxy().await;
    market.sign_up(ADA).await;
    sign_in(&market, ADA, PASSWORD, "198.51.100.9, 192.0.2.7").await.ok(201);
    let addresses =
        super::query(&market, "SELECT DISTINCT address FROM audit WHERE action = 'sign-in'");
    assert!(addresses.ends_with("192.0.2.7") && !addresses.contains("198"), "{addresses}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_changes_too_much_waits_and_reads_on() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let token = ada.token(&["read", "rent"]).await;
    let first = token.rent("node1", 1).await;
    assert_eq!(first.header("ratelimit-policy"), Some("\"changes-by-token\";q=600;w=60"));
    assert_eq!(first.header("ratelimit"), Some("\"changes-by-token\";r=599;t=1"));
    for _ in 1..600 {
        token.rent("node1", 1).await;
    }
    let refused = token.rent("node1", 1).await;
    refused.problem(429, "too-many-requests");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let read = token.get("/api/wallet").await;
    read.ok(200);
    assert_eq!(read.header("ratelimit"), None);
    ada.rent("node1", 1).await.problem(404, "not-found");
    market.pass(1);
    token.rent("node1", 1).await.problem(404, "not-found");
}
