//! The pages of a farmer: nodes, prices and guarantees.

use domain::id::NodeId;
use domain::listing::ListingEvent;
use domain::month::Month;
use http::StatusCode;
use store::{comparisons, dashboard, farm_tasks, jobs, maintenance, revenue, sla_alerts};
use ui::done::Done;
use ui::ids::node_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, api, respond};

use crate::adding;
use crate::farm::node::{FarmNode, ListingForm, read_change};
use crate::farm::page::{FARM_NODES_PER_PAGE, Farm, NodeForm};
use crate::market::study::Study;
use crate::offering::{self, Turn};
use crate::revenue::json::MONTHS_DEFAULT;
use crate::starting::page::PriceControl;

/// How many days the plot of revenue by day has.
const DAYS_SHOWN: u32 = 30;

pub(crate) fn farm(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_farm(cx)?)
}

fn own_farm(cx: &Context<'_>) -> Result<Farm, Problem> {
    let visit = Visit::live(cx)?;
    let behind = api::cursor(cx, NodeId::parse)?;
    let (farmer, month) = (cx.account()?, Month::of(cx.now));
    let limit = FARM_NODES_PER_PAGE + 1;
    let farm = dashboard::load(cx.db, farmer, month, MONTHS_DEFAULT, behind, limit)?;
    let days = revenue::by_day(cx.db, farmer.account, DAYS_SHOWN, cx.now)?;
    let tasks = farm_tasks::of(cx.db, farmer, cx.now)?;
    Ok(Farm::new(&visit, farm, &days, &tasks))
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

/// A node of whoever is signed in, as its page shows it.
pub(crate) fn own_node(cx: &Context<'_>, node: NodeId) -> Result<FarmNode, Problem> {
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
    let page = page.with_maintenance(&visit, &windows).with_sla_outlook(so_far, cx.now);
    // What nothing is offered of brings nothing at any price.
    if !page.can_offer || found.node.offer.total_slices() == 0 {
        return Ok(page);
    }
    let picture = comparisons::of_node(cx.db, &found.node.offer, cx.now)?;
    let study = Study::new(&found.node.offer, picture, None, cx.config.price_limits);
    Ok(page.with_price(PriceControl::new(&visit, &study)))
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
