//! The JSON API of accounts.

pub(crate) mod factors;

use domain::id::{SessionId, TokenId};
use http::StatusCode;
use http::header::SET_COOKIE;
use store::audit::{self, Entry};
use store::{sessions, tokens};
use ui::audit::AuditView;
use web::api::{self, PageOf};
use web::{Context, Problem, Response, json, respond, session};

use crate::account::json::{
    AccountView, ChangeAccountBody, CodeBody, CredentialsBody, EmailBody, MailSentView,
    NewEmailBody, NewPasswordBody, PasswordBody, ResetBody, SessionView, TokenBody, TokenView,
    display_name,
};
use crate::changes::{self, NewEmail};
use crate::credentials::{self, SignIn, SignedIn, SignedUp};
use crate::making;

pub(crate) fn create_account(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CredentialsBody = json::body(cx.request)?;
    match credentials::sign_up(cx, &body.email, &body.password)? {
        SignedUp::In(signed_in) => created(&signed_in),
        SignedUp::ByMail => mail_sent(),
    }
}

pub(crate) fn confirm_account(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CodeBody = json::body(cx.request)?;
    created(&credentials::confirm(cx, &body.code)?)
}

pub(crate) fn open_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CredentialsBody = json::body(cx.request)?;
    match credentials::sign_in(cx, &body.email, &body.password)? {
        SignIn::Done(signed_in) => created(&signed_in),
        SignIn::Waits(waiting) => respond::json(StatusCode::ACCEPTED, &waiting.view()),
    }
}

pub(crate) fn created(signed_in: &SignedIn) -> Result<Response, Problem> {
    let view = AccountView::new(&signed_in.identity);
    let response = respond::json(StatusCode::CREATED, &view)?;
    Ok(respond::with_header(response, SET_COOKIE, &signed_in.cookie))
}

fn mail_sent() -> Result<Response, Problem> {
    respond::json(StatusCode::ACCEPTED, &MailSentView::SENT)
}

pub(crate) fn show_account(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &AccountView::new(cx.account()?))
}

pub(crate) fn change_account(cx: &Context<'_>) -> Result<Response, Problem> {
    let identity = cx.session()?;
    let body: ChangeAccountBody = json::body(cx.request)?;
    let display_name = body.display_name.as_deref().map(display_name).transpose()?;
    changes::set_name(cx, display_name.as_deref())?;
    let view = AccountView { display_name, ..AccountView::new(identity) };
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn delete_account(cx: &Context<'_>) -> Result<Response, Problem> {
    cx.session()?;
    let body: PasswordBody = json::body(cx.request)?;
    changes::delete(cx, &body.password)?;
    Ok(signed_out(cx))
}

pub(crate) fn change_password(cx: &Context<'_>) -> Result<Response, Problem> {
    cx.session()?;
    let body: NewPasswordBody = json::body(cx.request)?;
    let cookie = changes::change_password(cx, &body.current_password, &body.password)?;
    Ok(respond::with_header(respond::no_content(), SET_COOKIE, &cookie))
}

pub(crate) fn change_email(cx: &Context<'_>) -> Result<Response, Problem> {
    let identity = cx.session()?;
    let body: NewEmailBody = json::body(cx.request)?;
    match changes::change_email(cx, &body.email, &body.password)? {
        NewEmail::Changed(email) => {
            let view = AccountView { email: email.to_string(), ..AccountView::new(identity) };
            respond::json(StatusCode::OK, &view)
        }
        NewEmail::ByMail => mail_sent(),
    }
}

pub(crate) fn confirm_email(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CodeBody = json::body(cx.request)?;
    changes::confirm_email(cx, &body.code)?;
    Ok(respond::no_content())
}

pub(crate) fn ask_reset(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: EmailBody = json::body(cx.request)?;
    changes::ask_reset(cx, &body.email)?;
    mail_sent()
}

pub(crate) fn reset_password(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ResetBody = json::body(cx.request)?;
    changes::reset(cx, &body.code, &body.password)?;
    Ok(respond::no_content())
}

pub(crate) fn close_session(cx: &Context<'_>) -> Result<Response, Problem> {
    credentials::sign_out(cx)?;
    Ok(signed_out(cx))
}

fn signed_out(cx: &Context<'_>) -> Response {
    let cookie = session::sign_out_cookie(cx.request);
    respond::with_header(respond::no_content(), SET_COOKIE, &cookie)
}

pub(crate) fn list_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    let identity = cx.account()?;
    let found = sessions::of_account(cx.db, identity.account, cx.now)?;
    let items = found.iter().map(|session| SessionView::new(session, identity)).collect();
    respond::json(StatusCode::OK, &PageOf { items, next_cursor: None })
}

pub(crate) fn end_session(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = SessionId::parse(cx.param("session")).ok_or_else(Problem::not_found)?;
    making::end_session(cx, account, id)?;
    Ok(respond::no_content())
}

pub(crate) fn end_other_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    making::end_other_sessions(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn create_token(cx: &Context<'_>) -> Result<Response, Problem> {
    // Only a session may do everything; a token could otherwise make a stronger one.
    cx.session()?;
    let body: TokenBody = json::body(cx.request)?;
    respond::json(StatusCode::CREATED, &making::create_token(cx, &body)?)
}

pub(crate) fn list_tokens(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = tokens::of_account(cx.db, cx.account()?.account, cx.now)?;
    let items = found.iter().map(TokenView::new).collect();
    respond::json(StatusCode::OK, &PageOf { items, next_cursor: None })
}

pub(crate) fn revoke_token(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let id = TokenId::parse(cx.param("token")).ok_or_else(Problem::not_found)?;
    making::revoke_token(cx, account, id)?;
    Ok(respond::no_content())
}

pub(crate) fn list_audit(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = audit::of_account(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |entry: &Entry| entry.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, AuditView::new))
}
