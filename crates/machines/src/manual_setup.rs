//! Machines that farmers set up by hand, because their farm has no agent: what each needs, and how
//! it is reached once it is there.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::field::FieldError;
use domain::id::SliceId;
use domain::provisioning::JobState;
use domain::ssh::Access;
use http::StatusCode;
use store::access::{self, AccessChange};
use store::jobs::{self, ManualSetup};
use store::nodes;
use store::ssh_keys::KeyLines;
use ui::done::Done;
use ui::ids::node_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond};

use crate::access::{open_access, seal_access};
use crate::manual_setup::json::{ManualSetupBody, ManualSetups};
use crate::manual_setup::page::{SetupForm, SetupPage};

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, farmer) = (node_id(cx.param("node"))?, cx.account()?.account);
    nodes::find(cx.db, cx.account()?, node)?.ok_or_else(Problem::not_found)?;
    let setups = jobs::manual_setups(cx.db, farmer, node)?;
    respond::json(StatusCode::OK, &ManualSetups::new(&setups))
}

pub(crate) fn confirm(cx: &Context<'_>) -> Result<Response, Problem> {
    let setup = own_setup(cx)?.ok_or_else(Problem::not_found)?;
    let body: ManualSetupBody = web::json::body(cx.request)?;
    it_is_there(cx, &setup, &body)?;
    Ok(respond::no_content())
}

pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    // A notification leads here, however old it is.
    let Some(setup) = own_setup(cx)? else {
        return Ok(respond::see_other(&format!("/dashboard/farm/nodes/{}", cx.param("node"))));
    };
    let access = match &setup.sealed {
        Some(sealed) => Some(open_access(&cx.keys()?, &setup.job, sealed)?),
        None => None,
    };
    respond::page(StatusCode::OK, &SetupPage::new(&Visit::of(cx)?, &setup, access.as_ref()))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let setup = own_setup(cx)?.ok_or_else(Problem::not_found)?;
    let form = Form::read(cx.request).without_empty(&["access.notes"]);
    let sent = form.body::<SetupForm>().and_then(|sent| it_is_there(cx, &setup, &sent.body()));
    match sent {
        Ok(()) => {
            let path = format!("/dashboard/farm/nodes/{}", setup.slice.node);
            Ok(respond::see_other(&Done::SetupConfirmed.at(&path)))
        }
        Err(problem) => form::refused(problem, |problem| {
            Ok(SetupPage::new(&Visit::of(cx)?, &setup, None).refused(&form, problem))
        }),
    }
}

/// The slice that a path names, on a node of whoever is signed in, with what it needs; `None` where
/// nothing is set up by hand there.
fn own_setup(cx: &Context<'_>) -> Result<Option<ManualSetup>, Problem> {
    let slice = SliceId::parse(&format!("{}_slice_{}", cx.param("node"), cx.param("number")));
    let SliceId { node, number } = slice.ok_or_else(Problem::not_found)?;
    nodes::find(cx.db, cx.account()?, node)?.ok_or_else(Problem::not_found)?;
    let setups = jobs::manual_setups(cx.db, cx.account()?.account, node)?;
    Ok(setups.into_iter().find(|setup| setup.slice.number == number))
}

/// The farmer says how a machine is reached, for the first time or anew.
fn it_is_there(
    cx: &Context<'_>,
    setup: &ManualSetup,
    body: &ManualSetupBody,
) -> Result<(), Problem> {
    let access = body.access.read().map_err(Problem::fields)?;
    // What was made for somebody else must not go to whoever has the slice or the rental by now.
    if body.rental_id != setup.rental.to_string() {
        let rule = "the rental that the slice has now; it has changed, so reload";
        return Err(FieldError::new("rental_id", rule).into());
    }
    let KeyLines(keys) = &setup.ssh_keys;
    if body.ssh_keys != *keys && setup.state != JobState::NeedsKey {
        let rule = "the renter's SSH keys; they have changed, so reload and let these in";
        return Err(FieldError::new("ssh_keys", rule).into());
    }
    let sealed = seal_access(&cx.keys()?, &setup.job, &access, cx.random.bytes())?;
    let farmer = cx.account()?.account;
    match &setup.sealed {
        None if setup.state == JobState::NeedsKey => {
            let detail = "the renter has no SSH key yet; you are notified when they add one";
            return Err(Problem::new(Kind::MachineNotReady, detail));
        }
        None => {
            if !jobs::confirm_setup(cx.db, farmer, &setup.job, &sealed, cx.now)? {
                return Err(Problem::not_found());
            }
        }
        Some(was) => change(cx, setup, was, &access, sealed)?,
    }
    cx.audit(Action::SetupConfirmed, Some(farmer), &setup.slice.to_string())?;
    Ok(())
}

/// The machine is reached in another way than the farmer said before.
fn change(
    cx: &Context<'_>,
    setup: &ManualSetup,
    was: &[u8],
    access: &Access,
    sealed: Vec<u8>,
) -> Result<(), Problem> {
    let known = open_access(&cx.keys()?, &setup.job, was)?;
    if known == *access {
        return Ok(());
    }
    let has_moved = known.endpoint.has_moved(&access.endpoint);
    access::change(cx.db, &[AccessChange { job: &setup.job, was, sealed, has_moved }], cx.now)?;
    Ok(())
}
