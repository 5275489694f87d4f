//! Webhooks of an account, for the API and the pages alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::id::{DeliveryId, WebhookId};
use http::StatusCode;
use store::webhooks::{self, Delivery, NewWebhook, Webhook};
use ui::done::Done;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond};

use crate::message::{Reach, Secret, parse_url, test_body};
use crate::webhooks::json::{
    DeliveryView, WebhookBody, WebhookWithSecret, WebhooksView, delivery_id, webhook_id,
};
use crate::webhooks::page::{DELIVERIES_PER_PAGE, WebhookPage, WebhookSecret, Webhooks};

const LIST: &str = "/dashboard/notifications/webhooks";

/// Adds a webhook, and answers it with its secret.
fn add(cx: &Context<'_>, url: &str) -> Result<(Webhook, Secret), Problem> {
    let account = cx.account()?.account;
    let reach = Reach::read(|name| cx.variable(name)).map_err(Problem::internal)?;
    let url = parse_url("url", url, reach)?;
    let id = WebhookId::from_random(cx.now, cx.random.id());
    let secret = Secret::new(cx.random.bytes());
    let sealed = secret.seal(&cx.keys()?, id, cx.random.bytes()).map_err(Problem::internal)?;
    let new = NewWebhook { id, account, url: &url, sealed: &sealed };
    if !webhooks::add(cx.db, &new, cx.now)? {
        return Err(Problem::plain(Kind::TooManyWebhooks));
    }
    cx.audit(Action::WebhookAdded, Some(account), &id.to_string())?;
    let webhook = Webhook { id, url, created_at: cx.now, failing_since: None, disabled_at: None };
    Ok((webhook, secret))
}

/// The webhook that the path names.
fn own(cx: &Context<'_>) -> Result<(Webhook, Vec<u8>), Problem> {
    let id = webhook_id(cx.param("webhook"))?;
    webhooks::find(cx.db, cx.account()?.account, id)?.ok_or_else(Problem::not_found)
}

/// Makes a new secret for the webhook that the path names.
fn rotate(cx: &Context<'_>) -> Result<(Webhook, Secret), Problem> {
    let account = cx.account()?.account;
    let (webhook, sealed) = own(cx)?;
    let keys = cx.keys()?;
    let old = Secret::open(&keys, webhook.id, &sealed).map_err(Problem::internal)?;
    let secret = old.rotated(cx.random.bytes(), cx.now);
    let new = secret.seal(&keys, webhook.id, cx.random.bytes()).map_err(Problem::internal)?;
    if !webhooks::rotate(cx.db, account, webhook.id, &sealed, &new)? {
        // Somebody has made another one at this very moment, or removed the webhook.
        return Err(Problem::plain(Kind::Busy));
    }
    cx.audit(Action::WebhookSecretRotated, Some(account), &webhook.id.to_string())?;
    Ok((webhook, secret))
}

fn remove(cx: &Context<'_>) -> Result<(), Problem> {
    let (id, account) = (webhook_id(cx.param("webhook"))?, cx.account()?.account);
    if !webhooks::remove(cx.db, account, id)? {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(Action::WebhookRemoved, Some(account), &id.to_string())?)
}

/// Makes a test for the webhook that the path names; `notifier` sends it.
fn test(cx: &Context<'_>) -> Result<Delivery, Problem> {
    let (webhook, account) = (webhook_id(cx.param("webhook"))?, cx.account()?.account);
    let id = DeliveryId::from_random(cx.now, cx.random.id());
    let body = test_body(webhook, cx.now);
    webhooks::make_test(cx.db, account, webhook, id, &body, cx.now)?.ok_or_else(Problem::not_found)
}

fn replay(cx: &Context<'_>) -> Result<(), Problem> {
    let webhook = webhook_id(cx.param("webhook"))?;
    let delivery = delivery_id(cx.param("delivery"))?;
    let is_there = webhooks::replay(cx.db, cx.account()?.account, webhook, delivery, cx.now)?;
    if is_there { Ok(()) } else { Err(Problem::not_found()) }
}

/// The messages to a webhook, behind the request's cursor.
fn messages(cx: &Context<'_>, webhook: WebhookId, limit: u32) -> Result<Vec<Delivery>, Problem> {
    let before = api::cursor(cx, DeliveryId::parse)?;
    let account = cx.account()?.account;
    Ok(webhooks::deliveries(cx.db, account, webhook, before, limit + 1)?)
}

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = webhooks::of_account(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &WebhooksView::new(&found))
}

pub(crate) fn add_one(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: WebhookBody = web::json::body(cx.request)?;
    let (webhook, secret) = add(cx, &body.url)?;
    respond::json(StatusCode::CREATED, &WebhookWithSecret::new(&webhook, &secret))
}

pub(crate) fn remove_one(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn rotate_secret(cx: &Context<'_>) -> Result<Response, Problem> {
    let (webhook, secret) = rotate(cx)?;
    respond::json(StatusCode::OK, &WebhookWithSecret::new(&webhook, &secret))
}

pub(crate) fn test_one(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::CREATED, &DeliveryView::new(&test(cx)?))
}

pub(crate) fn list_deliveries(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let (webhook, _) = own(cx)?;
    let found = messages(cx, webhook.id, limit)?;
    let place = |delivery: &Delivery| delivery.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, DeliveryView::new))
}

pub(crate) fn replay_one(cx: &Context<'_>) -> Result<Response, Problem> {
    replay(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Webhooks, Problem> {
    let found = webhooks::of_account(cx.db, cx.account()?.account)?;
    Ok(Webhooks::new(&Visit::of(cx)?, &found))
}

pub(crate) fn add_from_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body: WebhookBody| add(cx, &body.url)) {
        Ok((webhook, secret)) => {
            let page = WebhookSecret::new(&Visit::of(cx)?, &webhook, &secret, false);
            respond::page(StatusCode::CREATED, &page)
        }
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.refused(&form, problem))),
    }
}

pub(crate) fn one_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::live(cx)?;
    let (webhook, _) = own(cx)?;
    let found = messages(cx, webhook.id, DELIVERIES_PER_PAGE)?;
    respond::page(StatusCode::OK, &WebhookPage::new(&visit, &webhook, found))
}

pub(crate) fn rotate_from_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let (webhook, secret) = rotate(cx)?;
    let page = WebhookSecret::new(&Visit::of(cx)?, &webhook, &secret, true);
    respond::page(StatusCode::OK, &page)
}

pub(crate) fn remove_from_page(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::see_other(&Done::WebhookRemoved.at(LIST)))
}

pub(crate) fn test_from_page(cx: &Context<'_>) -> Result<Response, Problem> {
    test(cx)?;
    Ok(redirect(cx, Done::WebhookTested))
}

pub(crate) fn replay_from_page(cx: &Context<'_>) -> Result<Response, Problem> {
    replay(cx)?;
    Ok(redirect(cx, Done::Replayed))
}

/// The form did its work: the browser goes on to the webhook, which says so.
fn redirect(cx: &Context<'_>, done: Done) -> Response {
    respond::see_other(&done.at(&format!("{LIST}/{}", cx.param("webhook"))))
}
