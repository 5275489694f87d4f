//! Registering nodes: the real documents are fetched, and say what each can provide.

pub(crate) mod json;
pub(crate) mod page;

use std::collections::BTreeMap;

use domain::id::NodeId;
use domain::node::{NodeReport, capacity};
use store::farms;
use store::nodes::{self, FarmNode, FarmSlice};
use web::{Context, FarmClaims, Kind, Problem};

use crate::{asking, offering};

/// Nodes, and what became of each.
pub(crate) type Outcomes = Vec<(NodeId, Result<(), Problem>)>;

/// Registers a node of the grid as a draft of whoever is signed in.
pub(crate) fn add_node(
    cx: &Context<'_>,
    node: NodeId,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    cx.account()?;
    if nodes::farmer_of(cx.db, node)?.is_some() {
        return Err(taken(node));
    }
    register(cx, &asking::node(cx, node)?)?;
    offering::own_node(cx, node)
}

/// Registers several nodes, and says what became of each. If it is of none, that is the problem.
pub(crate) fn add_nodes(cx: &Context<'_>, wanted: &[NodeId]) -> Result<Outcomes, Problem> {
    cx.account()?;
    let page = asking::nodes(cx, wanted)?;
    let reports: BTreeMap<NodeId, NodeReport> =
        page.nodes.into_iter().map(|report| (report.id, report)).collect();
    let refused: BTreeMap<u32, String> =
        page.refused.into_iter().filter_map(|it| Some((it.node_id?, it.reason))).collect();
    let outcome = |node: NodeId| match (reports.get(&node), refused.get(&node.0)) {
        (Some(report), _) => register(cx, report),
        (None, Some(why)) => {
            let detail = format!("the grid's data for {node} is invalid: {why}");
            Err(Problem::new(Kind::UnusableDocument, detail))
        }
        (None, None) => {
            let detail = format!("the grid has no node {}", node.0);
            Err(Problem::new(Kind::NoSuchGridNode, detail))
        }
    };
    let outcomes: Outcomes = wanted.iter().map(|node| (*node, outcome(*node))).collect();
    // What is wrong with us is no outcome of a node.
    let failed = |(_, outcome): &(NodeId, Result<(), Problem>)| {
        outcome.as_ref().err().filter(|it| matches!(it.kind, Kind::Internal | Kind::Busy)).cloned()
    };
    match outcomes.iter().find_map(failed) {
        Some(problem) => Err(problem),
        None => Ok(outcomes),
    }
}

fn register(cx: &Context<'_>, report: &NodeReport) -> Result<(), Problem> {
    let (identity, node) = (cx.account()?, report.id);
    if let Some(farm) = identity.farm().filter(|farm| *farm != report.farm_id) {
        let detail =
            format!("this token is limited to farm {farm}, and {node} belongs to another farm");
        return Err(Problem::new(Kind::MissingScope, detail));
    }
    if nodes::farmer_of(cx.db, node)?.is_some() {
        return Err(taken(node));
    }
    let may = || {
        let owner = farms::owner(cx.db, report.farm_id)?;
        may_offer(cx, owner, &format!("{node} belongs to farm {}", report.farm_id))
    };
    may()?;
    let (name, capacity) = (node.to_string(), capacity(report));
    match nodes::register(cx.db, identity.account, &name, report, &capacity, cx.now) {
        Ok(true) => Ok(()),
        Ok(false) => Err(taken(node)),
        // Perhaps somebody has just verified the farm.
        Err(error) => Err(may().err().unwrap_or_else(|| error.into())),
    }
}

/// Refuses whoever may not offer nodes of a farm that `owner` has verified; `which` begins the
/// sentence that says so.
pub(crate) fn may_offer(
    cx: &Context<'_>,
    owner: Option<domain::id::AccountId>,
    which: &str,
) -> Result<(), Problem> {
    let refuse = |kind: Kind, why: &str| {
        Err(Problem::new(kind, format!("{which}, which {why}. {}", kind.advice())))
    };
    match owner {
        Some(owner) if owner == cx.account()?.account => Ok(()),
        Some(_) => refuse(Kind::FarmVerifiedByAnother, "another account has verified"),
        None => match cx.config.farm_claims {
            FarmClaims::Open => Ok(()),
            FarmClaims::Required => refuse(Kind::FarmNotVerified, "you haven't verified"),
        },
    }
}

pub(crate) fn taken(node: NodeId) -> Problem {
    Problem::new(
        Kind::NodeTaken,
        format!("{node} is already registered. {}", Kind::NodeTaken.advice()),
    )
}
