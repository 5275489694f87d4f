//! Whoever guesses keeps nobody out but themselves.

use factors::recovery::RecoveryCode;
use serde_json::json;
use stage::{ADA, Answer, BEN, Caller, Stage};
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::factors as kept;
use web::session;

use crate::{PASSWORD, set_password};

const SESSIONS: &str = "/api/account/sessions";
const OWN: &str = "198.51.100.7";
const NEW_PASSWORD: &str = "other words of my own";

fn at<'a>(stage: &'a Stage, address: &str) -> Caller<'a> {
    stage.as_visitor().header("spin-client-addr", &format!("{address}:4711"))
}

fn sign_in(who: &Caller<'_>, email: &str, password: &str) -> Answer {
    who.post(accounts::ROUTES, SESSIONS, json!({ "email": email, "password": password }))
}

/// The browser keeps the cookies of an answer, but for the session's.
fn keep_device<'a>(who: &Caller<'a>, answer: &Answer) -> Caller<'a> {
    let cookies = answer.headers().get_all("set-cookie").iter();
    let mut names = cookies.map(|cookie| cookie.to_str().unwrap().split(';').next().unwrap());
    let device = names.find(|cookie| cookie.starts_with("device-")).expect("a device's cookie");
    who.clone().header("cookie", device)
}

/// Wrong passwords from so many addresses that no stranger can sign in.
fn guess_from_everywhere(stage: &Stage, email: &str) {
    for host in 1..=10 {
        for _ in 0..10 {
            let address = format!("192.0.2.{host}");
            sign_in(&at(stage, &address), email, "a wrong guess").problem(401, "wrong-credentials");
        }
    }
    sign_in(&at(stage, OWN), email, PASSWORD).problem(429, "too-many-requests");
}

fn with_password() -> Stage {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA, BEN]);
    stage
}

/// T3.
#[test]
fn item_33_a_hundred_wrong_passwords_from_one_address_keep_nobody_else_out() {
    let stage = with_password();
    for _ in 0..100 {
        let answer = sign_in(&at(&stage, "192.0.2.1"), ADA.email, "a wrong guess");
        assert!(matches!(answer.status(), 401 | 429), "{answer}");
    }
    sign_in(&at(&stage, "192.0.2.1"), ADA.email, PASSWORD).problem(429, "too-many-requests");
    sign_in(&at(&stage, "192.0.2.2"), ADA.email, PASSWORD).ok(201);
    // Nor from other accounts at their own address.
    sign_in(&at(&stage, "192.0.2.1"), BEN.email, PASSWORD).ok(201);
}

#[test]
fn item_33_a_browser_of_the_owner_is_let_in_whatever_others_try() {
    let stage = with_password();
    let browser = at(&stage, OWN);
    let first = sign_in(&browser, ADA.email, PASSWORD);
    let known = keep_device(&browser, &first);
    let of_ben = keep_device(&browser, &sign_in(&browser, BEN.email, PASSWORD));
    guess_from_everywhere(&stage, ADA.email);
    sign_in(&known, ADA.email, PASSWORD).ok(201);
    // It is known for this account only, and as it was signed only.
    sign_in(&of_ben, ADA.email, PASSWORD).problem(429, "too-many-requests");
    let cookie =
        first.headers().get_all("set-cookie").iter().next_back().unwrap().to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
    let forged = cookie.split(';').next().unwrap().replace(".0.", ".1.");
    let liar = browser.clone().header("cookie", &forged);
    sign_in(&liar, ADA.email, PASSWORD).problem(429, "too-many-requests");
    // It gets as many guesses as anybody.
    for _ in 0..10 {
        sign_in(&known, ADA.email, "a wrong guess").problem(401, "wrong-credentials");
    }
    sign_in(&known, ADA.email, PASSWORD).problem(429, "too-many-requests");
}

#[test]
fn a_reset_by_mail_opens_the_way_and_ends_what_browsers_were_known() {
    let stage = with_password();
    let browser = at(&stage, OWN);
    let thief = at(&stage, "192.0.2.66");
    let thief = keep_device(&thief, &sign_in(&thief, ADA.email, PASSWORD));
    guess_from_everywhere(&stage, ADA.email);
    let challenge = NewChallenge {
        hash: &session::hash("the code"),
        kind: ChallengeKind::PasswordReset,
        account: Some(ADA.account()),
        payload: b"",
    };
    challenges::open(&stage.db, &challenge, stage.now()).unwrap();
    let body = json!({ "code": "the code", "password": NEW_PASSWORD });
    let done = browser.post(accounts::ROUTES, "/api/account/reset/confirm", body);
    assert_eq!(done.status(), 204, "{done}");
    sign_in(&at(&stage, "198.51.100.8"), ADA.email, NEW_PASSWORD).ok(201);
    let known = keep_device(&browser, &done);
    for host in 1..=10 {
        for _ in 0..10 {
            sign_in(&at(&stage, &format!("203.0.113.{host}")), ADA.email, "a wrong guess");
        }
    }
    sign_in(&thief, ADA.email, NEW_PASSWORD).problem(429, "too-many-requests");
    sign_in(&known, ADA.email, NEW_PASSWORD).ok(201);
}

