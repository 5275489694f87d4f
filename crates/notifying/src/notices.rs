//! Notifications, and what somebody is told in which way.

pub(crate) mod json;
pub(crate) mod page;

use http::StatusCode;
use store::notices::{self, Notice};
use ui::done::Done;
use ui::visit::Visit;
use web::form::Form;
use web::{Context, Problem, Response, api, respond};

use crate::notices::json::{ChoicesBody, ChoicesView, NotificationsView, ReadBody, UnreadView};
use crate::notices::page::{NOTICES_PER_PAGE, NoticeSettings, Notices, read_choices};

/// The notifications of who asks, behind the request's cursor, and up to where they are read.
fn found(cx: &Context<'_>, limit: u32) -> Result<(Vec<Notice>, i64), Problem> {
    let account = cx.account()?.account;
    let before = api::cursor(cx, |text| text.parse().ok().filter(|id: &i64| *id > 0))?;
    let found = notices::list(cx.db, account, before, limit + 1)?;
    Ok((found, notices::read_up_to(cx.db, account)?))
}

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let (found, read_up_to) = found(cx, limit)?;
    let unread = notices::unread(cx.db, cx.account()?.account)?;
    let page = NotificationsView::new(found, limit, read_up_to, unread);
    respond::json(StatusCode::OK, &page)
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::live(cx)?;
    let (found, read_up_to) = found(cx, NOTICES_PER_PAGE)?;
    respond::page(StatusCode::OK, &Notices::new(&visit, found, read_up_to))
}

pub(crate) fn read(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ReadBody = web::json::body(cx.request)?;
    let account = cx.account()?.account;
    notices::mark_read(cx.db, account, body.read()?)?;
    let unread = notices::unread(cx.db, account)?;
    respond::json(StatusCode::OK, &UnreadView { unread })
}

pub(crate) fn mark_read(cx: &Context<'_>) -> Result<Response, Problem> {
    let through = Form::read(cx.request).text("through").parse().unwrap_or(0);
    let read = ReadBody { through }.read()?;
    notices::mark_read(cx.db, cx.account()?.account, read)?;
    Ok(respond::see_other(&Done::NoticesRead.at("/dashboard/notifications")))
}

pub(crate) fn show_choices(cx: &Context<'_>) -> Result<Response, Problem> {
    let choices = notices::choices(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &ChoicesView::new(&choices))
}

pub(crate) fn set_choices(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ChoicesBody = web::json::body(cx.request)?;
    let account = cx.account()?.account;
    let choices = body.apply(notices::choices(cx.db, account)?)?;
    notices::choose(cx.db, account, &choices)?;
    respond::json(StatusCode::OK, &ChoicesView::new(&choices))
}

pub(crate) fn settings(cx: &Context<'_>) -> Result<Response, Problem> {
    let choices = notices::choices(cx.db, cx.account()?.account)?;
    respond::page(StatusCode::OK, &NoticeSettings::new(&Visit::of(cx)?, &choices))
}

pub(crate) fn save_settings(cx: &Context<'_>) -> Result<Response, Problem> {
    let choices = read_choices(&Form::read(cx.request));
    notices::choose(cx.db, cx.account()?.account, &choices)?;
    Ok(respond::see_other(&Done::ChoicesSaved.at("/dashboard/notifications/settings")))
}
