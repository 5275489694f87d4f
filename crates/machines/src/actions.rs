//! Renters start, shut down, restart and reset their machines.

pub(crate) mod json;

use domain::audit::Action;
use domain::capability::Capability;
use domain::id::{ActionId, RentalId};
use domain::machine_action::MachineAction;
use domain::order::IdempotencyKey;
use domain::provisioning::JobState;
use http::StatusCode;
use serde_json::json;
use store::jobs;
use store::jobs::Machine;
use store::machine_actions::{self, NewAction};
use store::responses::StoredResponse;
use ui::done::Done;
use ui::ids::rental_id;
use web::form::{Form, idempotency_key};
use web::{Context, Kind, Problem, Response, respond, stored};

use crate::actions::json::{ActionBody, ActionView, ActionsAnswer};

pub(crate) fn request(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ActionBody = web::json::body(cx.request)?;
    let action = body.action()?;
    let rental = rental_id(cx.param("rental"))?;
    act(cx, rental, action, body.slice, idempotency_key(cx)?, &|view| {
        let location = format!("/api/rentals/{rental}/actions");
        stored::json(StatusCode::CREATED, view, location)
    })
}

/// Takes the form with a machine's buttons, which is on its rental's page.
pub fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let body: ActionBody = form.body()?;
    let (rental, key) = (rental_id(cx.param("rental"))?, Some(form.idempotency_key()?));
    act(cx, rental, body.action()?, body.slice, key, &|_| {
        stored::see_other(Done::MachineActionRequested.at(&format!("/dashboard/slices/{rental}")))
    })
}

/// Has something done with one of the machines of a rental of whoever is signed in, once for each
/// key. That they asked is written down.
fn act(
    cx: &Context<'_>,
    rental: RentalId,
    kind: MachineAction,
    slice: Option<u32>,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&ActionView) -> StoredResponse,
) -> Result<Response, Problem> {
    let asked = |slice| json!({ "action": kind.into_str(), "slice": slice });
    let asked = json::asked_of(cx, rental, slice, asked)?;
    stored::once_as(cx, key, &asked, |intention| {
        let renter = cx.account()?.account;
        json::check_own(cx, rental)?;
        let machine = chosen_machine(cx, rental, slice, kind.needs())?;
        let id = ActionId::from_random(cx.now, cx.random.id());
        let response = respond(&ActionView::requested(id, kind, machine.slice, cx.now));
        let subject = rental.to_string();
        let audit = &cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
        let action = NewAction { id, job: &machine.job, kind, renter, intention, audit };
        machine_actions::request(cx.db, &action, &response, cx.now)?;
        Ok(response)
    })
}

/// Refuses to restart the machines of a rental where one of them can't be.
pub fn check_restart(cx: &Context<'_>, rental: RentalId) -> Result<(), Problem> {
    let machines = jobs::machines(cx.db, rental, cx.now)?;
    if machines.is_empty() {
        return Err(Problem::plain(Kind::MachineNotReady));
    }
    machines.iter().try_for_each(|machine| check_can(machine, MachineAction::Restart.needs()))
}

/// Restarts the machines of a rental of whoever is signed in, each once for each key.
pub fn restart(cx: &Context<'_>, rental: RentalId, key: &IdempotencyKey) -> Result<(), Problem> {
    json::check_own(cx, rental)?;
    check_restart(cx, rental)?;
    for machine in jobs::machines(cx.db, rental, cx.now)? {
        let number = machine.slice.number;
        let key = IdempotencyKey::parse(&format!("{}-{number}", key.as_str()))?;
        let answer = &|_: &ActionView| stored::no_content(format!("/api/rentals/{rental}/actions"));
        act(cx, rental, MachineAction::Restart, Some(number), Some(key), answer)?;
    }
    Ok(())
}

/// One of the machines of a rental, by the number of its slice, if it is capable of something.
pub(crate) fn chosen_machine(
    cx: &Context<'_>,
    rental: RentalId,
    slice: Option<u32>,
    needs: Capability,
) -> Result<Machine, Problem> {
    let mut machines = jobs::machines(cx.db, rental, cx.now)?;
    let machine = machines.swap_remove(json::choose(slice, &machines)?);
    check_can(&machine, needs)?;
    Ok(machine)
}

/// Refuses what a machine is not capable of, and says why.
pub(crate) fn check_can(machine: &Machine, needs: Capability) -> Result<(), Problem> {
    if machine.state != JobState::Done {
        return Err(Problem::plain(Kind::MachineNotReady));
    }
    if machine.can(needs) {
        return Ok(());
    }
    Err(Problem::new(Kind::MachineActionUnsupported, why_not(needs)))
}

/// Why a machine can't do something.
fn why_not(capability: Capability) -> &'static str {
    match capability {
        Capability::Power => {
            "this farm's driver can't start, shut down, restart or reset its machines"
        }
        Capability::Console => "this farm's driver has no console",
        Capability::UserData => "this farm's driver doesn't take user data",
        Capability::SetKeys => {
            "the SSH keys of this machine can't be changed now; either its farm's driver can't do \
             so, or the machine is off or isn't running the package qemu-guest-agent"
        }
        Capability::SetPassword => {
            "a console password can't be set on this machine now; either its farm's driver can't \
             do so, or the machine is off or isn't running the package qemu-guest-agent"
        }
        Capability::Rebuild => "this farm's driver can't rebuild its machines",
        Capability::SetPorts => "this farm's driver can't open further ports",
    }
}

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = json::own_rental(cx)?;
    let actions = machine_actions::of_rental(cx.db, rental)?;
    respond::json(StatusCode::OK, &ActionsAnswer::new(&actions))
}
