//! The pages that lead through a mail. Opening one changes nothing: programs look at links, too.

use http::StatusCode;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::page::ErrorPage;
use web::route::see_other_with_cookie;
use web::{Context, Kind, Problem, Response, respond};

use crate::account::json::{CodeBody, EmailBody, ResetBody};
use crate::account::page::HOME;
use crate::codes::page::{ConfirmCode, MailSent, Reset, ResetConfirm};
use crate::settings::PROFILE;
use crate::{changes, credentials};

/// Where a new mail is to be had.
struct Again {
    url: &'static str,
    text: &'static str,
}

const SIGN_UP_AGAIN: Again = Again { url: "/signup", text: "Sign up again" };
const RESET_AGAIN: Again = Again { url: "/reset", text: "Request a new link" };
const CHANGE_AGAIN: Again = Again { url: PROFILE, text: "Go to Settings" };

pub(crate) fn mail_sent(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &MailSent::new(&Visit::of(cx)?))
}

pub(crate) fn sign_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let Some(code) = cx.query("code") else { return over(cx, &SIGN_UP_AGAIN) };
    respond::page(StatusCode::OK, &ConfirmCode::of_sign_up(&Visit::of(cx)?, &code))
}

pub(crate) fn confirm_sign_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CodeBody = form::body(cx.request)?;
    match credentials::confirm(cx, &body.code) {
        Ok(signed_in) => Ok(see_other_with_cookie(&Done::SignedUp.at(HOME), &signed_in.cookie)),
        Err(problem) => refused(cx, problem, &SIGN_UP_AGAIN),
    }
}

pub(crate) fn email(cx: &Context<'_>) -> Result<Response, Problem> {
    let Some(code) = cx.query("code") else { return over(cx, &CHANGE_AGAIN) };
    respond::page(StatusCode::OK, &ConfirmCode::of_email(&Visit::of(cx)?, &code))
}

pub(crate) fn confirm_email(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CodeBody = form::body(cx.request)?;
    match changes::confirm_email(cx, &body.code) {
        // The link may be opened in a browser that is not signed in.
        Ok(()) if cx.identity.is_none() => Ok(respond::see_other(&Done::EmailChanged.at("/login"))),
        Ok(()) => Ok(respond::see_other(&Done::EmailChanged.at(PROFILE))),
        Err(problem) => refused(cx, problem, &CHANGE_AGAIN),
    }
}

pub(crate) fn reset(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Reset::new(&Visit::of(cx)?))
}

pub(crate) fn ask_reset(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body: EmailBody| changes::ask_reset(cx, &body.email)) {
        Ok(()) => Ok(respond::see_other("/mail-sent")),
        Err(problem) => {
            form::refused(
                problem,
                |problem| Ok(Reset::new(&Visit::of(cx)?).refused(&form, problem)),
            )
        }
    }
}

pub(crate) fn reset_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let Some(code) = cx.query("code") else { return over(cx, &RESET_AGAIN) };
    let tokens = changes::tokens_of_reset(cx, &code)?;
    respond::page(StatusCode::OK, &ResetConfirm::new(&Visit::of(cx)?, &code, &tokens))
}

pub(crate) fn confirm_reset(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let ResetBody { code, password, keep_tokens } = form.body()?;
    match changes::reset(cx, &code, &password, &keep_tokens) {
        Ok(()) => Ok(respond::see_other(&Done::PasswordSet.at("/login"))),
        Err(problem) if problem.kind == Kind::InvalidFields => {
            let tokens = changes::tokens_of_reset(cx, &code)?;
            let page = ResetConfirm::new(&Visit::of(cx)?, &code, &tokens);
            let page = page.refused(&form, &problem);
            respond::page(problem.kind.status(), &page)
        }
        Err(problem) => refused(cx, problem, &RESET_AGAIN),
    }
}

/// A link without its code, such as one that a mail program has cut.
fn over(cx: &Context<'_>, again: &Again) -> Result<Response, Problem> {
    refused(cx, Problem::plain(Kind::ExpiredCode), again)
}

/// Says why a code did nothing, and where to get another one.
fn refused(cx: &Context<'_>, problem: Problem, again: &Again) -> Result<Response, Problem> {
    let page = match problem.kind {
        Kind::ExpiredCode => ErrorPage::new(cx, &problem).leading_to(again.url, again.text),
        Kind::EmailTaken => ErrorPage::new(cx, &problem).leading_to("/login", "Sign in"),
        _ => return Err(problem),
    };
    respond::page(problem.kind.status(), &page)
}
