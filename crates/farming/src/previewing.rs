//! Looking at nodes before they are added, and adding several; for programs and people alike.

use std::collections::BTreeMap;

use domain::id::NodeId;
use domain::money::Usd;
use grid::Page;
use http::StatusCode;
use store::farms;
use ui::done::Done;
use ui::visit::Visit;
use web::api::CURRENCY;
use web::form::{self, keep};
use web::limit::{self, NODE_PREVIEWS};
use web::{Context, Problem, Response, respond};

use crate::adding;
use crate::adding::json::{
    GridNodeView, GridNodesView, Held, NODES_AT_ONCE_MAX, PreviewTarget, PreviewedNode,
    preview_target, price,
};
use crate::adding::page::{AddNodes, NodesForm};

/// What was looked at.
struct Preview {
    price: Usd,
    nodes: Vec<PreviewedNode>,
    has_more: bool,
}

fn load_preview(cx: &Context<'_>) -> Result<Preview, Problem> {
    let field = |name: &str| cx.query(name).unwrap_or_default();
    let mut wrong = Vec::new();
    let description = keep(&mut wrong, preview_target(&field("ids"), &field("farm")));
    let price = keep(&mut wrong, price(&field("price"), cx.config.price_limits));
    let (Some(description), Some(price)) = (description, price) else {
        return Err(Problem::fields(wrong));
    };
    limit::spend(cx, &limit::by_account(cx, NODE_PREVIEWS, cx.account()?))?;
    let (page, asked) = match description {
        PreviewTarget::Nodes(ids) => (crate::asking::nodes(cx, &ids)?, ids),
        PreviewTarget::Farm(farm) => {
            (crate::asking::nodes_of(cx, farm, NODES_AT_ONCE_MAX + 1)?, Vec::new())
        }
    };
    let mut nodes = check_nodes(cx, page, &asked)?;
    let has_more = nodes.len() > NODES_AT_ONCE_MAX;
    nodes.truncate(NODES_AT_ONCE_MAX);
    Ok(Preview { price, nodes, has_more })
}

/// What each node could offer, and whether whoever looks can add it. Nodes that were asked for and
/// are not among the documents are shown as such.
fn check_nodes(
    cx: &Context<'_>,
    page: Page,
    asked: &[NodeId],
) -> Result<Vec<PreviewedNode>, Problem> {
    let unknown = |node: &NodeId| format!("the grid has no node {}", node.0);
    let mut all: BTreeMap<NodeId, _> =
        asked.iter().map(|node| (*node, Err(unknown(node)))).collect();
    for refused in page.refused {
        if let Some(node) = refused.node_id {
            let why = format!("the grid's data is invalid: {}", refused.reason);
            all.insert(NodeId(node), Err(why));
        }
    }
    all.extend(page.nodes.into_iter().map(|report| (report.id, Ok(report))));
    let viewer = cx.account()?.account;
    let ids: Vec<NodeId> = all.keys().copied().collect();
    let farmers = farms::farmers(cx.db, &ids)?;
    let of = all.values().filter_map(|report| report.as_ref().ok()).map(|report| report.farm_id);
    let owners = farms::owners(cx.db, of)?;
    let preview = |(node, report): (NodeId, Result<domain::node::NodeReport, String>)| {
        let farm = report.as_ref().map_or(0, |report| report.farm_id);
        let owner = owners.get(&farm);
        PreviewedNode {
            node,
            registered: Held::by(farmers.get(&node.0), viewer),
            verified: Held::by(owner, viewer),
            refused: adding::may_offer(cx, owner.copied(), "").err().map(|problem| problem.kind),
            report,
        }
    };
    Ok(all.into_iter().map(preview).collect())
}

pub(crate) fn preview(cx: &Context<'_>) -> Result<Response, Problem> {
    let preview = load_preview(cx)?;
    let view = GridNodesView {
        price_per_month: preview.price.to_string(),
        currency: CURRENCY,
        items: preview.nodes.iter().map(|node| GridNodeView::new(node, preview.price)).collect(),
        has_more: preview.has_more,
    };
    respond::json(StatusCode::OK, &view)
}

/// The page that adds nodes. Without anything to look at it is the form alone.
pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    let empty = blank(cx)?;
    if cx.query("ids").is_none() && cx.query("farm").is_none() {
        return respond::page(StatusCode::OK, &empty);
    }
    match load_preview(cx) {
        Ok(preview) => {
            let page = empty.shows(&preview.nodes, preview.price, preview.has_more);
            respond::page(StatusCode::OK, &page)
        }
        Err(problem) => form::refused(problem, |problem| Ok(empty.refused(problem))),
    }
}

/// The page with its form as it was sent, and the farms whose nodes a link shows.
fn blank(cx: &Context<'_>) -> Result<AddNodes, Problem> {
    let own = farms::of_owner(cx.db, cx.account()?, None, FARMS_SHOWN)?;
    Ok(AddNodes::new(&Visit::of(cx)?, &own))
}

/// How many of a farmer's farms have a link of their own.
const FARMS_SHOWN: u32 = 20;

/// Adds those that are checked. Where some were not, the page says which and why.
pub(crate) fn add(cx: &Context<'_>) -> Result<Response, Problem> {
    let try_add = |form: NodesForm| adding::add_nodes(cx, &form.nodes()?);
    match form::body(cx.request).and_then(try_add) {
        Ok(outcomes) if outcomes.iter().all(|(_, outcome)| outcome.is_ok()) => {
            Ok(respond::see_other(&Done::NodesAdded.at("/dashboard/farm")))
        }
        Ok(outcomes) => respond::page(StatusCode::OK, &blank(cx)?.added(&outcomes)),
        Err(problem) => form::refused(problem, |problem| Ok(blank(cx)?.refused(problem))),
    }
}
