//! A farmer's node beside similar ones, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod study;

use domain::id::NodeId;
use domain::money::Usd;
use http::StatusCode;
use store::comparisons;
use ui::ids::node_id;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use crate::market::json::{MarketView, read_price, read_question};
use crate::market::page::FarmMarket;
use crate::market::study::Study;
use crate::offering;

/// A node of whoever is signed in, beside similar ones, and a price that is asked about.
fn study(cx: &Context<'_>, node: NodeId, asked: Option<Usd>) -> Result<Study, Problem> {
    let (node, _) = offering::own_node(cx, node)?;
    let picture = comparisons::of_node(cx.db, &node.offer, cx.now)?;
    Ok(Study::new(&node.offer, picture, asked, cx.config.price_limits))
}

pub(crate) fn compare_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, asked) = read_question(cx)?;
    respond::json(StatusCode::OK, &MarketView::new(&study(cx, node, asked)?))
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let (asked, wrong) = match read_price(cx) {
        Ok(asked) => (asked, None),
        Err(wrong) => (None, Some(wrong)),
    };
    let study = study(cx, node, asked)?;
    let status = if wrong.is_none() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    respond::page(status, &FarmMarket::new(&Visit::of(cx)?, &study, wrong.as_ref()))
}
