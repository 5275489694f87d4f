//! A node that leaves the market: the notice, and taking it back.

pub(crate) mod json;
pub(crate) mod page;

use domain::id::NodeId;
use domain::offering::unlocked;
use http::StatusCode;
use store::leaving;
use ui::done::Done;
use ui::ids::node_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond};

use crate::leaving::json::LeaveBody;
use crate::leaving::page::Leave;
use crate::{farm, offering};

pub(crate) fn leave_market(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let body: LeaveBody = web::json::optional_body(cx.request)?;
    offering::count_change(cx, node)?;
    leaving::withdraw(cx.db, cx.account()?, node, body.read()?, cx.now)?;
    answer(cx, node)
}

pub(crate) fn cancel_leave_by_api(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    cancel_leave(cx, node)?;
    answer(cx, node)
}

fn answer(cx: &Context<'_>, node: NodeId) -> Result<Response, Problem> {
    let (node, slices) = offering::own_node(cx, node)?;
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
}

/// Takes the notice of a node back, or brings it back after it has left.
fn cancel_leave(cx: &Context<'_>, node: NodeId) -> Result<(), Problem> {
    let (node, _) = offering::own_node(cx, node)?;
    offering::count_change(cx, node.offer.node)?;
    unlocked(&node.seen())?;
    if leaving::cancel_leave(cx.db, node.offer.farmer, node.offer.node, cx.now)? {
        Ok(())
    } else {
        Err(Problem::plain(Kind::NotLeaving))
    }
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Leave, Problem> {
    let visit = Visit::live(cx)?;
    let (node, slices) = offering::own_node(cx, node_id(cx.param("node"))?)?;
    let cost = leaving::cost(cx.db, &node, cx.now)?;
    Ok(Leave::new(&visit, &node, &slices, cost))
}

pub(crate) fn withdraw(cx: &Context<'_>) -> Result<Response, Problem> {
    redirect(cx, Done::LeaveAnnounced, try_leave(cx))
}

fn try_leave(cx: &Context<'_>) -> Result<(), Problem> {
    let body: LeaveBody = Form::read(cx.request).without_empty(&["leaves_at"]).body()?;
    let node = node_id(cx.param("node"))?;
    offering::count_change(cx, node)?;
    Ok(leaving::withdraw(cx.db, cx.account()?, node, body.read()?, cx.now)?)
}

pub(crate) fn keep(cx: &Context<'_>) -> Result<Response, Problem> {
    redirect(cx, Done::LeaveCanceled, cancel_leave(cx, node_id(cx.param("node"))?))
}

/// Goes on to the page where the form did its work; else shows it again, with why not.
fn redirect(
    cx: &Context<'_>,
    done: Done,
    result: Result<(), Problem>,
) -> Result<Response, Problem> {
    match result {
        Ok(()) => {
            let node = node_id(cx.param("node"))?;
            Ok(respond::see_other(&done.at(&format!("/dashboard/farm/nodes/{node}/leave"))))
        }
        Err(problem) => form::refused(problem, |problem| {
            Ok(own_page(cx)?.refused(&Form::read(cx.request), problem))
        }),
    }
}
