//! Tokens with a ceiling: it binds what they set in motion, too.

use domain::recurring::RENEW;
use http::Method;
use serde_json::{Value, json};
use stage::{ADA, Answer, BEN, Caller, Stage};
use store::Db;

use crate::{RENT, rented, slice};

const OVER: &str = "over-token-spending-limit";

fn renews(caller: &Caller<'_>, rental: &str, months: u32, max_price: &str) -> Answer {
    let renewal = json!({ "duration_months": months, "max_price": max_price });
    caller.call(renting::ROUTES, Method::PATCH, rental, json!({ "auto_renew": renewal }))
}

fn spent(stage: &Stage) -> i64 {
    let db: &dyn Db = &stage.db;
    db.one("SELECT sum(spent_micros) / 1000000 FROM tokens", &[]).unwrap()
}

fn events(stage: &Stage, kind: &str) -> i64 {
    let db: &dyn Db = &stage.db;
    db.one("SELECT count(*) FROM events WHERE kind = ?1", &[kind.into()]).unwrap()
}

fn detail(problem: &Value) -> &str {
    problem["detail"].as_str().unwrap()
}

#[test]
fn a_token_sets_no_renewal_beyond_its_ceiling() {
    let stage = Stage::market();
    let (rental, other) = (rented(&stage), rented(&stage));
    let bot = stage.as_limited_token(ADA, "rent", "30");
    let refused = renews(&bot, &rental, 12, "500").problem(403, OVER);
    assert_eq!(
        detail(&refused),
        "this token can spend only $30.00 more, and one renewal can cost up to $5100.00; lower \
         max_price, choose a shorter term, or set auto-renew without this token"
    );
    let dry = json!({
        "auto_renew": { "duration_months": 12, "max_price": "25" }, "dry_run": true
    });
    let dry_run = bot.call(renting::ROUTES, Method::PATCH, &rental, dry);
    assert!(detail(&dry_run.problem(403, OVER)).contains("up to $255.00"));
    let shown = stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200);
    assert_eq!(shown["auto_renew"], Value::Null);
    // One fits, and what is left of it then is little.
    renews(&bot, &rental, 1, "25").ok(200);
    renews(&bot, &rental, 1, "30").ok(200);
    assert!(detail(&renews(&bot, &other, 1, "25").problem(403, OVER)).contains("only $0.00 more"));
    // What its owner sets is not the token's, and nor is what a token without a ceiling does.
    renews(&stage.as_user(ADA), &rental, 12, "500").ok(200);
    renews(&bot, &other, 1, "25").ok(200);
    bot.call(renting::ROUTES, Method::PATCH, &rental, json!({ "name": "mine" })).ok(200);
    renews(&bot, &rental, 1, "25").problem(403, OVER);
    let off = json!({ "auto_renew": { "duration_months": 0 } });
    bot.call(renting::ROUTES, Method::PATCH, &other, off).ok(200);
    renews(&bot, &rental, 1, "25").ok(200);
    stage.check_invariants();
}

#[test]
fn a_renewal_counts_against_the_token_that_set_it() {
    let stage = Stage::market();
    let rental = rented(&stage);
    renews(&stage.as_limited_token(ADA, "rent", "30"), &rental, 1, "25").ok(200);
    let renewed_after = |days| {
        stage.pass(days);
        stage.run(renting::JOBS, &RENEW).unwrap();
        (stage.balance(ADA), spent(&stage), events(&stage, "renewal-failed"))
    };
    assert_eq!(renewed_after(30), ("50.00".to_owned(), 25, 0));
    // The second one would be more than the token may spend, and its owner is told.
    assert_eq!(renewed_after(31), ("50.00".to_owned(), 25, 1));
    renews(&stage.as_user(ADA), &rental, 1, "25").ok(200);
    assert_eq!(renewed_after(0), ("25.00".to_owned(), 25, 1));
    stage.check_invariants();
}

