//! A rental whose node leaves, or whose access is overdue, goes on with an equivalent slice.

pub(crate) mod json;
pub(crate) mod page;

use domain::id::RentalId;
use http::StatusCode;
use store::leaving::{self, Destination};
use store::{jobs, ledger};
use ui::done::Done;
use ui::ids::rental_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::moving::json::{EquivalentView, MoveBody};
use crate::moving::page::MoveRental;
use crate::rentals::json::RentalView;
use crate::renting::own_rental;
use crate::renting::view::DryRunView;

pub(crate) fn list_alternatives(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let owed = jobs::owed(cx.db, rental.life.id, cx.now)?;
    let found = leaving::alternatives(cx.db, &rental, owed, cx.now)?;
    let views: Vec<_> = found.iter().map(EquivalentView::new).collect();
    respond::json(StatusCode::OK, &views)
}

pub(crate) fn move_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: MoveBody = web::json::body(cx.request)?;
    let to = body.read().map_err(Problem::fields)?;
    let (renter, id) = (cx.account()?.account, rental_id(cx.param("rental"))?);
    if body.dry_run {
        return plan(cx, id, &to);
    }
    let rental = leaving::move_rental(cx.db, renter, id, &to, cx.now)?;
    respond::json(StatusCode::OK, &RentalView::new(&rental, cx.now))
}

/// Tells what a move would book, and changes nothing.
fn plan(cx: &Context<'_>, id: RentalId, to: &Destination) -> Result<Response, Problem> {
    let renter = cx.account()?.account;
    let (rental, moved) = leaving::plan_move(cx.db, renter, id, to, cx.now)?;
    let bookings = moved.map(|moved| moved.change.bookings).unwrap_or_default();
    let message = format!(
        "{} would move to {} at no extra charge. Nothing has changed.",
        rental.life.place(),
        to.node
    );
    let balance = ledger::balance(cx.db, renter)?;
    respond::json(StatusCode::OK, &DryRunView::new(&message, &[], &bookings, balance))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<MoveRental, Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let owed = jobs::owed(cx.db, rental.life.id, cx.now)?;
    let found = leaving::alternatives(cx.db, &rental, owed, cx.now)?;
    let machines = jobs::machines(cx.db, rental.life.id, cx.now)?;
    Ok(MoveRental::new(&Visit::of(cx)?, &rental, &machines, &found))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = rental_id(cx.param("rental"))?;
    match try_move(cx, id) {
        Ok(()) => Ok(respond::see_other(&Done::Moved.at(&format!("/dashboard/slices/{id}")))),
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.refused(problem))),
    }
}

fn try_move(cx: &Context<'_>, id: RentalId) -> Result<(), Problem> {
    let body: MoveBody = Form::read(cx.request).without_empty(&["slice_id"]).body()?;
    let to = body.read().map_err(Problem::fields)?;
    leaving::move_rental(cx.db, cx.account()?.account, id, &to, cx.now)?;
    Ok(())
}
