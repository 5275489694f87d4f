//! The JSON API of accounts.

use domain::account::Scopes;
use domain::field::FieldError;
use domain::id::TokenId;
use edge::Context;
use http::StatusCode;
use http::header::SET_COOKIE;
use store::accounts::{self, Identity, NewToken};
use web::api::account::{AccountView, CredentialsBody, TokenBody, TokenView};
use web::form::keep;
use web::session::{self, Secret, TOKEN_SECONDS};
use web::{Kind, Problem, Response, ambient, json, respond};

use crate::credentials::{self, SignedIn};

/// The longest name of a token.
const TOKEN_NAME_CHARS_MAX: usize = 80;

pub(crate) fn create_account(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CredentialsBody = json::body(cx.request)?;
    created(&credentials::sign_up(cx, &body.email, &body.password)?)
}

pub(crate) fn open_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CredentialsBody = json::body(cx.request)?;
    created(&credentials::sign_in(cx, &body.email, &body.password)?)
}

fn created(signed_in: &SignedIn) -> Result<Response, Problem> {
    let response = respond::json(StatusCode::CREATED, &show(&signed_in.identity))?;
    Ok(respond::with_header(response, SET_COOKIE, &signed_in.cookie))
}

fn show(identity: &Identity) -> AccountView {
    AccountView { id: identity.account.to_string(), email: identity.email.clone() }
}

pub(crate) fn show_account(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &show(cx.account()?))
}

pub(crate) fn close_session(cx: &Context<'_>) -> Result<Response, Problem> {
    session::close(cx.db, cx.request)?;
    let cookie = session::sign_out_cookie(cx.request);
    Ok(respond::with_header(respond::no_content(), SET_COOKIE, &cookie))
}

pub(crate) fn create_token(cx: &Context<'_>) -> Result<Response, Problem> {
    // Only a session may do everything; a token could otherwise make a stronger one.
    let identity = cx.account()?;
    if session::has_token(cx.request) {
        let detail = "a token makes no tokens: sign in with e-mail and password";
        return Err(Problem::new(Kind::MissingScope, detail));
    }
    let (name, scopes) = read_token(&json::body(cx.request)?)?;
    let secret = Secret::for_token();
    let id = TokenId::from_random(cx.now, ambient::random_id());
    let expires_at = cx.now.plus_seconds(TOKEN_SECONDS);
    let account = identity.account;
    let token = NewToken { id, hash: &secret.hash, account, name: &name, scopes, expires_at };
    if !accounts::create_token(cx.db, &token, cx.now)? {
        return Err(Problem::plain(Kind::TooManyTokens));
    }
    let view = TokenView {
        id: id.to_string(),
        token: secret.text,
        name,
        scopes: scopes.names().collect(),
        expires_at: expires_at.to_string(),
    };
    respond::json(StatusCode::CREATED, &view)
}

fn read_token(body: &TokenBody) -> Result<(String, Scopes), Problem> {
    let mut wrong = Vec::new();
    let name = body.name.trim();
    let length = name.chars().count();
    if !(1..=TOKEN_NAME_CHARS_MAX).contains(&length) || name.chars().any(char::is_control) {
        wrong.push(FieldError::new("name", "1 to 80 characters on one line"));
    }
    let scopes = keep(&mut wrong, Scopes::parse(body.scopes.iter().map(String::as_str)));
    match scopes {
        Some(scopes) if wrong.is_empty() => Ok((name.to_owned(), scopes)),
        _ => Err(Problem::fields(wrong)),
    }
}
