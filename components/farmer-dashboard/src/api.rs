//! The JSON API of a farmer's nodes.

use domain::id::NodeId;
use domain::listing::ListingEvent;
use edge::Context;
use http::StatusCode;
use store::nodes::{self, FarmNode};
use web::api::farm::{
    AddNodeBody, ChangeNodeBody, FarmNodeView, FarmNodeWithSlices, grid_node_id, node_id,
};
use web::api::{self, PageOf};
use web::{Problem, Response, json, respond};

use crate::{adding, offering};

pub(crate) fn list_nodes(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, NodeId::parse)?;
    let found = nodes::of_farmer(cx.db, cx.account()?, behind, limit + 1)?;
    let place = |node: &FarmNode| node.offer.node.to_string();
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, FarmNodeView::new))
}

pub(crate) fn add_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: AddNodeBody = json::body(cx.request)?;
    let (node, slices) = adding::add_node(cx, grid_node_id(body.grid_node_id)?)?;
    respond::json(StatusCode::CREATED, &FarmNodeWithSlices::new(&node, &slices))
}

pub(crate) fn show_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, slices) = offering::own_node(cx, node_id(cx.param("node"))?)?;
    respond::json(StatusCode::OK, &FarmNodeWithSlices::new(&node, &slices))
}

pub(crate) fn change_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ChangeNodeBody = json::body(cx.request)?;
    let (node, slices) = offering::change(cx, node_id(cx.param("node"))?, &body)?;
    respond::json(StatusCode::OK, &FarmNodeWithSlices::new(&node, &slices))
}

pub(crate) fn publish_node(cx: &Context<'_>) -> Result<Response, Problem> {
    set_listing(cx, ListingEvent::Publish)
}

pub(crate) fn pause_node(cx: &Context<'_>) -> Result<Response, Problem> {
    set_listing(cx, ListingEvent::Pause)
}

fn set_listing(cx: &Context<'_>, event: ListingEvent) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let (node, slices) = offering::set_listing(cx, node, event, None)?;
    respond::json(StatusCode::OK, &FarmNodeWithSlices::new(&node, &slices))
}
