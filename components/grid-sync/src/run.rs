//! One run of the sync: every registered node, asked for in batches.

use std::collections::BTreeSet;

use domain::id::NodeId;
use domain::node::capacity;
use domain::time::Timestamp;
use edge::outbound::{self, Answer};
use grid::{Page, Upstreams};
use store::sync::{self, RefusedDocument, Run};
use store::{Db, StoreError};

/// How many batches one run asks for: 200 nodes each, so 10,000 nodes.
const BATCHES_MAX: usize = 50;

/// Syncs every registered node, and records the run.
pub(crate) fn sync(db: &impl Db, now: Timestamp) -> Result<Run, StoreError> {
    let mut run = Run {
        started_at: now,
        finished_at: now,
        upstream: None,
        updated: 0,
        missing: 0,
        refused: 0,
        failure: None,
    };
    match edge::config().and_then(|config| parse_upstreams(&config.gridproxy_urls)) {
        Ok(upstreams) => sync_batches(db, &upstreams, &mut run)?,
        Err(failure) => run.failure = Some(failure),
    }
    run.finished_at = edge::now();
    sync::record_run(db, &run)?;
    Ok(run)
}

fn parse_upstreams(list: &str) -> Result<Upstreams, String> {
    Upstreams::parse(list).map_err(|error| error.to_string())
}

fn sync_batches(db: &impl Db, upstreams: &Upstreams, run: &mut Run) -> Result<(), StoreError> {
    let batch_size = u32::try_from(grid::NODES_PER_REQUEST_MAX).unwrap_or(u32::MAX);
    let mut behind = None;
    for _ in 0..BATCHES_MAX {
        let batch = sync::registered(db, behind, batch_size)?;
        let Some(last) = batch.last() else { return Ok(()) };
        behind = Some(*last);
        for (asked, path) in grid::nodes_paths(&batch) {
            match fetch(upstreams, &path, run) {
                Ok(page) => save(db, asked, page, run)?,
                Err(failure) => {
                    run.failure = Some(failure);
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// Asks each upstream in turn, until one gives a list of nodes.
fn fetch(upstreams: &Upstreams, path: &str, run: &mut Run) -> Result<Page, String> {
    let mut failures = Vec::new();
    for base in upstreams.bases() {
        let failure = match outbound::get(&format!("{base}{path}")) {
            Ok(Answer { status: 200, body }) => match grid::parse_nodes(&body) {
                Ok(page) => {
                    run.upstream = Some(base.to_owned());
                    return Ok(page);
                }
                Err(error) => error.to_string(),
            },
            Ok(Answer { status, .. }) => format!("status {status}"),
            Err(failure) => failure,
        };
        failures.push(format!("{base}: {failure}"));
    }
    Err(failures.join("; "))
}

/// Keeps what a batch says. A node that was asked for and is neither reported nor refused is one
/// that the grid no longer lists.
fn save(db: &impl Db, asked: &[NodeId], page: Page, run: &mut Run) -> Result<(), StoreError> {
    let mut unseen: BTreeSet<NodeId> = asked.iter().copied().collect();
    let mut reports = Vec::new();
    for report in page.nodes {
        if unseen.remove(&report.id) {
            let capacity = capacity(&report);
            reports.push((report, capacity));
        }
    }
    let mut refused = Vec::new();
    for document in page.refused {
        run.refused += 1;
        let Some(node_id) = document.node_id else { continue };
        unseen.remove(&NodeId(node_id));
        let (reason, excerpt) = (document.reason, document.excerpt);
        refused.push(RefusedDocument { node_id, reason, excerpt });
    }
    let missing: Vec<NodeId> = unseen.into_iter().collect();
    run.updated += count(reports.len());
    run.missing += count(missing.len());
    sync::save_reports(db, &reports, run.started_at)?;
    sync::save_missing(db, &missing, run.started_at)?;
    sync::save_refused(db, &refused, run.started_at)
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
