//! The pages of a renter: renting, rentals and the wallet.

use domain::id::{NodeId, RentalId};
use edge::Context;
use http::StatusCode;
use store::{ledger, offers, rentals};
use web::api::{self, rentals::rental_id};
use web::form::Form;
use web::page::{Node, Rental, Slices, Wallet};
use web::view::{self, Done, ENTRIES_PER_PAGE, RENTALS_PER_PAGE, Visit, belongs_to_form};
use web::{Problem, Response, respond};

use crate::renting;

pub(crate) fn rent(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let order = view::read_order(&form).map_err(Problem::fields);
    match order.and_then(|order| renting::rent(cx, &order.request, &order.key)) {
        Ok(rental) => {
            Ok(respond::see_other(&Done::Rented.at(&format!("/dashboard/slices/{}", rental.id))))
        }
        Err(problem) => refused(cx, NodeId::parse(form.text("node_id")), problem),
    }
}

/// Shows the node as it is offered now, with why nothing was rented.
fn refused(cx: &Context<'_>, node: Option<NodeId>, problem: Problem) -> Result<Response, Problem> {
    let Some(node) = node.filter(|_| belongs_to_form(&problem)) else { return Err(problem) };
    let Some((offer, slices)) = offers::find(cx.db, node)? else { return Err(problem) };
    let page = Node::new(&Visit::of(cx)?, &offer, &slices).refused(&problem);
    respond::page(problem.kind.status(), &page)
}

pub(crate) fn slices(cx: &Context<'_>) -> Result<Response, Problem> {
    let renter = cx.account()?.account;
    let before = api::cursor(cx, RentalId::parse)?;
    let found = rentals::of_renter(cx.db, renter, before, RENTALS_PER_PAGE + 1)?;
    respond::page(StatusCode::OK, &Slices::new(&Visit::of(cx)?, found))
}

pub(crate) fn rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let renter = cx.account()?.account;
    let found = rentals::find(cx.db, renter, rental_id(cx.param("rental"))?)?;
    let rental = found.ok_or_else(Problem::not_found)?;
    let entry = ledger::entry_of_rental(cx.db, renter, rental.id)?;
    let events = rentals::events(cx.db, &rental)?;
    let page = Rental::new(&Visit::of(cx)?, &rental, entry.as_ref(), &events);
    respond::page(StatusCode::OK, &page)
}

pub(crate) fn wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = ledger::entries(cx.db, cx.account()?.account, before, ENTRIES_PER_PAGE + 1)?;
    respond::page(StatusCode::OK, &Wallet::new(&Visit::of(cx)?, found))
}
