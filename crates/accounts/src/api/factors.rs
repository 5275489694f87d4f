//! The JSON API of second factors.

use domain::factor::PasskeyName;
use http::StatusCode;
use http::header::SET_COOKIE;
use store::factors;
use ui::done::Done;
use web::{Context, Problem, Response, confirmation, json, respond};

use crate::account::json::AccountView;
use crate::api::created;
use crate::second_factor::json::{
    AppCodeBody, FactorsView, NewPasskeyBody, PasskeyView, PasskeysView, RecoveryCodesView,
    SecondFactorBody, ShownPasskeyBody, TotpView, VerificationBody, parse_passkey_id, passkey_id,
};
use crate::{codes, passkeys, verification};

pub(crate) fn finish_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: SecondFactorBody = json::body(cx.request)?;
    created(&verification::finish(cx, &body.challenge, &body.code)?)
}

pub(crate) fn begin_passkey_sign_in(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &passkeys::begin_use(cx)?)
}

pub(crate) fn open_session_by_passkey(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ShownPasskeyBody = json::body(cx.request)?;
    created(&verification::sign_in_with_passkey(cx, &body)?)
}

pub(crate) fn verify_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let identity = cx.session()?;
    let body: VerificationBody = json::body(cx.request)?;
    let cookie = verification::verify(cx, &body)?;
    let response = respond::json(StatusCode::OK, &AccountView::new(identity))?;
    Ok(respond::with_header(response, SET_COOKIE, &cookie))
}

pub(crate) fn show_factors(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = factors::of_account(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &FactorsView::from(found))
}

pub(crate) fn list_passkeys(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = factors::passkeys(cx.db, cx.session()?.account)?;
    let passkeys = found.iter().map(PasskeyView::from).collect();
    respond::json(StatusCode::OK, &PasskeysView { passkeys })
}

pub(crate) fn begin_passkey(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &passkeys::begin_new(cx)?)
}

pub(crate) fn add_passkey(cx: &Context<'_>) -> Result<Response, Problem> {
    verification::require_recent(cx)?;
    let body: NewPasskeyBody = json::body(cx.request)?;
    let name = PasskeyName::parse(&body.name)?;
    let (id, cookie) = passkeys::add(cx, &body.challenge, &name, &body.credential)?;
    let view = PasskeyView {
        id: passkey_id(&id),
        name: name.as_str().to_owned(),
        created_at: cx.now.to_string(),
        used_at: None,
    };
    let response = respond::json(StatusCode::CREATED, &view)?;
    let response = respond::with_header(response, SET_COOKIE, &cookie);
    // A script has asked, and then opens the page that says so.
    Ok(confirmation::confirming(response, Done::PasskeyAdded.into()))
}

pub(crate) fn remove_passkey(cx: &Context<'_>) -> Result<Response, Problem> {
    verification::require_recent(cx)?;
    let id = parse_passkey_id(cx.param("passkey")).ok_or_else(Problem::not_found)?;
    passkeys::remove(cx, &id)?;
    Ok(respond::no_content())
}

pub(crate) fn begin_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    let secret = codes::begin(cx)?;
    let view = TotpView { secret: secret.text(), url: secret.url().unwrap_or_default() };
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn confirm_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    verification::require_recent(cx)?;
    let body: AppCodeBody = json::body(cx.request)?;
    let (made, cookie) = codes::confirm(cx, &body.code)?;
    let view = RecoveryCodesView { recovery_codes: made.texts };
    let response = respond::json(StatusCode::OK, &view)?;
    Ok(respond::with_header(response, SET_COOKIE, &cookie))
}

pub(crate) fn remove_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    codes::remove(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn make_recovery_codes(cx: &Context<'_>) -> Result<Response, Problem> {
    let made = codes::make_recovery_codes(cx)?;
    let view = RecoveryCodesView { recovery_codes: made.texts };
    respond::json(StatusCode::CREATED, &view)
}
