//! Renters open and close further ports of their machines.

pub(crate) mod json;

use domain::audit::Action;
use domain::capability::Capability;
use domain::id::{ActionId, RentalId};
use domain::machine_action::MachineAction;
use domain::port::Port;
use http::StatusCode;
use store::{jobs, machine_actions, ports, rentals};
use ui::ids::rental_id;
use web::{Context, Kind, Problem, Response, respond};

use crate::actions::check_can;
use crate::ports::json::{PortView, PortsAnswer, PortsBody};

pub use crate::ports::json::{PortBody, read_ports};

pub(crate) fn set(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: PortsBody = web::json::body(cx.request)?;
    let wanted = read_ports("ports", &body.ports)?;
    change(cx, rental_id(cx.param("rental"))?, &wanted)?;
    let answer = PortsAnswer { ports: wanted.iter().copied().map(PortView::new).collect() };
    respond::json(StatusCode::OK, &answer)
}

/// Has the machines of a rental of whoever is signed in changed, unless they have these ports. That
/// they asked is written down.
pub fn change(cx: &Context<'_>, rental: RentalId, wanted: &[Port]) -> Result<(), Problem> {
    let renter = cx.account()?.account;
    rentals::find(cx.db, renter, rental)?.ok_or_else(Problem::not_found)?;
    let machines = jobs::machines(cx.db, rental, cx.now)?;
    if machines.is_empty() {
        return Err(Problem::plain(Kind::MachineNotReady));
    }
    machines.iter().try_for_each(|machine| check_can(machine, Capability::SetPorts))?;
    // One that is being done already is not asked for again.
    let is_open =
        |it: &machine_actions::Action| it.kind == MachineAction::SetPorts && it.state.is_open();
    if machines.iter().all(|machine| machine.ports == wanted)
        && machine_actions::of_rental(cx.db, rental)?.iter().any(is_open)
    {
        return Ok(());
    }
    let action = |machine| (ActionId::from_random(cx.now, cx.random.id()), machine);
    let actions: Vec<_> = machines.iter().map(|machine| action(&machine.job)).collect();
    let subject = rental.to_string();
    let audit = cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
    Ok(ports::set(cx.db, renter, rental, wanted, &actions, &audit, cx.now)?)
}
