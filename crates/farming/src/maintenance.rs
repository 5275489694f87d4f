//! Maintenance of a farmer's nodes, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::id::{MaintenanceId, NodeId};
use http::StatusCode;
use store::maintenance::{self, Maintenance};
use ui::done::Done;
use ui::ids::node_id;
use ui::node::MaintenanceView;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::maintenance::json::{MaintenanceBody, maintenance_id};
use crate::maintenance::page::{Maintenance as MaintenancePage, WindowForm};
use crate::offering::json::{parse_cursor, print_cursor};
use crate::offering::own_node;
use crate::offering::page::HISTORY_PER_PAGE;

/// Announces a window of a node of whoever is signed in.
fn announce(cx: &Context<'_>, body: &MaintenanceBody) -> Result<Maintenance, Problem> {
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let window = body.read(cx.now).map_err(Problem::fields)?;
    let id = MaintenanceId::from_random(cx.now, cx.random.id());
    Ok(maintenance::announce(cx.db, cx.account()?, node.offer.node, id, window, cx.now)?)
}

/// Cancels the window that the path names.
fn cancel(cx: &Context<'_>) -> Result<NodeId, Problem> {
    let node = node_id(cx.param("node"))?;
    let id = maintenance_id(cx.param("maintenance"))?;
    if maintenance::cancel(cx.db, cx.account()?, node, id, cx.now)? {
        Ok(node)
    } else {
        Err(Problem::not_found())
    }
}

/// The windows of a node behind the request's cursor: one more than `limit`, if there are more.
fn list(cx: &Context<'_>, node: NodeId, limit: u32) -> Result<Vec<Maintenance>, Problem> {
    let behind = api::cursor(cx, parse_cursor)?;
    Ok(maintenance::list(cx.db, cx.account()?, node, behind, limit + 1)?)
}

pub(crate) fn list_maintenance(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let found = list(cx, node.offer.node, limit)?;
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, print_cursor, MaintenanceView::new),
    )
}

pub(crate) fn announce_maintenance(cx: &Context<'_>) -> Result<Response, Problem> {
    let announced = announce(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &MaintenanceView::new(&announced))
}

pub(crate) fn cancel_maintenance(cx: &Context<'_>) -> Result<Response, Problem> {
    cancel(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<MaintenancePage, Problem> {
    let visit = Visit::live(cx)?;
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let found = list(cx, node.offer.node, HISTORY_PER_PAGE)?;
    Ok(MaintenancePage::new(&visit, &node, found))
}

pub(crate) fn announce_by_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|form: WindowForm| announce(cx, &form.body())) {
        Ok(_) => Ok(redirect(Done::MaintenanceAnnounced, node_id(cx.param("node"))?)),
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.refused(&form, problem))),
    }
}

pub(crate) fn cancel_by_form(cx: &Context<'_>) -> Result<Response, Problem> {
    match cancel(cx) {
        Ok(node) => Ok(redirect(Done::MaintenanceCanceled, node)),
        Err(problem) => form::refused(problem, |problem| {
            Ok(own_page(cx)?.refused(&Form::read(cx.request), problem))
        }),
    }
}

fn redirect(done: Done, node: NodeId) -> Response {
    respond::see_other(&done.at(&format!("/dashboard/farm/nodes/{node}/maintenance")))
}
