//! Asking the grid: its servers in turn, until one gives an answer that can be used.

use domain::breaker::{Breaker, to_ask};
use domain::id::NodeId;
use domain::node::NodeReport;
use grid::{DocumentError, Page, Upstreams};
use store::farms::GridFarm;
use store::sync_runs;
use web::env::Answer;
use web::{Context, Kind, Problem};

/// The document of a node.
pub(crate) fn node(cx: &Context<'_>, node: NodeId) -> Result<NodeReport, Problem> {
    let mut failures = Vec::new();
    for url in upstreams(cx)?.urls(&grid::node_path(node)) {
        match cx.outbound.get(&url) {
            Ok(Answer { status: 200, body }) => return read(node, &body),
            Ok(Answer { status: 404, body }) if grid::parse_error(&body).is_some() => {
                let detail = format!("the grid has no node {}", node.0);
                return Err(Problem::new(Kind::NoSuchGridNode, detail));
            }
            Ok(Answer { status, .. }) => failures.push(format!("{url}: status {status}")),
            Err(failure) => failures.push(format!("{url}: {failure}")),
        }
    }
    Err(unreachable(&failures))
}

fn read(node: NodeId, body: &[u8]) -> Result<NodeReport, Problem> {
    let unusable = |why: String| {
        let detail = format!("the grid's data for {node} is invalid: {why}");
        Problem::new(Kind::UnusableDocument, detail)
    };
    let report = grid::parse_node(body).map_err(|error| unusable(error.to_string()))?;
    if report.id == node {
        Ok(report)
    } else {
        Err(unusable("it belongs to another node".to_owned()))
    }
}

/// The documents of several nodes, of which one request asks for all.
pub(crate) fn nodes(cx: &Context<'_>, nodes: &[NodeId]) -> Result<Page, Problem> {
    let mut all = Page::default();
    for (_, path) in grid::nodes_paths(nodes) {
        let page = list(cx, &path, grid::parse_nodes)?;
        all.nodes.extend(page.nodes);
        all.refused.extend(page.refused);
    }
    Ok(all)
}

/// The first nodes of a farm.
pub(crate) fn nodes_of(cx: &Context<'_>, farm: u32, count: usize) -> Result<Page, Problem> {
    list(cx, &grid::farm_nodes_path(farm, count), grid::parse_nodes)
}

/// A farm, and whose it is on the grid.
pub(crate) fn farm(cx: &Context<'_>, id: u32) -> Result<GridFarm, Problem> {
    let found = list(cx, &grid::farm_path(id), |body| grid::find_farm(body, id))?;
    let farm = found
        .ok_or_else(|| Problem::new(Kind::NoSuchGridFarm, format!("the grid has no farm {id}")))?;
    let twin = farm.twin_id;
    let account = list(cx, &grid::twin_path(twin), |body| grid::find_account(body, twin))?;
    let account = account.ok_or_else(|| {
        let detail = format!("farm {id} belongs to twin {twin}, which the grid doesn't have");
        Problem::new(Kind::UnusableDocument, detail)
    })?;
    Ok(GridFarm { id, name: farm.name, twin, account })
}

fn list<T>(
    cx: &Context<'_>,
    path: &str,
    read: impl Fn(&[u8]) -> Result<T, DocumentError>,
) -> Result<T, Problem> {
    let mut failures = Vec::new();
    for url in upstreams(cx)?.urls(path) {
        match cx.outbound.get(&url) {
            Ok(Answer { status: 200, body }) => match read(&body) {
                Ok(value) => return Ok(value),
                Err(error) => failures.push(format!("{url}: {error}")),
            },
            Ok(Answer { status, .. }) => failures.push(format!("{url}: status {status}")),
            Err(failure) => failures.push(format!("{url}: {failure}")),
        }
    }
    Err(unreachable(&failures))
}

/// The servers to ask, in their order: those that the sync leaves alone keep nobody waiting.
fn upstreams(cx: &Context<'_>) -> Result<Upstreams, Problem> {
    let all = Upstreams::parse(&cx.config.gridproxy_urls).map_err(Problem::internal)?;
    let known = sync_runs::upstreams(cx.db)?;
    let breaker = |base: &str| {
        let found = known.iter().find(|server| server.base == base);
        found.map_or_else(Breaker::closed, |server| server.breaker)
    };
    let breakers: Vec<Breaker> = all.bases().map(breaker).collect();
    Ok(all.chosen(&to_ask(&breakers, cx.now)))
}

fn unreachable(failures: &[String]) -> Problem {
    let cause = Some(failures.join("; "));
    Problem { cause, ..Problem::plain(Kind::GridUnreachable) }
}
