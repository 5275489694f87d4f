//! A farmer's payouts: asked for, looked at and taken back, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::id::PayoutId;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use http::StatusCode;
use serde_json::json;
use store::payouts::{self, NewPayout, Payout, PayoutAction};
use store::responses::StoredResponse;
use ui::done::Done;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{self, Form, idempotency_key};
use web::{Context, Problem, Response, respond, stored};

use crate::payouts::json::{FarmPayoutView, RequestPayoutBody, payout_id};
use crate::payouts::page::{PAYOUTS_PER_PAGE, Payouts};

/// Where the page is.
const PAGE: &str = "/dashboard/farm/payouts";

pub(crate) fn list_payouts(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, PayoutId::parse)?;
    let found = payouts::of_account(cx.db, cx.whole_farm()?.account, before, limit + 1)?;
    let place = |payout: &Payout| payout.life.id.to_string();
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, place, FarmPayoutView::new),
    )
}

/// Asks for a payout, once for each key, and sends what `respond` makes of it. Only a session with
/// a second factor does: who has stolen a password or a token must not have the earnings sent to an
/// address that they have set elsewhere.
fn ask(
    cx: &Context<'_>,
    amount: Usd,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&Payout) -> StoredResponse,
) -> Result<Response, Problem> {
    cx.require_strong()?;
    let farmer = cx.session()?;
    stored::once(cx, key, &json!({ "amount": amount.micros() }), |intention| {
        let new = NewPayout {
            id: PayoutId::from_random(cx.now, cx.random.id()),
            account: farmer.account,
            email: &farmer.email,
            amount,
            min: cx.config.payout_min,
            intention,
        };
        Ok(payouts::request(cx.db, &new, respond, cx.now)?)
    })
}

pub(crate) fn request_payout(cx: &Context<'_>) -> Result<Response, Problem> {
    cx.require_strong()?;
    let body: RequestPayoutBody = web::json::body(cx.request)?;
    ask(cx, body.read()?, idempotency_key(cx)?, &|payout| {
        let location = format!("/api/farm/payouts/{}", payout.life.id);
        stored::json(StatusCode::CREATED, &FarmPayoutView::new(payout), location)
    })
}

pub(crate) fn show_payout(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = payout_id(cx.param("payout"))?;
    let found = payouts::find(cx.db, Some(cx.whole_farm()?.account), id)?;
    let payout = found.ok_or_else(Problem::not_found)?;
    respond::json(StatusCode::OK, &FarmPayoutView::new(&payout))
}

fn withdraw(cx: &Context<'_>) -> Result<Payout, Problem> {
    let id = payout_id(cx.param("payout"))?;
    Ok(payouts::change(cx.db, id, PayoutAction::Cancel(cx.whole_farm()?.account), cx.now)?)
}

pub(crate) fn cancel_payout(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &FarmPayoutView::new(&withdraw(cx)?))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Payouts, Problem> {
    let visit = Visit::live(cx)?;
    let account = cx.whole_farm()?.account;
    let before = api::cursor(cx, PayoutId::parse)?;
    let found = payouts::of_account(cx.db, account, before, PAYOUTS_PER_PAGE + 1)?;
    let funds = payouts::funds(cx.db, account, cx.now)?;
    let unproven = payouts::unproven(cx.db, account)?;
    Ok(Payouts::new(&visit, funds, &unproven, cx.config.payout_min, found))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let try_ask = |body: RequestPayoutBody| {
        let respond = |_: &_| stored::see_other(Done::PayoutRequested.at(PAGE));
        ask(cx, body.read()?, Some(form.idempotency_key()?), &respond)
    };
    match form.body().and_then(try_ask) {
        Ok(response) => Ok(response),
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.refused(&form, problem))),
    }
}

pub(crate) fn take_back(cx: &Context<'_>) -> Result<Response, Problem> {
    match withdraw(cx) {
        Ok(_) => Ok(respond::see_other(&Done::PayoutCanceled.at(PAGE))),
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.not_canceled(problem))),
    }
}
