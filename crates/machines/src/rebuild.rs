//! Renters have a machine made anew, with a template or user data of their own.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::capability::Capability;
use domain::id::{ActionId, RentalId};
use domain::machine_action::MachineAction;
use domain::order::IdempotencyKey;
use http::StatusCode;
use serde_json::json;
use store::jobs;
use store::machine_actions::{self, NewAction};
use store::responses::StoredResponse;
use ui::done::Done;
use ui::ids::rental_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond, stored};

use crate::access::seal_user_data;
use crate::actions::json::{ActionView, asked_of, choose, own_rental};
use crate::actions::{check_can, chosen_machine};
use crate::rebuild::json::RebuildBody;
use crate::rebuild::page::RebuildPage;

pub(crate) fn request(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: RebuildBody = web::json::body(cx.request)?;
    let rental = rental_id(cx.param("rental"))?;
    rebuild(cx, rental, &body, form::idempotency_key(cx)?, &|view| {
        stored::json(StatusCode::CREATED, view, format!("/api/rentals/{rental}/actions"))
    })
}

/// Has one of the machines of a rental of whoever is signed in made anew, once for each key. That
/// they asked is written down.
fn rebuild(
    cx: &Context<'_>,
    rental: RentalId,
    body: &RebuildBody,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&ActionView) -> StoredResponse,
) -> Result<Response, Problem> {
    let (template, user_data) = body.read().map_err(Problem::fields)?;
    let asked = |slice| {
        let template = template.map(|it| it.name);
        json!({ "slice": slice, "template": template, "user_data": user_data })
    };
    let asked = asked_of(cx, rental, body.slice, asked)?;
    stored::once_as(cx, key, &asked, |intention| {
        own_rental(cx)?;
        let machine = chosen_machine(cx, rental, body.slice, Capability::Rebuild)?;
        if template.is_some() || user_data.is_some() {
            check_can(&machine, Capability::UserData)?;
        }
        let seal = |text: &String| seal_user_data(&cx.keys()?, rental, text, cx.random.bytes());
        let sealed = user_data.as_ref().map(seal).transpose()?;
        let (renter, kind) = (cx.account()?.account, MachineAction::Rebuild);
        let id = ActionId::from_random(cx.now, cx.random.id());
        let response = respond(&ActionView::requested(id, kind, machine.slice, cx.now));
        let subject = rental.to_string();
        let audit = &cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
        let action = NewAction { id, job: &machine.job, kind, renter, intention, audit };
        let sealed = sealed.as_deref();
        machine_actions::rebuild(cx.db, &action, template, sealed, &response, cx.now)?;
        Ok(response)
    })
}

pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    let slice = cx.query("slice").and_then(|text| text.parse().ok());
    respond::page(StatusCode::OK, &page(cx, slice)?)
}

fn page(cx: &Context<'_>, slice: Option<u32>) -> Result<RebuildPage, Problem> {
    let rental = own_rental(cx)?;
    let machines = jobs::machines(cx.db, rental, cx.now)?;
    let machine = choose(slice, &machines).map_err(|_| Problem::not_found())?;
    Ok(RebuildPage::new(&Visit::of(cx)?, rental, &machines[machine]))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request).without_empty(&["template", "user_data"]);
    let rental = rental_id(cx.param("rental"))?;
    let sent = || {
        let (body, key) = (form.body()?, form.idempotency_key()?);
        rebuild(cx, rental, &body, Some(key), &|_| {
            let url = format!("/dashboard/slices/{rental}");
            stored::see_other(Done::MachineActionRequested.at(&url))
        })
    };
    sent().or_else(|problem| {
        form::refused(problem, |problem| {
            Ok(page(cx, form.text("slice").parse().ok())?.refused(&form, problem))
        })
    })
}
