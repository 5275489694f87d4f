//! What machines start with, and how their renter gets in.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::field::FieldError;
use domain::id::{RentalId, SliceId};
use domain::provisioning::JobState;
use domain::rental::RentalState;
use domain::ssh::Access;
use http::StatusCode;
use machines::access::{ConsoleLink, open_access, seal_user_data};
use store::jobs::{self, Machine};
use store::rentals::Rental;
use store::renting::Setup;
use store::ssh_keys;
use ui::ids::rental_id;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use crate::provision::json::{AccessAnswer, ConsoleAnswer, ConsoleBody};
use crate::provision::page::Console;
use crate::renting::input::Start;
use crate::renting::own_rental;

/// What the rentals of an order start with.
pub(crate) fn setup(
    cx: &Context<'_>,
    start: &Start,
    rentals: &[RentalId],
) -> Result<Setup, Problem> {
    let ssh_key = match start.ssh_key {
        None => None,
        Some(id) => {
            let found = ssh_keys::find(cx.db, cx.account()?.account, id)?;
            let rule = "the id of one of your SSH keys";
            Some(found.ok_or_else(|| FieldError::new("ssh_key_id", rule))?.line)
        }
    };
    let sealed = match &start.user_data {
        None => Vec::new(),
        Some(text) => {
            let keys = cx.keys()?;
            let seal = |rental: &RentalId| seal_user_data(&keys, *rental, text, cx.random.bytes());
            rentals.iter().map(seal).collect::<Result<_, Problem>>()?
        }
    };
    Ok(Setup { ssh_key, template: start.template, sealed, ports: start.all_ports() })
}

/// The machines of a rental of whoever is signed in, and how each that is there is reached. A look
/// at that is written down, once an hour for whoever looks.
pub(crate) fn machines(
    cx: &Context<'_>,
    rental: &Rental,
) -> Result<(Vec<Machine>, Vec<Option<Access>>), Problem> {
    let machines = jobs::machines(cx.db, rental.life.id, cx.now)?;
    let is_open = rental.life.state == RentalState::Active;
    let opened: Vec<Option<Access>> = machines
        .iter()
        .map(|machine| match &machine.sealed {
            Some(sealed) if is_open && machine.state == JobState::Done => {
                open_access(&cx.keys()?, &machine.job, sealed).map(Some)
            }
            Some(_) | None => Ok(None),
        })
        .collect::<Result<_, Problem>>()?;
    if opened.iter().any(Option::is_some) {
        let renter = cx.account()?.account;
        cx.audit_view(renter, &rental.life.id.to_string())?;
    }
    Ok((machines, opened))
}

/// A link to the console of one of a rental's machines, for whoever is signed in and rents it. That
/// it was made is written down.
fn open_console(
    cx: &Context<'_>,
    body: &ConsoleBody,
) -> Result<(RentalId, SliceId, ConsoleLink), Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let id = rental.life.id;
    let machines = jobs::machines(cx.db, id, cx.now)?;
    let machine = &machines[body.choose(&machines)?];
    let is_ready = rental.life.state == RentalState::Active && machine.state == JobState::Done;
    let sealed = machine.sealed.as_ref().filter(|_| is_ready).ok_or_else(Problem::not_found)?;
    let access = open_access(&cx.keys()?, &machine.job, sealed)?;
    let link = ConsoleLink::new(&access, machine.slice, id, cx.now);
    let link = link.ok_or_else(Problem::not_found)?;
    cx.audit(Action::ConsoleOpened, Some(cx.account()?.account), &id.to_string())?;
    Ok((id, machine.slice, link))
}

pub(crate) fn make_console_link(cx: &Context<'_>) -> Result<Response, Problem> {
    let (_, _, link) = open_console(cx, &web::json::optional_body(cx.request)?)?;
    respond::json(StatusCode::OK, &ConsoleAnswer::new(link))
}

pub(crate) fn show_console(cx: &Context<'_>) -> Result<Response, Problem> {
    let (rental, slice, link) = open_console(cx, &web::form::body(cx.request)?)?;
    respond::page(StatusCode::OK, &Console::new(&Visit::of(cx)?, rental, slice, &link))
}

pub(crate) fn show_access(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = own_rental(cx, rental_id(cx.param("rental"))?)?;
    let (machines, opened) = machines(cx, &rental)?;
    let answer = AccessAnswer::new(&rental.life, &machines, &opened, cx.now);
    respond::json(StatusCode::OK, &answer)
}
