//! The pages of a renter: renting, and the list of what is held.

use domain::id::{NodeId, RentalId};
use http::StatusCode;
use machines::Exchange;
use store::{jobs, offers, rentals, ssh_keys, transfers};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{Form, belongs_to_form};
use web::{Context, Kind, Problem, Response, api, respond, stored};

use crate::market::node::Node;
use crate::rentals as own_rentals;
use crate::rentals::list::{Offered, RENTALS_PER_PAGE, Slices};
use crate::renting::order::read_order;
use crate::renting::{self, ALTERNATIVES_MAX};
use crate::waitlist::page::Waitlist;

pub(crate) fn rent(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let rented = read_order(&form).and_then(|order| {
        renting::rent(cx, &order.basis, &order.start, Some(order.key), &|ordered| {
            stored::see_other(Done::Rented.at(&match &ordered.rentals[..] {
                [rental] => format!("/dashboard/slices/{}", rental.life.id),
                _ => "/dashboard/slices".to_owned(),
            }))
        })
    });
    rented.or_else(|problem| refused(cx, &form, problem))
}

/// Shows the node as it is offered now, with why nothing was rented and what else there is.
fn refused(cx: &Context<'_>, form: &Form, problem: Problem) -> Result<Response, Problem> {
    let node = NodeId::parse(form.text("node_id"));
    let Some(node) = node.filter(|_| belongs_to_form(&problem)) else { return Err(problem) };
    let Some((offer, slices)) = offers::find(cx.db, node)? else { return Err(problem) };
    let is_gone = matches!(problem.kind, Kind::SoldOut | Kind::SliceTaken | Kind::NodeDown);
    let nearest =
        if is_gone { offers::nearest(cx.db, Some(node), 1, ALTERNATIVES_MAX)? } else { Vec::new() };
    let keys = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    let visit = Visit::of(cx)?;
    let waitlist = Waitlist::of(cx, &visit, &offer, &keys)?;
    let page = Node::new(&visit, &offer, &slices).with_keys(&keys).with_waitlist(waitlist);
    let page = page.refused(form, &problem, &nearest);
    respond::page(problem.kind.status(), &page)
}

pub(crate) fn slices(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::live(cx)?;
    let renter = cx.account()?.account;
    let before = api::cursor(cx, RentalId::parse)?;
    let which = own_rentals::which(cx)?;
    let found = rentals::of_renter(cx.db, renter, which, before, RENTALS_PER_PAGE + 1)?;
    let offered = transfers::to_account(cx.db, renter, cx.now)?;
    let has_key = offered.is_empty() || !ssh_keys::of_account(cx.db, renter)?.is_empty();
    let with_machines = |transfer: transfers::Transfer| {
        let machines = jobs::machines(cx.db, transfer.rental.life.id, cx.now)?;
        let exchange = Exchange::of_machines(&machines);
        Ok(Offered { transfer, exchange, needs_key: !has_key && machines::need_key(&machines) })
    };
    let offered = offered.into_iter().map(with_machines).collect::<Result<Vec<_>, Problem>>()?;
    respond::page(StatusCode::OK, &Slices::new(&visit, which, found, &offered))
}
