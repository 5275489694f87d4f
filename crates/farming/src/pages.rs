//! The pages of a farmer: nodes, prices and guarantees.

use domain::id::NodeId;
use domain::listing::ListingEvent;
use domain::month::Month;
use http::StatusCode;
use store::{dashboard, jobs, maintenance, revenue, sla_alerts};
use ui::done::Done;
use ui::ids::node_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, api, respond};

use crate::adding;
use crate::farm::node::{FarmNode, ListingForm, read_change};
use crate::farm::page::{FARM_NODES_PER_PAGE, Farm, NodeForm};
use crate::offering::{self, Turn};
use crate::revenue::json::MONTHS_DEFAULT;

pub(crate) fn farm(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_farm(cx)?)
}

fn own_farm(cx: &Context<'_>) -> Result<Farm, Problem> {
    let visit = Visit::live(cx)?;
    let behind = api::cursor(cx, NodeId::parse)?;
    let (farmer, month) = (cx.account()?, Month::of(cx.now));
    let limit = FARM_NODES_PER_PAGE + 1;
    let farm = dashboard::load(cx.db, farmer, month, MONTHS_DEFAULT, behind, limit)?;
    Ok(Farm::new(&visit, &farm.figures, farm.nodes, &farm.months, &farm.lines))
}

pub(crate) fn add_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|form: NodeForm| adding::add_node(cx, form.node()?)) {
        Ok((added, _)) => Ok(redirect(Done::NodeAdded, added.offer.node)),
        Err(problem) => form::refused(problem, |problem| Ok(own_farm(cx)?.refused(&form, problem))),
    }
}

pub(crate) fn node(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_node(cx, node_id(cx.param("node"))?)?)
}

fn own_node(cx: &Context<'_>, node: NodeId) -> Result<FarmNode, Problem> {
    let visit = Visit::live(cx)?;
    let (farmer, month) = (cx.account()?, Month::of(cx.now));
    let found = dashboard::node(cx.db, farmer, month, node)?.ok_or_else(Problem::not_found)?;
    let months: Vec<Month> = month.last(MONTHS_DEFAULT).collect();
    let lines = revenue::of_node(cx.db, farmer.account, node, months[0], month)?;
    let windows = maintenance::open(cx.db, node, cx.now)?;
    let so_far = sla_alerts::month(cx.db, farmer.account, node, month)?;
    let agents = jobs::agents(cx.db, farmer.account, node)?;
    let removals = jobs::being_removed(cx.db, farmer.account, node)?;
    let page = FarmNode::new(&visit, &found, &months, &lines);
    let setups = jobs::manual_setups(cx.db, farmer.account, node)?;
    let page = page.with_agents(&visit, &found, &agents, &removals).with_manual_setups(&setups);
    Ok(page.with_maintenance(&visit, &windows).with_sla_outlook(so_far, cx.now))
}

pub(crate) fn change_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let form = Form::read(cx.request);
    match read_change(&form).and_then(|change| offering::change(cx, node, &change)) {
        Ok(_) => Ok(redirect(Done::NodeChanged, node)),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_node(cx, node)?.refused(&form, problem)))
        }
    }
}

pub(crate) fn publish_node(cx: &Context<'_>) -> Result<Response, Problem> {
    set_listing(cx, ListingEvent::Publish, Done::Published)
}

pub(crate) fn pause_node(cx: &Context<'_>) -> Result<Response, Problem> {
    set_listing(cx, ListingEvent::Pause, Done::Paused)
}

fn set_listing(cx: &Context<'_>, event: ListingEvent, done: Done) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let set = |form: ListingForm| offering::set_listing(cx, node, event, Some(form.offer_version));
    match form::body(cx.request).and_then(set) {
        Ok(_) => Ok(redirect(done, node)),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_node(cx, node)?.not_listed(problem)))
        }
    }
}

pub(crate) fn lock_node(cx: &Context<'_>) -> Result<Response, Problem> {
    turn(cx, Turn::Lock, Done::Locked)
}

pub(crate) fn unlock_node(cx: &Context<'_>) -> Result<Response, Problem> {
    turn(cx, Turn::Unlock, Done::Unlocked)
}

fn turn(cx: &Context<'_>, direction: Turn, done: Done) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    match offering::turn(cx, node, direction) {
        Ok(()) => Ok(redirect(done, node)),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_node(cx, node)?.not_listed(problem)))
        }
    }
}

/// The form did its work: the browser goes on to the node, which says so.
fn redirect(done: Done, node: NodeId) -> Response {
    respond::see_other(&done.at(&format!("/dashboard/farm/nodes/{node}")))
}
