//! What a farmer's renters were credited for missed SLAs, and what the farmer says against it,
//! for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::evaluation::DisputeSide;
use domain::id::DisputeId;
use http::StatusCode;
use store::disputes::{self, Key, NewDispute};
use store::sla_results::{self, Cursor, SlaResult};
use ui::done::Done;
use ui::sla::CREDITS_PER_PAGE;
use ui::sla_json::{DisputeBody, SlaResultView, key, parse_cursor, print_cursor};
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::credits::page::Credits;

/// Where the page is.
const PAGE: &str = "/dashboard/farm/credits";

pub(crate) fn list_credits(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, parse_cursor)?;
    let found = sla_results::of_farmer(cx.db, cx.whole_farm()?.account, behind, limit + 1)?;
    let place = |sla_result: &SlaResult| print_cursor(Cursor::after(sla_result));
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, place, SlaResultView::new),
    )
}

/// Disputes the month that the path names; the first tenure where none is named.
fn dispute(cx: &Context<'_>, body: &DisputeBody) -> Result<SlaResult, Problem> {
    let words = body.read()?;
    let farmer = cx.whole_farm()?.account;
    let key: Key = key(cx.param("rental"), cx.param("month"), body.tenure().unwrap_or(1))?;
    let id = DisputeId::from_random(cx.now, cx.random.id());
    let new = NewDispute { id, key, side: DisputeSide::Farmer, account: farmer, words: &words };
    disputes::begin(cx.db, &new, cx.now)?;
    let sla_result = disputes::sla_result(cx.db, key, DisputeSide::Farmer, farmer)?;
    sla_result.ok_or_else(Problem::not_found)
}

pub(crate) fn dispute_credit(cx: &Context<'_>) -> Result<Response, Problem> {
    let sla_result = dispute(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &SlaResultView::new(&sla_result))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Credits, Problem> {
    let visit = Visit::of(cx)?;
    let behind = api::cursor(cx, parse_cursor)?;
    let farmer = cx.whole_farm()?.account;
    let found = sla_results::of_farmer(cx.db, farmer, behind, CREDITS_PER_PAGE + 1)?;
    Ok(Credits::new(&visit, found))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body| dispute(cx, &body)) {
        Ok(_) => Ok(respond::see_other(&Done::Disputed.at(PAGE))),
        Err(problem) => form::refused(problem, |problem| {
            Ok(own_page(cx)?.not_disputed(&form, problem, cx.request.uri().path()))
        }),
    }
}