/// Whoever has the password guesses codes: the owner's browser has shown one.
#[test]
fn wrong_codes_from_elsewhere_keep_no_owner_out() {
    let stage = with_password();
    let codes: Vec<_> = (1..=3).map(|nth| RecoveryCode::from_random([nth; 10])).collect();
    let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
    let (account, now) = (ADA.account(), stage.now());
    assert!(kept::begin_totp(&stage.db, account, b"sealed", now).unwrap());
    assert!(kept::confirm_totp(&stage.db, account, b"sealed", 1, &hashes, now).unwrap());
    let finish = |who: &Caller<'_>, code: &str| {
        let waiting = sign_in(who, ADA.email, PASSWORD).ok(202);
        let body = json!({ "challenge": waiting["challenge"], "code": code });
        who.post(accounts::ROUTES, "/api/account/sessions/second-factor", body)
    };
    let browser = at(&stage, OWN);
    let known = keep_device(&browser, &finish(&browser, &codes[0].text()));
    for _ in 0..10 {
        finish(&at(&stage, "192.0.2.1"), "AAAA-AAAA-AAAA-AAAA").problem(401, "wrong-code");
    }
    finish(&browser, &codes[1].text()).problem(429, "too-many-requests");
    finish(&known, &codes[1].text()).ok(201);
    // A browser that knows the password only gets no guesses of its own.
    let reset = stage.as_user(ADA).post(
        accounts::ROUTES,
        "/api/account/sessions/verify",
        json!({ "code": "AAAA-AAAA-AAAA-AAAA" }),
    );
    reset.problem(429, "too-many-requests");
}

#[test]
fn mails_of_one_kind_do_not_use_up_another() {
    let stage = with_password().with("mail_transport", "folder");
    let stage = stage.with("public_url", "https://mycelium.example");
    let visitor = at(&stage, "192.0.2.1");
    let sign_up = || {
        let body = json!({ "email": ADA.email, "password": NEW_PASSWORD });
        visitor.post(accounts::ROUTES, "/api/account", body)
    };
    let reset = |who: &Caller<'_>| {
        who.post(accounts::ROUTES, "/api/account/reset", json!({ "email": ADA.email }))
    };
    let browser = at(&stage, OWN);
    let known = keep_device(&browser, &sign_in(&browser, ADA.email, PASSWORD));
    for _ in 0..5 {
        sign_up().ok(202);
    }
    sign_up().problem(429, "too-many-requests");
    for _ in 0..5 {
        reset(&visitor).ok(202);
    }
    reset(&browser).problem(429, "too-many-requests");
    reset(&known).ok(202);
}

#[test]
fn a_token_that_runs_away_stops_neither_other_tokens_nor_the_browser() {
    let stage = with_password();
    let path = "/api/account/tokens/none";
    let runaway = stage.as_token(ADA, "read");
    let other = stage.as_token(ADA, "read");
    let change = |who: &Caller<'_>| who.delete(accounts::ROUTES, path).status();
    for nth in 0..1_300 {
        assert_eq!(change(&runaway), if nth < 600 { 403 } else { 429 }, "{nth}");
    }
    assert_eq!(change(&other), 403);
    assert_eq!(change(&stage.as_user(ADA)), 404);
    // Not all of an account's tokens together stop who would revoke them.
    while change(&other) != 429 {}
    assert_eq!(change(&stage.as_user(ADA)), 404);
    // Nor does whoever has no account.
    while change(&stage.as_visitor()) != 429 {}
    assert_eq!(change(&stage.as_user(ADA)), 404);
}

#[test]
fn wrong_passwords_in_a_stolen_session_keep_no_owner_from_confirming() {
    let stage = with_password();
    let verify = |who: &Caller<'_>, password| {
        let body = json!({ "password": password });
        who.post(accounts::ROUTES, "/api/account/sessions/verify", body)
    };
    for _ in 0..10 {
        verify(&stage.as_user(ADA), "a wrong guess").problem(403, "wrong-password");
    }
    verify(&stage.as_user(ADA), PASSWORD).problem(429, "too-many-requests");
    let own = sign_in(&at(&stage, OWN), ADA.email, PASSWORD);
    let cookie = own.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    verify(&at(&stage, OWN).header("cookie", cookie), PASSWORD).ok(200);
}

/// T10.
#[test]
fn a_clock_that_was_a_day_ahead_keeps_nobody_out() {
    let stage = with_password();
    let visitor = at(&stage, OWN);
    stage.pass(1);
    sign_in(&visitor, ADA.email, "a wrong guess").problem(401, "wrong-credentials");
    stage.pass(-1);
    sign_in(&visitor, ADA.email, PASSWORD).ok(201);
}
