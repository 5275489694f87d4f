//! The settings of an account: a page of forms, each of which does one thing and leads back.

pub(crate) mod activity;
pub(crate) mod browser;
pub(crate) mod page;

use domain::id::{SessionId, TokenId};
use http::StatusCode;
use store::{audit, payouts, sessions, tokens};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::route::{SETTINGS, see_other_with_cookie};
use web::{Context, Problem, Response, api, respond, session};

use crate::account::json::{
    ChangeAccountBody, NewEmailBody, NewPasswordBody, PasswordBody, display_name,
};
use crate::changes::{self, NewEmail};
use crate::making;
use crate::pages::factors::of_settings;
use crate::settings::activity::{ACTIVITY_PER_PAGE, Activity};
use crate::settings::page::{Settings, TokenCreated};

pub(crate) fn settings(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_settings(cx)?)
}

fn own_settings(cx: &Context<'_>) -> Result<Settings, Problem> {
    let account = cx.session()?.account;
    let sessions = sessions::of_account(cx.db, account, cx.now)?;
    let tokens = tokens::of_account(cx.db, account, cx.now)?;
    let earnings = payouts::funds(cx.db, account, cx.now)?.balance;
    Ok(Settings::new(&Visit::of(cx)?, of_settings(cx)?, &sessions, &tokens, earnings))
}

pub(crate) fn change_email(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let change = |body: NewEmailBody| changes::change_email(cx, &body.email, &body.password);
    match form.body().and_then(change) {
        Ok(NewEmail::Changed(_)) => Ok(respond::see_other(&Done::EmailChanged.at(SETTINGS))),
        Ok(NewEmail::ByMail) => Ok(respond::see_other("/mail-sent")),
        Err(problem) => refused(cx, problem, |page, problem| page.email_refused(&form, problem)),
    }
}

pub(crate) fn change_name(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body| set_name(cx, &body)) {
        Ok(()) => Ok(respond::see_other(&Done::NameSet.at(SETTINGS))),
        Err(problem) => refused(cx, problem, |page, problem| page.name_refused(&form, problem)),
    }
}

/// Sets the name; an empty one is none.
fn set_name(cx: &Context<'_>, body: &ChangeAccountBody) -> Result<(), Problem> {
    let name = body.display_name.as_deref().filter(|text| !text.trim().is_empty());
    changes::set_name(cx, name.map(display_name).transpose()?.as_deref())
}

pub(crate) fn change_password(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let NewPasswordBody { current_password, password, keep_tokens } = form.body()?;
    match changes::change_password(cx, &current_password, &password, &keep_tokens) {
        Ok(cookie) => Ok(see_other_with_cookie(&Done::PasswordChanged.at(SETTINGS), &cookie)),
        Err(problem) => refused(cx, problem, |page, problem| page.password_refused(&form, problem)),
    }
}

pub(crate) fn end_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = SessionId::parse(cx.param("session")).ok_or_else(Problem::not_found)?;
    making::end_session(cx, account, id)?;
    Ok(respond::see_other(&Done::SessionEnded.at(SETTINGS)))
}

pub(crate) fn end_other_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    making::end_other_sessions(cx)?;
    Ok(respond::see_other(&Done::SessionsEnded.at(SETTINGS)))
}

/// Makes a token. The answer itself shows it: an address would be kept and sent on.
pub(crate) fn create_token(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let optional = ["farm_id", "spending_limit_usd", "expires_in_days"];
    let body = Form::read(cx.request).without_empty(&optional).body();
    match body.and_then(|body| making::create_token(cx, &body)) {
        Ok(made) => respond::page(StatusCode::CREATED, &TokenCreated::new(&Visit::of(cx)?, &made)),
        Err(problem) => refused(cx, problem, |page, problem| page.token_refused(&form, problem)),
    }
}

pub(crate) fn revoke_token(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = TokenId::parse(cx.param("token")).ok_or_else(Problem::not_found)?;
    making::revoke_token(cx, account, id)?;
    Ok(respond::see_other(&Done::TokenRevoked.at(SETTINGS)))
}

pub(crate) fn activity(cx: &Context<'_>) -> Result<Response, Problem> {
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let account = cx.session()?.account;
    let found = audit::of_account(cx.db, account, before, ACTIVITY_PER_PAGE + 1)?;
    respond::page(StatusCode::OK, &Activity::new(&Visit::of(cx)?, found))
}

pub(crate) fn delete(cx: &Context<'_>) -> Result<Response, Problem> {
    cx.session()?;
    let body: PasswordBody = form::body(cx.request)?;
    match changes::delete(cx, &body.password) {
        Ok(()) => {
            let cookie = session::sign_out_cookie(cx.request);
            Ok(see_other_with_cookie(&Done::AccountDeleted.at("/"), &cookie))
        }
        Err(problem) => refused(cx, problem, Settings::delete_refused),
    }
}

/// Shows the settings with why a form did nothing.
fn refused(
    cx: &Context<'_>,
    problem: Problem,
    show: impl FnOnce(Settings, &Problem) -> Settings,
) -> Result<Response, Problem> {
    form::refused(problem, |problem| Ok(show(own_settings(cx)?, problem)))
}
