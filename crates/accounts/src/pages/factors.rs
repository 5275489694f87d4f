//! The pages of second factors: the second step of signing in, confirming who one is, and setting
//! factors up. All of them but passkeys work without scripts.

use factors::qr;
use factors::totp::TotpSecret;
use http::StatusCode;
use http::header::SET_COOKIE;
use store::factors as kept;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form, belongs_to_form};
use web::route::SETTINGS;
use web::{Context, Problem, Response, respond};

use crate::account::page::HOME;
use crate::account::way_on::WayOn;
use crate::codes::{self, NewCodes};
use crate::second_factor::json::{
    AppCodeBody, SecondFactorBody, VerificationBody, parse_passkey_id,
};
use crate::second_factor::page::{Factors, RecoveryCodes, SecondFactor, TotpSetup, Verify};
use crate::settings::SECURITY;
use crate::{passkeys, verification};

/// Where an app that is being set up is shown.
const SETUP: &str = "/dashboard/settings/totp";

/// The step after the password, as the answer to it.
pub(crate) fn second_step(
    cx: &Context<'_>,
    waiting: &verification::Waiting,
    way_on: WayOn,
) -> Result<Response, Problem> {
    let page = SecondFactor::new(&Visit::of(cx)?, &waiting.challenge, waiting.factors, way_on);
    respond::page(StatusCode::OK, &page)
}

/// Nobody is there without a password: its form is where to begin.
#[expect(clippy::unnecessary_wraps, reason = "it is a handler")]
pub(crate) fn begin_again(_: &Context<'_>) -> Result<Response, Problem> {
    Ok(respond::see_other("/login"))
}

pub(crate) fn finish_sign_in(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let way_on = WayOn::of_form(&form);
    let SecondFactorBody { challenge, code } = form.body()?;
    match verification::finish(cx, &challenge, &code) {
        Ok(signed_in) => way_on.go(cx, HOME, &signed_in.cookie),
        Err(problem) => form::refused(problem, |problem| {
            let factors = verification::waiting(cx, &challenge)?;
            let page = SecondFactor::new(&Visit::of(cx)?, &challenge, factors, way_on);
            Ok(page.refused(problem))
        }),
    }
}

pub(crate) fn ask_verification(cx: &Context<'_>) -> Result<Response, Problem> {
    ask(cx, WayOn::of_query(cx))
}

/// Takes a form that needs a verification first.
pub(crate) fn keep_form(cx: &Context<'_>) -> Result<Response, Problem> {
    ask(cx, WayOn::of_redirect(cx))
}

fn ask(cx: &Context<'_>, way_on: WayOn) -> Result<Response, Problem> {
    let factors = kept::of_account(cx.db, cx.session()?.account)?;
    if !factors.are_required() && verification::require_recent(cx).is_ok() {
        // Who has just confirmed and is asked again lacks a factor.
        return Ok(respond::see_other(&Done::FactorNeeded.at(SECURITY)));
    }
    let page = Verify::new(&Visit::of(cx)?, factors, way_on);
    respond::page(StatusCode::OK, &page)
}

pub(crate) fn verify(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request).without_empty(&["password", "code"]);
    let way_on = WayOn::of_form(&form);
    let verify = |body: VerificationBody| verification::verify(cx, &body);
    match form.body().and_then(verify) {
        Ok(cookie) => way_on.go(cx, SETTINGS, &cookie),
        Err(problem) => form::refused(problem, |problem| {
            let factors = kept::of_account(cx.db, cx.session()?.account)?;
            Ok(Verify::new(&Visit::of(cx)?, factors, way_on).refused(problem))
        }),
    }
}

/// The part of the settings about second factors.
pub(crate) fn of_settings(cx: &Context<'_>) -> Result<Factors, Problem> {
    let account = cx.session()?.account;
    let factors = kept::of_account(cx.db, account)?;
    let passkeys = kept::passkeys(cx.db, account)?;
    Ok(Factors::new(factors, &passkeys, codes::note(cx)))
}

pub(crate) fn remove_passkey(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let id = parse_passkey_id(form.text("passkey")).ok_or_else(Problem::not_found)?;
    passkeys::remove(cx, &id)?;
    Ok(respond::see_other(&Done::PasskeyRemoved.at(SECURITY)))
}

pub(crate) fn begin_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    codes::begin(cx)?;
    Ok(respond::see_other(SETUP))
}

pub(crate) fn show_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    match codes::begun(cx)? {
        Some(secret) => respond::page(StatusCode::OK, &setup(cx, &secret)?),
        None => Ok(respond::see_other(SECURITY)),
    }
}

pub(crate) fn confirm_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: AppCodeBody = form::body(cx.request)?;
    match codes::confirm(cx, &body.code) {
        Ok((made, cookie)) => {
            let response = recovery_codes(cx, made)?;
            Ok(respond::with_header(response, SET_COOKIE, &cookie))
        }
        Err(problem) if belongs_to_form(&problem) => match codes::begun(cx)? {
            Some(secret) => {
                respond::page(problem.kind.status(), &setup(cx, &secret)?.refused(&problem))
            }
            None => Err(problem),
        },
        Err(problem) => Err(problem),
    }
}

pub(crate) fn remove_totp(cx: &Context<'_>) -> Result<Response, Problem> {
    codes::remove(cx)?;
    Ok(respond::see_other(&Done::TotpRemoved.at(SECURITY)))
}

pub(crate) fn make_recovery_codes(cx: &Context<'_>) -> Result<Response, Problem> {
    let made = codes::make_recovery_codes(cx)?;
    recovery_codes(cx, made)
}

fn recovery_codes(cx: &Context<'_>, made: NewCodes) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &RecoveryCodes::new(&Visit::of(cx)?, made.texts))
}

fn setup(cx: &Context<'_>, secret: &TotpSecret) -> Result<TotpSetup, Problem> {
    let too_long = || Problem::internal("the secret does not fit into a QR code");
    let url = secret.url().ok_or_else(too_long)?;
    let qr = qr::path(&url).ok_or_else(too_long)?;
    Ok(TotpSetup::new(&Visit::of(cx)?, (qr.size, qr.path), secret.text(), url))
}
