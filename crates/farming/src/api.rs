//! The JSON API of a farmer's nodes.

use domain::field::FieldError;
use domain::id::NodeId;
use domain::listing::ListingEvent;
use http::StatusCode;
use store::nodes::{self, FarmNode};
use ui::ids::node_id;
use web::api::{self, PageOf};
use web::{Context, Kind, Problem, Response, json, respond};

use crate::adding::json::{AddedNodesView, grid_node_ids};
use crate::farm::json::{AddNodeBody, ChangeNodeBody, FarmNodeView, grid_node_id};
use crate::{adding, farm, offering};

pub(crate) fn list_nodes(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, NodeId::parse)?;
    let found = nodes::of_farmer(cx.db, cx.account()?, behind, limit + 1)?;
    let place = |node: &FarmNode| node.offer.node.to_string();
    let view = |node: &FarmNode| FarmNodeView::new(node, cx.now);
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, view))
}

pub(crate) fn add_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: AddNodeBody = json::body(cx.request)?;
    let wanted = match (body.grid_node_id, &body.grid_node_ids) {
        (Some(number), None) => {
            let (node, slices) = adding::add_node(cx, grid_node_id(number)?)?;
            return farm::answer_node(cx, StatusCode::CREATED, &node, &slices);
        }
        (None, Some(numbers)) => grid_node_ids(numbers)?,
        (None, None) | (Some(_), Some(_)) => {
            let rule = "either grid_node_id or grid_node_ids";
            return Err(FieldError::new("grid_node_id", rule).into());
        }
    };
    let view = AddedNodesView::new(&adding::add_nodes(cx, &wanted)?);
    if view.added == 0 {
        let nodes = serde_json::to_value(&view.nodes).map_err(Problem::internal)?;
        return Err(Problem::plain(Kind::NothingAdded).with("nodes", nodes));
    }
    respond::json(StatusCode::CREATED, &view)
}

pub(crate) fn show_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, slices) = offering::own_node(cx, node_id(cx.param("node"))?)?;
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
}

pub(crate) fn change_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ChangeNodeBody = json::body(cx.request)?;
    let (node, slices) = offering::change(cx, node_id(cx.param("node"))?, &body)?;
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
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
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
}
