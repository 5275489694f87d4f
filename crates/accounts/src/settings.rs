//! The settings of an account: pages of forms, each of which does one thing and leads back.

pub(crate) mod activity;
pub(crate) mod browser;
pub(crate) mod page;
pub(crate) mod security;
pub(crate) mod tokens;

use domain::id::{SessionId, TokenId};
use http::StatusCode;
use store::{audit, payouts, sessions};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::route::see_other_with_cookie;
use web::{Context, Problem, Response, api, respond, session};

use crate::account::json::{
    ChangeAccountBody, NewEmailBody, NewPasswordBody, PasswordBody, display_name,
};
use crate::changes::{self, NewEmail};
use crate::making;
use crate::pages::factors::of_settings;
use crate::settings::activity::{ACTIVITY_PER_PAGE, Activity};
use crate::settings::page::{Deletion, Profile, Settings};
use crate::settings::security::Security;
use crate::settings::tokens::{TokenCreated, Tokens};

/// The page of the address and the display name.
pub(crate) const PROFILE: &str = "/dashboard/settings/profile";
/// The page of how somebody signs in.
pub(crate) const SECURITY: &str = "/dashboard/settings/security";
/// The page of API tokens.
pub(crate) const TOKENS: &str = "/dashboard/settings/tokens";
/// The page that deletes an account.
pub(crate) const DELETE: &str = "/dashboard/settings/delete";

pub(crate) fn settings(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Settings::new(&Visit::of(cx)?))
}

pub(crate) fn profile(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Profile::new(&Visit::of(cx)?))
}

pub(crate) fn security(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_security(cx)?)
}

fn own_security(cx: &Context<'_>) -> Result<Security, Problem> {
    let account = cx.session()?.account;
    let sessions = sessions::of_account(cx.db, account, cx.now)?;
    let tokens = store::tokens::of_account(cx.db, account, cx.now)?;
    Ok(Security::new(&Visit::of(cx)?, of_settings(cx)?, &sessions, &tokens))
}

pub(crate) fn tokens(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_tokens(cx)?)
}

fn own_tokens(cx: &Context<'_>) -> Result<Tokens, Problem> {
    let tokens = store::tokens::of_account(cx.db, cx.session()?.account, cx.now)?;
    Ok(Tokens::new(&Visit::of(cx)?, &tokens))
}

pub(crate) fn deletion(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_deletion(cx)?)
}

fn own_deletion(cx: &Context<'_>) -> Result<Deletion, Problem> {
    let earnings = payouts::funds(cx.db, cx.session()?.account, cx.now)?.balance;
    Ok(Deletion::new(&Visit::of(cx)?, earnings))
}

pub(crate) fn change_email(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let change = |body: NewEmailBody| changes::change_email(cx, &body.email, &body.password);
    match form.body().and_then(change) {
        Ok(NewEmail::Changed(_)) => Ok(respond::see_other(&Done::EmailChanged.at(PROFILE))),
        Ok(NewEmail::ByMail) => Ok(respond::see_other("/mail-sent")),
        Err(problem) => form::refused(problem, |problem| {
            Ok(Profile::new(&Visit::of(cx)?).email_refused(&form, problem))
        }),
    }
}

pub(crate) fn change_name(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body| set_name(cx, &body)) {
        Ok(()) => Ok(respond::see_other(&Done::NameSet.at(PROFILE))),
        Err(problem) => form::refused(problem, |problem| {
            Ok(Profile::new(&Visit::of(cx)?).name_refused(&form, problem))
        }),
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
        Ok(cookie) => Ok(see_other_with_cookie(&Done::PasswordChanged.at(SECURITY), &cookie)),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_security(cx)?.refused(&form, problem)))
        }
    }
}

pub(crate) fn end_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = SessionId::parse(cx.param("session")).ok_or_else(Problem::not_found)?;
    making::end_session(cx, account, id)?;
    Ok(respond::see_other(&Done::SessionEnded.at(SECURITY)))
}

pub(crate) fn end_other_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    making::end_other_sessions(cx)?;
    Ok(respond::see_other(&Done::SessionsEnded.at(SECURITY)))
}

/// Makes a token. The answer itself shows it: an address would be kept and sent on.
pub(crate) fn create_token(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let optional = ["farm_id", "spending_limit_usd", "expires_in_days"];
    let body = Form::read(cx.request).without_empty(&optional).body();
    match body.and_then(|body| making::create_token(cx, &body)) {
        Ok(made) => respond::page(StatusCode::CREATED, &TokenCreated::new(&Visit::of(cx)?, &made)),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_tokens(cx)?.refused(&form, problem)))
        }
    }
}

pub(crate) fn revoke_token(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = TokenId::parse(cx.param("token")).ok_or_else(Problem::not_found)?;
    making::revoke_token(cx, account, id)?;
    Ok(respond::see_other(&Done::TokenRevoked.at(TOKENS)))
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
        Err(problem) => form::refused(problem, |problem| Ok(own_deletion(cx)?.refused(problem))),
    }
}
