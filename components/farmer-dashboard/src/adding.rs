//! Registering a node: the real document is fetched, and says what the node can provide.

use domain::id::NodeId;
use domain::node::{NodeReport, capacity};
use edge::Context;
use edge::outbound::{self, Answer};
use grid::Upstreams;
use store::nodes::{self, FarmNode, FarmSlice};
use web::{Kind, Problem};

use crate::offering;

/// Registers a node of the grid as a draft of whoever is signed in.
pub(crate) fn add_node(
    cx: &Context<'_>,
    node: NodeId,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let identity = cx.account()?;
    if nodes::farmer_of(cx.db, node)?.is_some() {
        return Err(taken(node));
    }
    let report = fetch(cx, node)?;
    if let Some(farm) = identity.farm().filter(|farm| *farm != report.farm_id) {
        let detail = format!("this token is for farm {farm}, and {node} is of another one");
        return Err(Problem::new(Kind::MissingScope, detail));
    }
    let farmer = identity.account;
    let capacity = capacity(&report);
    if !nodes::register(cx.db, farmer, &node.to_string(), &report, &capacity, cx.now)? {
        return Err(taken(node));
    }
    offering::own_node(cx, node)
}

fn taken(node: NodeId) -> Problem {
    Problem::new(
        Kind::NodeTaken,
        format!("{node} is registered already. {}", Kind::NodeTaken.advice()),
    )
}

fn fetch(cx: &Context<'_>, node: NodeId) -> Result<NodeReport, Problem> {
    let upstreams = Upstreams::parse(&cx.config.gridproxy_urls).map_err(Problem::internal)?;
    let mut failures = Vec::new();
    for url in upstreams.urls(&grid::node_path(node)) {
        match outbound::get(&url) {
            Ok(Answer { status: 200, body }) => return read(node, &body),
            Ok(Answer { status: 404, body }) if grid::parse_error(&body).is_some() => {
                let detail = format!("the grid does not know a node {}", node.0);
                return Err(Problem::new(Kind::NoSuchGridNode, detail));
            }
            Ok(Answer { status, .. }) => failures.push(format!("{url}: status {status}")),
            Err(failure) => failures.push(format!("{url}: {failure}")),
        }
    }
    let cause = Some(failures.join("; "));
    Err(Problem { cause, ..Problem::plain(Kind::GridUnreachable) })
}

fn read(node: NodeId, body: &[u8]) -> Result<NodeReport, Problem> {
    let unusable = |why: String| {
        let detail = format!("the grid's document of {node} cannot be used: {why}");
        Problem::new(Kind::UnusableDocument, detail)
    };
    let report = grid::parse_node(body).map_err(|error| unusable(error.to_string()))?;
    if report.id == node { Ok(report) } else { Err(unusable("it is of another node".to_owned())) }
}
