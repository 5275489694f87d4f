//! What a farmer's renters were credited for broken promises, and what the farmer says against it,
//! for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::id::DisputeId;
use domain::level::{DisputeSide, parse_words};
use http::StatusCode;
use store::disputes::{self, Key, NewDispute};
use store::levels::{self, Cursor, Judged};
use ui::done::Done;
use ui::sla::CREDITS_PER_PAGE;
use ui::sla_json::{DisputeBody, JudgedView, key, parse_cursor, print_cursor};
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{Form, belongs_to_form};
use web::{Context, Problem, Response, respond};

use crate::credits::page::Credits;

/// Where the page is.
const PAGE: &str = "/dashboard/farm/credits";

pub(crate) fn list_credits(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, parse_cursor)?;
    let found = levels::of_farmer(cx.db, cx.whole_farm()?.account, behind, limit + 1)?;
    let place = |judged: &Judged| print_cursor(Cursor::after(judged));
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, JudgedView::new))
}

/// Disputes the month that the path names; the first stay where none is named.
fn dispute(cx: &Context<'_>, stay: Option<u32>, words: &str) -> Result<Judged, Problem> {
    let farmer = cx.whole_farm()?.account;
    let key: Key = key(cx.param("rental"), cx.param("month"), stay.unwrap_or(1))?;
    let id = DisputeId::from_random(cx.now, cx.random.id());
    let new = NewDispute { id, key, side: DisputeSide::Farmer, account: farmer, words };
    disputes::begin(cx.db, &new, cx.now)?;
    let judged = disputes::judged(cx.db, key, DisputeSide::Farmer, farmer)?;
    judged.ok_or_else(Problem::not_found)
}

pub(crate) fn dispute_credit(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: DisputeBody = web::json::body(cx.request)?;
    let judged = dispute(cx, body.stay(), &body.read()?)?;
    respond::json(StatusCode::CREATED, &JudgedView::new(&judged))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Credits, Problem> {
    let visit = Visit::of(cx)?;
    let behind = api::cursor(cx, parse_cursor)?;
    let farmer = cx.whole_farm()?.account;
    let found = levels::of_farmer(cx.db, farmer, behind, CREDITS_PER_PAGE + 1)?;
    Ok(Credits::new(&visit, found))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let words = parse_words("text", form.text("text")).map_err(Problem::from);
    let stay = form.text("stay").parse().ok();
    match words.and_then(|words| dispute(cx, stay, &words)) {
        Ok(_) => Ok(respond::see_other(&Done::Disputed.at(PAGE))),
        Err(problem) if belongs_to_form(&problem) => {
            let path = cx.request.uri().path();
            let page = own_page(cx)?.not_disputed(&form, &problem, path);
            respond::page(problem.kind.status(), &page)
        }
        Err(problem) => Err(problem),
    }
}
