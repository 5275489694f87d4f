//! Disputes that the operator decides, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::id::DisputeId;
use http::StatusCode;
use store::disputes::{self, Case};
use ui::done::Done;
use ui::sla::CREDITS_PER_PAGE;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form;
use web::{Context, Problem, Response, respond};

use crate::disputes::json::{CaseView, DecideBody, dispute_id};
use crate::disputes::page::OperatorDisputes;

/// Where the operator's page is.
const PAGE: &str = "/operator/disputes";

pub(crate) fn list_disputes(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, DisputeId::parse)?;
    let found = disputes::open(cx.db, behind, limit + 1)?;
    let place = |case: &Case| case.dispute.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, CaseView::new))
}

/// Decides the dispute of the path, and writes down who did.
fn decide(cx: &Context<'_>, body: &DecideBody) -> Result<Case, Problem> {
    let (amount, answer) = body.read()?;
    let id = dispute_id(cx.param("dispute"))?;
    let case = disputes::decide(cx.db, id, amount, &answer, cx.now)?;
    cx.audit(Action::DisputeDecided, Some(case.sla_result.subject.renter), &id.to_string())?;
    Ok(case)
}

pub(crate) fn decide_dispute(cx: &Context<'_>) -> Result<Response, Problem> {
    let case = decide(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::OK, &CaseView::new(&case))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &open_cases(cx)?)
}

fn open_cases(cx: &Context<'_>) -> Result<OperatorDisputes, Problem> {
    let visit = Visit::of(cx)?;
    let behind = api::cursor(cx, DisputeId::parse)?;
    let found = disputes::open(cx.db, behind, CREDITS_PER_PAGE + 1)?;
    Ok(OperatorDisputes::new(&visit, found))
}

pub(crate) fn decide_form(cx: &Context<'_>) -> Result<Response, Problem> {
    match form::body(cx.request).and_then(|body| decide(cx, &body)) {
        Ok(_) => Ok(respond::see_other(&Done::DisputeDecided.at(PAGE))),
        Err(problem) => form::refused(problem, |problem| Ok(open_cases(cx)?.refused(problem))),
    }
}
