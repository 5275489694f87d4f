//! The page of one rental and its forms: extended, renewed by itself, named, transferred, ended.

use domain::account::Email;
use domain::field::FieldError;
use domain::port::parse_ports;
use http::StatusCode;
use serde::Deserialize;
use store::{
    archives, ledger, machine_actions, maintenance, rentals, sla_results, transfers as offers,
};
use ui::done::Done;
use ui::ids::rental_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond, stored};

use crate::rentals::confirm::ConfirmExtension;
use crate::rentals::end::EndRental;
use crate::rentals::json::{AutoRenewBody, CancelBody, ChangeRentalBody, ExtendBody};
use crate::rentals::page::{NameAndLabels, Rental};
use crate::renting::{self, Extend, own_rental};
use crate::transfers::json::TransferBody;
use crate::{months, provision, transfers};

pub(crate) fn rental(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &page(cx)?)
}

/// The same page with everything about money.
pub(crate) fn billing(cx: &Context<'_>) -> Result<Response, Problem> {
    let page = page(cx)?;
    let (renter, id) = (cx.account()?.account, rental_id(cx.param("rental"))?);
    // What ending would refund is only told: the page that ends counts it again.
    let ending = rentals::plan_end(cx.db, renter, id, cx.now).ok();
    let refund = ending.map(|(_, ending)| ending.refund);
    respond::page(StatusCode::OK, &page.on_billing().refunding(refund))
}

/// The page of the rental that the path names.
fn page(cx: &Context<'_>) -> Result<Rental, Problem> {
    let visit = Visit::live(cx)?;
    let found = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let (renter, id) = (cx.account()?.account, found.life.id);
    let entries = ledger::of_rental(cx.db, renter, id)?;
    let events = rentals::events(cx.db, id)?;
    let offered = offers::of_rental(cx.db, renter, id, cx.now)?;
    let windows = maintenance::open(cx.db, found.life.node, cx.now)?;
    let (machines, opened) = provision::machines(cx, &found)?;
    let page = Rental::new(&visit, &found, &entries, &events, offered.as_ref());
    let page = page.with_archive(&found, &archives::bounds(cx.db)?);
    let page = page.with_maintenance(&visit, &windows);
    let page = page.with_months(&visit, &sla_results::of_rental(cx.db, renter, id)?);
    let actions = machine_actions::of_rental(cx.db, id)?;
    Ok(page.provisioned(&visit, &found, &machines, &opened, &actions))
}

/// Goes on to the rental where the form did its work; else shows it again, with why not.
fn answer(
    cx: &Context<'_>,
    done: Done,
    result: Result<(), Problem>,
    show: impl FnOnce(Rental, &Form, &Problem) -> Rental,
) -> Result<Response, Problem> {
    match result {
        Ok(()) => {
            let tab =
                if matches!(done, Done::RenewalSet | Done::Disputed) { "/billing" } else { "" };
            let path = format!("/dashboard/slices/{}{tab}", rental_id(cx.param("rental"))?);
            Ok(respond::see_other(&done.at(&path)))
        }
        Err(problem) => refused(cx, problem, show),
    }
}

/// Shows the rental again, with why a form did nothing.
fn refused(
    cx: &Context<'_>,
    problem: Problem,
    show: impl FnOnce(Rental, &Form, &Problem) -> Rental,
) -> Result<Response, Problem> {
    form::refused(problem, |problem| Ok(show(page(cx)?, &Form::read(cx.request), problem)))
}

pub(crate) fn extend(cx: &Context<'_>) -> Result<Response, Problem> {
    try_extend(cx).or_else(|problem| refused(cx, problem, Rental::not_extended))
}

fn try_extend(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request).without_empty(&["max_price"]);
    let is_confirmed = form.text("confirmed") == "yes";
    let form = form.without(&["confirmed"]);
    let body: ExtendBody = form.body()?;
    let (term, max_price) = body.read().map_err(Problem::fields)?;
    let (rental, key) = (rental_id(cx.param("rental"))?, Some(form.idempotency_key()?));
    let extend = Extend { rental, term, max_price, key };
    if !is_confirmed {
        let page = ConfirmExtension::new(cx, &own_rental(cx, rental)?, &extend)?;
        return respond::page(StatusCode::OK, &page);
    }
    renting::extend(cx, &extend, &|rental| {
        let path = format!("/dashboard/slices/{}/billing", rental.life.id);
        stored::see_other(Done::Extended.at(&path))
    })
}

pub(crate) fn set_renewal(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request).without_empty(&["max_price"]);
    let set_renewal = |auto_renew: AutoRenewBody| {
        set(cx, &ChangeRentalBody { auto_renew: Some(auto_renew), ..ChangeRentalBody::default() })
    };
    let done = form.body().and_then(set_renewal);
    answer(cx, Done::RenewalSet, done, Rental::not_renewing)
}

