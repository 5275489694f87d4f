//! Months that were compared with their promise: a renter's, and the disputes that the operator
//! decides, for the API and the pages alike.

use domain::id::DisputeId;
use domain::level::{DisputeSide, parse_words};
use http::StatusCode;
use store::disputes::{self, Case, Key, NewDispute};
use store::levels::{self, Judged};
use web::api::levels::{
    CaseView, DecideBody, DisputeBody, JudgedView, MonthsView, dispute_id, key, read_decision,
};
use web::api::rentals::rental_id;
use web::api::{self, PageOf};
use web::audit::Action;
use web::form::Form;
use web::page::OperatorDisputes;
use web::view::{CREDITS_PER_PAGE, Done, Visit, belongs_to_form};
use web::{Context, Problem, Response, json, respond};

/// Where the operator's page is.
const PAGE: &str = "/operator/disputes";

pub(crate) fn list_months(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = rental_id(cx.param("rental"))?;
    crate::renting::own_rental(cx, id)?;
    let found = levels::of_rental(cx.db, cx.account()?.account, id)?;
    let view = MonthsView { items: found.iter().map(JudgedView::new).collect() };
    respond::json(StatusCode::OK, &view)
}

/// Disputes a month of the renter's rental that the path names: the stay, or the last one of it.
pub(crate) fn dispute(cx: &Context<'_>, stay: Option<u32>, words: &str) -> Result<Judged, Problem> {
    let (rental, month) = (cx.param("rental"), cx.param("month"));
    let renter = cx.account()?.account;
    let stay = match stay {
        Some(stay) => stay,
        None => last_stay(cx, key(rental, month, 1)?)?,
    };
    let key = key(rental, month, stay)?;
    let id = DisputeId::from_random(cx.now, cx.random.id());
    let new = NewDispute { id, key, side: DisputeSide::Renter, account: renter, words };
    disputes::begin(cx.db, &new, cx.now)?;
    let judged = disputes::judged(cx.db, key, DisputeSide::Renter, renter)?;
    judged.ok_or_else(Problem::not_found)
}

fn last_stay(cx: &Context<'_>, key: Key) -> Result<u32, Problem> {
    let found = levels::of_rental(cx.db, cx.account()?.account, key.rental)?;
    let last = found.iter().find(|judged| judged.subject.month == key.month);
    Ok(last.ok_or_else(Problem::not_found)?.subject.stay)
}

pub(crate) fn dispute_month(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: DisputeBody = json::body(cx.request)?;
    let judged = dispute(cx, body.stay(), &body.read()?)?;
    respond::json(StatusCode::CREATED, &JudgedView::new(&judged))
}

/// The same by the form on the page of the rental.
pub(crate) fn try_form(cx: &Context<'_>) -> Result<(), Problem> {
    let form = Form::read(cx.request);
    let words = parse_words("text", form.text("text"))?;
    dispute(cx, form.text("stay").parse().ok(), &words).map(drop)
}

pub(crate) fn list_disputes(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, DisputeId::parse)?;
    let found = disputes::open(cx.db, behind, limit + 1)?;
    let place = |case: &Case| case.dispute.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, CaseView::new))
}

/// Decides the dispute of the path, and writes down who did.
fn decide(cx: &Context<'_>, amount: domain::money::Usd, answer: &str) -> Result<Case, Problem> {
    let id = dispute_id(cx.param("dispute"))?;
    let case = disputes::decide(cx.db, id, amount, answer, cx.now)?;
    cx.audit(Action::DisputeDecided, Some(case.judged.subject.renter), &id.to_string())?;
    Ok(case)
}

pub(crate) fn decide_dispute(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: DecideBody = json::body(cx.request)?;
    let (amount, answer) = body.read()?;
    respond::json(StatusCode::OK, &CaseView::new(&decide(cx, amount, &answer)?))
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
    let form = Form::read(cx.request);
    let read = read_decision(form.text("credit_usd"), form.text("answer"));
    match read.and_then(|(amount, answer)| decide(cx, amount, &answer)) {
        Ok(_) => Ok(respond::see_other(&Done::DisputeDecided.at(PAGE))),
        Err(problem) if belongs_to_form(&problem) => {
            respond::page(problem.kind.status(), &open_cases(cx)?.refused(&problem))
        }
        Err(problem) => Err(problem),
    }
}
