//! The JSON API of rentals.

pub(crate) mod confirm;
pub(crate) mod end;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod machine;
pub(crate) mod outage;
pub(crate) mod page;

use domain::id::RentalId;
use http::StatusCode;
use store::rentals::{self, Rental, Which};
use ui::ids::rental_id;
use web::api::{self, PageOf};
use web::form::idempotency_key;
use web::{Context, Problem, Response, respond, stored};

use crate::rentals::json::{CancelAnswer, CancelBody, ChangeRentalBody, ExtendBody, RentalView};
use crate::renting::input::{Basis, Start};
use crate::renting::json::{RentBody, RentNodeBody};
use crate::renting::view::RentAnswer;
use crate::renting::{self, Extend, own_rental};

pub(crate) fn rent_slice(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: RentBody = web::json::body(cx.request)?;
    let (basis, start) = body.read().map_err(Problem::fields)?;
    rent(cx, &basis, &start, body.dry_run)
}

pub(crate) fn rent_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: RentNodeBody = web::json::body(cx.request)?;
    let (basis, start) = body.read().map_err(Problem::fields)?;
    rent(cx, &basis, &start, body.dry_run)
}

fn rent(cx: &Context<'_>, basis: &Basis, start: &Start, is_dry: bool) -> Result<Response, Problem> {
    let key = idempotency_key(cx)?;
    if is_dry {
        return renting::plan(cx, basis, start, key);
    }
    renting::rent(cx, basis, start, key, &|ordered| {
        let location = match &ordered.rentals[..] {
            [rental] => format!("/api/rentals/{}", rental.life.id),
            _ => "/api/rentals".to_owned(),
        };
        stored::json(StatusCode::CREATED, &RentAnswer::new(ordered, cx.now), location)
    })
}

pub(crate) fn list_rentals(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, RentalId::parse)?;
    let which = which(cx)?;
    let found = rentals::of_renter(cx.db, cx.account()?.account, which, before, limit + 1)?;
    let place = |rental: &Rental| rental.life.id.to_string();
    let view = |rental: &Rental| RentalView::new(rental, cx.now);
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, view))
}

/// Which rentals are asked for.
pub(crate) fn which(cx: &Context<'_>) -> Result<Which, Problem> {
    let Some(text) = cx.query("state") else { return Ok(Which::All) };
    text.parse()
        .map_err(|_| domain::field::FieldError::new("state", "all, running or ended").into())
}

pub(crate) fn show_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    respond::json(StatusCode::OK, &RentalView::new(&rental, cx.now))
}

pub(crate) fn change_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ChangeRentalBody = web::json::body(cx.request)?;
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let identity = cx.account()?;
    let own = body.apply(&rental, identity.token()).map_err(Problem::fields)?;
    if body.dry_run {
        rentals::check_settings(cx.db, &rental.life, &own)?;
        return renting::plan_nothing(cx);
    }
    let id = rental.life.id;
    rentals::change_settings(cx.db, identity.account, id, &own)?;
    respond::json(StatusCode::OK, &RentalView::new(&own_rental(cx, id)?, cx.now))
}

pub(crate) fn extend_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ExtendBody = web::json::body(cx.request)?;
    let (term, max_price) = body.read().map_err(Problem::fields)?;
    let (rental, key) = (rental_id(cx.param("rental"))?, idempotency_key(cx)?);
    let extend = Extend { rental, term, max_price, key };
    if body.dry_run {
        return renting::plan_extension(cx, &extend);
    }
    renting::extend(cx, &extend, &|rental| {
        let location = format!("/api/rentals/{}", rental.life.id);
        stored::json(StatusCode::CREATED, &RentalView::new(rental, cx.now), location)
    })
}

pub(crate) fn cancel_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CancelBody = web::json::optional_body(cx.request)?;
    let confirmed = body.read()?;
    let id = rental_id(cx.param("rental"))?;
    if body.dry_run {
        return renting::plan_end(cx, id);
    }
    let renter = cx.account()?.account;
    let (rental, refund) = rentals::end(cx.db, renter, id, confirmed, cx.now)?;
    let compensation = store::leaving::compensation_of(cx.db, id)?;
    respond::json(StatusCode::OK, &CancelAnswer::new(&rental, refund, compensation, cx.now))
}