#[test]
fn a_renewal_ends_with_the_token_that_set_it() {
    let stage = Stage::market();
    let rental = rented(&stage);
    renews(&stage.as_limited_token(ADA, "rent", "100"), &rental, 1, "25").ok(200);
    let db: &dyn Db = &stage.db;
    db.run("DELETE FROM tokens", &[]).unwrap();
    stage.pass(30);
    stage.run(renting::JOBS, &RENEW).unwrap();
    assert_eq!((stage.balance(ADA), events(&stage, "renewal-failed")), ("75.00".to_owned(), 1));
    // A name is no renewal: it stays with the token.
    let name = json!({ "name": "mine" });
    stage.as_user(ADA).call(renting::ROUTES, Method::PATCH, &rental, name).ok(200);
    stage.run(renting::JOBS, &RENEW).unwrap();
    assert_eq!(stage.balance(ADA), "75.00");
    renews(&stage.as_user(ADA), &rental, 1, "25").ok(200);
    stage.run(renting::JOBS, &RENEW).unwrap();
    assert_eq!(stage.balance(ADA), "50.00");
    stage.check_invariants();
}

#[test]
fn a_token_holds_no_more_than_its_ceiling() {
    let stage = Stage::market();
    let bot = stage.as_limited_token(ADA, "rent", "30");
    let hold = |count: u32| {
        let body = json!({
            "node_id": "node32", "count": count, "duration_months": 1, "hold": true
        });
        bot.post(renting::ROUTES, "/api/marketplace/quotes", body)
    };
    hold(2).problem(403, OVER);
    hold(1).ok(201);
    hold(4).problem(402, "insufficient-funds");
    stage.check_invariants();
}

/// Nobody without money holds anything, however often they ask.
#[test]
fn an_empty_wallet_holds_nothing() {
    let stage = Stage::three_slices();
    let hold = |whole: bool| {
        let mut body = json!({ "node_id": "node32", "duration_months": 1, "hold": true });
        body["whole_node"] = whole.into();
        stage.as_user(BEN).post(renting::ROUTES, "/api/marketplace/quotes", body)
    };
    let refused = hold(true).problem(402, "insufficient-funds");
    assert_eq!((&refused["total_cost"], &refused["missing"]), (&json!("75.00"), &json!("75.00")));
    stage.pass_seconds(301);
    hold(false).problem(402, "insufficient-funds");
    assert_eq!(events(&stage, "slice-rented"), 0);
    stage.check_invariants();
}

#[test]
fn a_token_gives_away_no_more_than_its_ceiling() {
    let stage = Stage::market();
    let (ada, ben) = (stage.as_user(ADA), stage.as_user(BEN));
    let rental = rented(&stage);
    let offers = |caller: &Caller<'_>, rental: &str| {
        let url = format!("{rental}/transfer");
        caller.post(renting::ROUTES, &url, json!({ "email": BEN.email }))
    };
    let accepts = |rental: &str| {
        let url = format!("{}/accept", rental.replace("/rentals/", "/transfers/"));
        ben.post(renting::ROUTES, &url, json!({}))
    };
    let poor = stage.as_limited_token(ADA, "rent", "24.99");
    let refused = offers(&poor, &rental).problem(403, OVER);
    assert_eq!(
        detail(&refused),
        "this token can spend only $24.99 more, and the rental has $25.00 of prepaid time; \
         transfer it without this token"
    );
    let dry = json!({ "email": BEN.email, "dry_run": true });
    poor.post(renting::ROUTES, &format!("{rental}/transfer"), dry).problem(403, OVER);
    // What is worth more by the time that it is taken is not taken.
    let bot = stage.as_limited_token(ADA, "rent", "30");
    offers(&bot, &rental).ok(201);
    let month = json!({ "duration_months": 1 });
    ada.post(renting::ROUTES, &format!("{rental}/extend"), month).ok(201);
    assert_eq!(ben.get(renting::ROUTES, "/api/transfers").ok(200), json!([]));
    accepts(&rental).problem(404, "not-found");
    offers(&ada, &rental).ok(201);
    accepts(&rental).ok(200);
    assert_eq!(spent(&stage), 0);
    // What is taken counts.
    let answer = ada.post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    let second = format!("/api/rentals/{}", answer["rental"]["id"].as_str().unwrap());
    offers(&bot, &second).ok(201);
    accepts(&second).ok(200);
    assert_eq!(spent(&stage), 25);
    bot.post(renting::ROUTES, RENT, slice(32, 1)).problem(403, OVER);
    stage.check_invariants();
}