pub(crate) fn set_name(cx: &Context<'_>) -> Result<Response, Problem> {
    let done = form::body(cx.request).and_then(|form: NameAndLabels| set(cx, &form.body()));
    answer(cx, Done::Named, done, Rental::not_named)
}

fn set(cx: &Context<'_>, body: &ChangeRentalBody) -> Result<(), Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let identity = cx.account()?;
    let own = body.apply(&rental, identity.token()).map_err(Problem::fields)?;
    Ok(rentals::change_settings(cx.db, identity.account, rental.life.id, &own)?)
}

pub(crate) fn set_auto_start(cx: &Context<'_>) -> Result<Response, Problem> {
    set(cx, &form::body(cx.request)?)?;
    let path = format!("/dashboard/slices/{}", rental_id(cx.param("rental"))?);
    Ok(respond::see_other(&Done::AutoStartSet.at(&path)))
}

/// The form with a machine's ports.
#[derive(Deserialize)]
struct WantedPorts {
    ports: String,
}

pub(crate) fn set_ports(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = rental_id(cx.param("rental"))?;
    let change = |wanted: WantedPorts| {
        machines::ports::change(cx, rental, &parse_ports("ports", &wanted.ports)?)
    };
    let done = form::body(cx.request).and_then(change);
    answer(cx, Done::PortsSet, done, Rental::not_opened)
}

pub(crate) fn act(cx: &Context<'_>) -> Result<Response, Problem> {
    machines::send_action(cx).or_else(|problem| refused(cx, problem, Rental::not_done))
}

pub(crate) fn set_password(cx: &Context<'_>) -> Result<Response, Problem> {
    machines::send_console_password(cx).or_else(|problem| refused(cx, problem, Rental::not_done))
}

pub(crate) fn invite(cx: &Context<'_>) -> Result<Response, Problem> {
    let invite = |body: TransferBody| {
        transfers::offer(cx, rental_id(cx.param("rental"))?, &Email::parse(&body.email)?)
    };
    let done = form::body(cx.request).and_then(invite);
    answer(cx, Done::Invited, done, Rental::not_offered)
}

pub(crate) fn dispute(cx: &Context<'_>) -> Result<Response, Problem> {
    let month = cx.param("month").to_owned();
    let refused =
        |page: Rental, form: &Form, problem: &Problem| page.not_disputed(form, problem, &month);
    let done = form::body(cx.request).and_then(|body| months::dispute(cx, &body));
    answer(cx, Done::Disputed, done.map(drop), refused)
}

pub(crate) fn take_back(cx: &Context<'_>) -> Result<Response, Problem> {
    let keep = |page: Rental, _: &Form, _: &Problem| page;
    answer(cx, Done::InvitationEnded, transfers::withdraw(cx), keep)
}

pub(crate) fn accept(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = rental_id(cx.param("rental"))?;
    transfers::accept(cx, id, Form::read(cx.request).text("rebuild") == "true")?;
    Ok(respond::see_other(&Done::Received.at(&format!("/dashboard/slices/{id}"))))
}

pub(crate) fn decline(cx: &Context<'_>) -> Result<Response, Problem> {
    transfers::withdraw(cx)?;
    Ok(respond::see_other(&Done::Declined.at("/dashboard/slices")))
}

pub(crate) fn show_end(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &end_page(cx)?)
}

fn end_page(cx: &Context<'_>) -> Result<EndRental, Problem> {
    let (renter, id) = (cx.account()?.account, rental_id(cx.param("rental"))?);
    let (rental, ending) = rentals::plan_end(cx.db, renter, id, cx.now)?;
    Ok(EndRental::new(&Visit::of(cx)?, &rental, &ending))
}

pub(crate) fn end(cx: &Context<'_>) -> Result<Response, Problem> {
    match try_end(cx) {
        Ok(()) => {
            let path = format!("/dashboard/slices/{}", rental_id(cx.param("rental"))?);
            Ok(respond::see_other(&Done::RentalEnded.at(&path)))
        }
        Err(problem) if problem.kind == web::Kind::RentalEnded => Err(problem),
        Err(problem) => form::refused(problem, |problem| Ok(end_page(cx)?.refused(problem))),
    }
}

fn try_end(cx: &Context<'_>) -> Result<(), Problem> {
    let body: CancelBody = Form::read(cx.request).without_empty(&["refund"]).body()?;
    let rule = "the refund amount shown; reload the page";
    let shown = body.read()?.ok_or_else(|| FieldError::new("refund", rule))?;
    let (renter, id) = (cx.account()?.account, rental_id(cx.param("rental"))?);
    rentals::end(cx.db, renter, id, Some(shown), cx.now)?;
    Ok(())
}
