//! Months that were compared with their promise, for the API and the page alike.

pub(crate) mod json;

use domain::id::DisputeId;
use domain::level::{DisputeSide, parse_words};
use http::StatusCode;
use store::disputes::{self, Key, NewDispute};
use store::levels::{self, Judged};
use ui::ids::rental_id;
use ui::sla_json::{DisputeBody, JudgedView, key};
use web::form::Form;
use web::{Context, Problem, Response, respond};

use crate::months::json::MonthsView;

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
    let body: DisputeBody = web::json::body(cx.request)?;
    let judged = dispute(cx, body.stay(), &body.read()?)?;
    respond::json(StatusCode::CREATED, &JudgedView::new(&judged))
}

/// The same by the form on the page of the rental.
pub(crate) fn try_form(cx: &Context<'_>) -> Result<(), Problem> {
    let form = Form::read(cx.request);
    let words = parse_words("text", form.text("text"))?;
    dispute(cx, form.text("stay").parse().ok(), &words).map(drop)
}
