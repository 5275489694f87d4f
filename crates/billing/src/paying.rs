//! The operator pays farmers: payouts as a list, as a table to pay from, and step by step, for the
//! API and the page alike.

use domain::audit::Action;
use domain::id::PayoutId;
use domain::payout::PayoutState;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use store::payouts::{self, EXPORTED_MAX, Payout, PayoutAction};
use ui::done::Done;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form;
use web::{Context, Problem, Response, csv, json, respond};

use crate::payouts::json::{
    FailPayoutBody, PayoutView, SendPayoutBody, payout_id, payouts_table, state_asked,
};
use crate::payouts::page::{OperatorPayouts, PAYOUTS_PER_PAGE};

/// Where the page is.
const PAGE: &str = "/operator/payouts";

pub(crate) fn list_payouts(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, PayoutId::parse)?;
    let state = state_asked(cx.query("state").as_deref())?;
    let found = payouts::in_state(cx.db, state, behind, limit + 1)?;
    let place = |payout: &Payout| payout.life.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, PayoutView::new))
}

pub(crate) fn export(cx: &Context<'_>) -> Result<Response, Problem> {
    let approved = payouts::in_state(cx.db, PayoutState::Approved, None, EXPORTED_MAX)?;
    let table = payouts_table(&approved)?;
    let response = respond::answer(StatusCode::OK, csv::TYPE, table);
    let file = "attachment; filename=\"mycelium-payouts.csv\"";
    Ok(respond::with_header(response, CONTENT_DISPOSITION, file))
}

/// Does something to the payout of the path, and writes down who did.
fn act(cx: &Context<'_>, action: PayoutAction<'_>) -> Result<Payout, Problem> {
    let id = payout_id(cx.param("payout"))?;
    let payout = payouts::change(cx.db, id, action, cx.now)?;
    cx.audit(Action::PayoutChanged, Some(payout.life.account), &id.to_string())?;
    Ok(payout)
}

fn answer(cx: &Context<'_>, action: PayoutAction<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &PayoutView::new(&act(cx, action)?))
}

pub(crate) fn approve(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, PayoutAction::Approve)
}

pub(crate) fn send(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: SendPayoutBody = json::body(cx.request)?;
    answer(cx, PayoutAction::Send(&body.read()?))
}

pub(crate) fn finish(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, PayoutAction::Finish)
}

pub(crate) fn fail(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: FailPayoutBody = json::body(cx.request)?;
    answer(cx, PayoutAction::Fail(&body.read()?))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    let state = state_asked(cx.query("state").as_deref())?;
    respond::page(StatusCode::OK, &list(cx, state)?)
}

fn list(cx: &Context<'_>, state: PayoutState) -> Result<OperatorPayouts, Problem> {
    let visit = Visit::of(cx)?;
    let behind = api::cursor(cx, PayoutId::parse)?;
    let found = payouts::in_state(cx.db, state, behind, PAYOUTS_PER_PAGE + 1)?;
    Ok(OperatorPayouts::new(&visit, state, &payouts::counts(cx.db)?, found))
}

pub(crate) fn approve_form(cx: &Context<'_>) -> Result<Response, Problem> {
    lead_back(cx, PayoutState::Requested, act(cx, PayoutAction::Approve))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let send = |body: SendPayoutBody| act(cx, PayoutAction::Send(&body.read()?));
    lead_back(cx, PayoutState::Approved, form::body(cx.request).and_then(send))
}

pub(crate) fn finish_form(cx: &Context<'_>) -> Result<Response, Problem> {
    lead_back(cx, PayoutState::Sent, act(cx, PayoutAction::Finish))
}

pub(crate) fn fail_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let fail = |body: FailPayoutBody| act(cx, PayoutAction::Fail(&body.read()?));
    lead_back(cx, PayoutState::Requested, form::body(cx.request).and_then(fail))
}

/// Goes on to where the payout is now, or shows why nothing was done in the list of a state.
fn lead_back(
    cx: &Context<'_>,
    state: PayoutState,
    done: Result<Payout, Problem>,
) -> Result<Response, Problem> {
    match done {
        Ok(payout) => {
            let state = payout.life.state.into_str();
            let path = format!("{PAGE}?state={state}");
            Ok(respond::see_other(&Done::PayoutChanged.at(&path)))
        }
        Err(problem) => form::refused(problem, |problem| Ok(list(cx, state)?.refused(problem))),
    }
}
