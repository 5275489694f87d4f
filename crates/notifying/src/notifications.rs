//! Notifications, and which notifications somebody gets through which channel.

pub(crate) mod json;
pub(crate) mod page;

use domain::notification::Side;
use http::StatusCode;
use store::notifications::{self, Notice};
use store::{farms, webhooks};
use ui::done::Done;
use ui::visit::Visit;
use web::api::PageOf;
use web::form;
use web::{Context, Problem, Response, api, respond};

use crate::notifications::json::{
    NotificationSettingsBody, NotificationSettingsView, NotificationView, NotificationsView,
    ReadBody, UnreadView,
};
use crate::notifications::page::{ChannelsForm, NOTICES_PER_PAGE, NoticeSettings, Notices, Reach};

/// The notifications of who asks, behind the request's cursor, and up to where they are read.
fn found(cx: &Context<'_>, limit: u32) -> Result<(Vec<Notice>, i64), Problem> {
    let account = cx.account()?.account;
    let before = api::cursor(cx, |text| text.parse().ok().filter(|id: &i64| *id > 0))?;
    let found = notifications::list(cx.db, account, before, limit + 1)?;
    Ok((found, notifications::read_up_to(cx.db, account)?))
}

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let (found, read_up_to) = found(cx, limit)?;
    let unread = notifications::unread(cx.db, cx.account()?.account)?;
    let place = |notice: &Notice| notice.event.id.to_string();
    let show = |notice: &Notice| NotificationView::new(notice, read_up_to);
    let page = PageOf::new(cx.search(), found, limit, place, show);
    let page = NotificationsView::new(page, unread);
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
    notifications::mark_read(cx.db, account, body.read()?)?;
    let unread = notifications::unread(cx.db, account)?;
    respond::json(StatusCode::OK, &UnreadView { unread })
}

pub(crate) fn mark_read(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ReadBody = form::body(cx.request)?;
    notifications::mark_read(cx.db, cx.account()?.account, body.read()?)?;
    Ok(respond::see_other(&Done::NotificationsRead.at("/dashboard/notifications")))
}

pub(crate) fn show_choices(cx: &Context<'_>) -> Result<Response, Problem> {
    let settings = notifications::settings(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &NotificationSettingsView::new(&settings))
}

pub(crate) fn set_choices(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: NotificationSettingsBody = web::json::body(cx.request)?;
    let account = cx.account()?.account;
    let settings = body.apply(notifications::settings(cx.db, account)?)?;
    notifications::choose(cx.db, account, &settings)?;
    respond::json(StatusCode::OK, &NotificationSettingsView::new(&settings))
}

pub(crate) fn settings(cx: &Context<'_>) -> Result<Response, Problem> {
    let settings = notifications::settings(cx.db, cx.account()?.account)?;
    respond::page(StatusCode::OK, &NoticeSettings::new(&Visit::of(cx)?, &settings, &reach(cx)?))
}

/// What who asks can be notified of, and how.
fn reach(cx: &Context<'_>) -> Result<Reach, Problem> {
    let account = cx.account()?.account;
    let is_farmer = farms::is_farmer(cx.db, account)?;
    Ok(Reach {
        side: if is_farmer { Side::Farmer } else { Side::Renter },
        has_mail: cx.config.has_mail,
        has_webhooks: !webhooks::of_account(cx.db, account)?.is_empty(),
    })
}

pub(crate) fn save_settings(cx: &Context<'_>) -> Result<Response, Problem> {
    let chosen: ChannelsForm = form::body(cx.request)?;
    let account = cx.account()?.account;
    let settings = chosen.apply(notifications::settings(cx.db, account)?, &reach(cx)?);
    notifications::choose(cx.db, account, &settings)?;
    Ok(respond::see_other(&Done::NotificationSettingsSaved.at("/dashboard/notifications/settings")))
}
