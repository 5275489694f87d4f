//! T22: what becomes of tokens when a password changes.

use serde_json::json;
use stage::{ADA, Caller, Stage};
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::tokens;
use web::session;

use crate::{PASSWORD, ask, send, set_password};

const NEW_PASSWORD: &str = "other words of my own";

/// ADA with a password, and a program and an agent of hers.
fn with_tokens(stage: &Stage) -> [Caller<'_>; 2] {
    set_password(stage, &[ADA]);
    ["read", "agent"].map(|scope| stage.as_token(ADA, scope))
}

/// The id of a token, by its name.
fn id(stage: &Stage, name: &str) -> String {
    let found = tokens::of_account(&stage.db, ADA.account(), stage.now()).unwrap();
    found.into_iter().find(|token| token.name == name).unwrap().id.to_string()
}

/// Whether a token works: if so, it only lacks the scope.
fn works(token: &Caller<'_>) -> bool {
    token.get(accounts::ROUTES, "/api/account").status() != 401
}

fn mailed_code(stage: &Stage) {
    let challenge = NewChallenge {
        hash: &session::hash("the code"),
        kind: ChallengeKind::PasswordReset,
        account: Some(ADA.account()),
        payload: b"",
    };
    challenges::open(&stage.db, &challenge, stage.now()).unwrap();
}

#[test]
fn a_new_password_ends_every_token_that_its_owner_does_not_keep() {
    let stage = Stage::without_nodes();
    let [program, agent] = with_tokens(&stage);
    assert!(works(&program) && works(&agent));
    let change = |keep: &[&str]| {
        let body = json!({
            "current_password": PASSWORD, "password": NEW_PASSWORD, "keep_tokens": keep,
        });
        stage.as_user(ADA).post(accounts::ROUTES, "/api/account/password", body)
    };
    assert_eq!(change(&["x"]).wrong_fields(), ["keep_tokens"]);
    assert!(works(&program) && works(&agent));
    assert_eq!(change(&[&id(&stage, "agent")]).status(), 204);
    assert!(!works(&program) && works(&agent));
}

#[test]
fn a_new_password_ends_all_tokens_if_nothing_is_said_of_them() {
    let stage = Stage::without_nodes();
    let [program, agent] = with_tokens(&stage);
    let body = json!({ "current_password": PASSWORD, "password": NEW_PASSWORD });
    let done = stage.as_user(ADA).post(accounts::ROUTES, "/api/account/password", body);
    assert_eq!(done.status(), 204);
    assert!(!works(&program) && !works(&agent));

    let stage = Stage::without_nodes();
    let [program, agent] = with_tokens(&stage);
    mailed_code(&stage);
    let body = json!({ "code": "the code", "password": NEW_PASSWORD });
    let done = stage.as_visitor().post(accounts::ROUTES, "/api/account/reset/confirm", body);
    assert_eq!(done.status(), 204);
    assert!(!works(&program) && !works(&agent));
}

#[test]
fn a_reset_by_mail_shows_tokens_to_keep() {
    let stage = Stage::without_nodes();
    let [program, agent] = with_tokens(&stage);
    let kept = id(&stage, "agent");
    mailed_code(&stage);
    let visitor = stage.as_visitor();
    let page = ask(&visitor, "/reset/confirm?code=the%20code").html(200);
    assert!(page.contains(&kept) && page.contains("sets up no machines"), "{page}");
    // A code that does nothing shows nobody's tokens.
    let other = ask(&visitor, "/reset/confirm?code=another").html(200);
    assert!(!other.contains("keep_tokens"), "{other}");
    // What was chosen stays chosen if the password is refused.
    let fields = [("code", "the code"), ("password", "short"), ("keep_tokens", kept.as_str())];
    let again = send(&visitor, "/reset/confirm", &fields).html(400);
    assert!(again.contains(&format!("value=\"{kept}\" checked")), "{again}");
    assert!(works(&program));
    let fields = [("code", "the code"), ("password", NEW_PASSWORD), fields[2]];
    send(&visitor, "/reset/confirm", &fields).see_other();
    assert!(!works(&program) && works(&agent));
}

#[test]
fn the_settings_ask_which_tokens_to_keep() {
    let stage = Stage::without_nodes();
    let [program, agent] = with_tokens(&stage);
    let kept = id(&stage, "read");
    let page = ask(&stage.as_user(ADA), "/dashboard/settings/security").html(200);
    assert!(page.contains("Keep these API tokens") && page.contains(&kept), "{page}");
    let fields = [
        ("current_password", PASSWORD),
        ("password", NEW_PASSWORD),
        ("keep_tokens", kept.as_str()),
    ];
    send(&stage.as_user(ADA), "/dashboard/settings/password", &fields).see_other();
    assert!(works(&program) && !works(&agent));
}
