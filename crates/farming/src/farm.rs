//! A farmer's farm and its nodes, on pages and in the API.

pub(crate) mod dashboard;
pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod sla;
pub(crate) mod to_do;

use http::StatusCode;
use store::jobs;
use store::leaving;
use store::nodes::{FarmNode, FarmSlice};
use web::{Context, Problem, Response, respond};

use crate::farm::json::FarmNodeWithSlices;

/// Answers a farmer's node, with the agents of its farm.
pub(crate) fn answer_node(
    cx: &Context<'_>,
    status: StatusCode,
    node: &FarmNode,
    slices: &[FarmSlice],
) -> Result<Response, Problem> {
    let agents = jobs::agents(cx.db, cx.account()?.account, node.offer.node)?;
    let cost = leaving::cost(cx.db, node, cx.now)?;
    respond::json(status, &FarmNodeWithSlices::new(node, slices, &agents, cost, cx.now))
}
