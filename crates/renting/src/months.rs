//! Months that were compared with their SLA, for the API and the page alike.

pub(crate) mod json;

use domain::evaluation::DisputeSide;
use domain::id::DisputeId;
use http::StatusCode;
use store::disputes::{self, Key, NewDispute};
use store::sla_results::{self, SlaResult};
use ui::ids::rental_id;
use ui::sla_json::{DisputeBody, SlaResultView, key};
use web::{Context, Problem, Response, respond};

use crate::months::json::MonthsView;

pub(crate) fn list_months(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = rental_id(cx.param("rental"))?;
    crate::renting::own_rental(cx, id)?;
    let found = sla_results::of_rental(cx.db, cx.account()?.account, id)?;
    let view = MonthsView { items: found.iter().map(SlaResultView::new).collect() };
    respond::json(StatusCode::OK, &view)
}

/// Disputes a month of the renter's rental that the path names: the tenure, or the last one of it.
pub(crate) fn dispute(cx: &Context<'_>, body: &DisputeBody) -> Result<SlaResult, Problem> {
    let words = body.read()?;
    let (rental, month) = (cx.param("rental"), cx.param("month"));
    let renter = cx.account()?.account;
    let tenure = match body.tenure() {
        Some(tenure) => tenure,
        None => last_tenure(cx, key(rental, month, 1)?)?,
    };
    let key = key(rental, month, tenure)?;
    let id = DisputeId::from_random(cx.now, cx.random.id());
    let new = NewDispute { id, key, side: DisputeSide::Renter, account: renter, words: &words };
    disputes::begin(cx.db, &new, cx.now)?;
    let sla_result = disputes::sla_result(cx.db, key, DisputeSide::Renter, renter)?;
    sla_result.ok_or_else(Problem::not_found)
}

fn last_tenure(cx: &Context<'_>, key: Key) -> Result<u32, Problem> {
    let found = sla_results::of_rental(cx.db, cx.account()?.account, key.rental)?;
    let last = found.iter().find(|sla_result| sla_result.subject.month == key.month);
    Ok(last.ok_or_else(Problem::not_found)?.subject.tenure)
}

pub(crate) fn dispute_month(cx: &Context<'_>) -> Result<Response, Problem> {
    let sla_result = dispute(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &SlaResultView::new(&sla_result))
}
