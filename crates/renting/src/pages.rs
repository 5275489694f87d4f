//! The pages of a renter: renting, and the list of what is held.

use domain::field::FieldError;
use domain::id::{NodeId, RentalId};
use http::StatusCode;
use machines::Exchange;
use store::{jobs, offers, rentals, ssh_keys, transfers};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{Form, belongs_to_form};
use web::{Context, Kind, Problem, Response, api, respond, stored};

use crate::market::node::Node;
use crate::market::pages::setup_of;
use crate::market::sheet;
use crate::rentals as own_rentals;
use crate::rentals::list::{Offered, RENTALS_PER_PAGE, Slices};
use crate::renting::input::Basis;
use crate::renting::order::read_order;
use crate::renting::{self, ALTERNATIVES_MAX};
use crate::waitlist::page::Waitlist;

pub(crate) fn rent(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    if form.text("update") == "yes" {
        return updated(cx, &form);
    }
    let rented = read_order(&form).and_then(|mut order| {
        check_total(cx, &form, &order.basis)?;
        let public_key = form.text("public_key");
        if !public_key.trim().is_empty() {
            order.start.ssh_key = Some(machines::use_key(cx, "public_key", public_key)?);
        }
        renting::rent(cx, &order.basis, &order.start, Some(order.key), &|ordered| {
            stored::see_other(Done::Rented.at(&match &ordered.rentals[..] {
                [rental] => format!("/dashboard/slices/{}", rental.life.id),
                _ => "/dashboard/slices".to_owned(),
            }))
        })
    });
    rented.or_else(|problem| refused(cx, &form, problem))
}

/// Whoever rents agrees to the total that their button shows. Without scripts, it is of what was
/// chosen when the page was made.
fn check_total(cx: &Context<'_>, form: &Form, basis: &Basis) -> Result<(), Problem> {
    let (shown, Basis::Request(request)) = (form.text("total"), basis) else { return Ok(()) };
    let node = request.wanted.node().filter(|_| !shown.is_empty());
    let Some(node) = node else { return Ok(()) };
    let found = offers::find(cx.db, node)?.map(|(offer, _)| offer);
    // Another version is refused where the order is made, unless it was made already.
    let offer = found.filter(|offer| request.offer_version == Some(offer.version));
    let total = offer.and_then(|offer| sheet::total(&offer, &request.wanted, request.term));
    match total.filter(|total| total.to_string() != shown) {
        None => Ok(()),
        Some(total) => {
            let rule = format!(
                "what you chose costs {}, and nothing was rented or charged yet; check your order \
                 and rent",
                total.for_people()
            );
            Err(FieldError::new("total", &rule).into())
        }
    }
}

/// Shows the sheet again with the amounts of what is chosen, where no script does.
fn updated(cx: &Context<'_>, form: &Form) -> Result<Response, Problem> {
    let node = NodeId::parse(form.text("node_id")).ok_or_else(Problem::not_found)?;
    let page = node_page(cx, node)?.ok_or_else(Problem::not_found)?;
    respond::page(StatusCode::OK, &page.choosing(form, None))
}

/// The page of a node, to rent there.
fn node_page(cx: &Context<'_>, node: NodeId) -> Result<Option<Node>, Problem> {
    let Some((offer, slices)) = offers::find(cx.db, node)? else { return Ok(None) };
    let keys = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    let visit = Visit::of(cx)?;
    let waitlist = Waitlist::of(cx, &visit, &offer, &keys)?;
    let page = Node::new(&visit, &offer, &slices).with_keys(&keys, setup_of(cx, node)?);
    Ok(Some(page.with_waitlist(waitlist)))
}

/// Shows the node as it is offered now, with why nothing was rented and what else there is.
fn refused(cx: &Context<'_>, form: &Form, problem: Problem) -> Result<Response, Problem> {
    let node = NodeId::parse(form.text("node_id"));
    let Some(node) = node.filter(|_| belongs_to_form(&problem)) else { return Err(problem) };
    let Some(page) = node_page(cx, node)? else { return Err(problem) };
    let is_gone = matches!(problem.kind, Kind::SoldOut | Kind::SliceTaken | Kind::NodeDown);
    let nearest =
        if is_gone { offers::nearest(cx.db, Some(node), 1, ALTERNATIVES_MAX)? } else { Vec::new() };
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
