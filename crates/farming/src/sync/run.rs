//! One run of the sync: registered nodes, asked for page by page, from where the last run stopped.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::NodeId;
use domain::node::NodeReport;
use domain::reconciliation::{Known, Observation, Seen, is_mass_failure, reconcile};
use domain::recurring::SYNC_PAGE;
use domain::scan::{ScanCursor, Step};
use grid::{Page, Refused};
use store::StoreError;
use store::sync::{self, RefusedDocument};
use store::sync_runs::{self, Lease, Run};
use web::job::{log, milliseconds};
use web::{Env, JobError};

use super::ask::{Grid, Quality};

/// How many nodes are loaded, asked for and kept at once.
const PAGE_SIZE: u32 = SYNC_PAGE.count;
const _: () = assert!(PAGE_SIZE as usize <= grid::NODES_PER_REQUEST_MAX, "one request for a page");

/// Syncs what there is time for, and records the run. While another one goes on, or
/// where one has just been, nothing is done.
pub(crate) fn sync(env: &Env<'_>) -> Result<(), JobError> {
    let Some(lease) = sync_runs::begin(env.db, env.now)? else {
        log("grid-sync: another run goes on, or has just been");
        return Ok(());
    };
    let mut run = Run::begun(&lease, env.now);
    let outcome = match Grid::new(env) {
        Ok(grid) => go_round(env, &lease, grid, &mut run),
        Err(failure) => {
            run.failure = Some(failure.to_string());
            Ok(())
        }
    };
    if let Err(error) = &outcome {
        run.failure = Some(error.to_string());
    }
    run.finished_at = env.clock.now();
    sync_runs::end(env.db, &run)?;
    log(&format!(
        "grid-sync updated={} changed={} missing={} refused={} requests={} waited={} ms read={} ms \
         wrote={} ms failure={:?}",
        run.updated,
        run.changed,
        run.missing,
        run.refused,
        run.requests,
        run.waited_ms,
        run.read_ms,
        run.wrote_ms,
        run.failure
    ));
    Ok(outcome?)
}

/// Goes through the registered nodes from where the last run stopped, once around; or until its
/// time is over, or nobody answers.
fn go_round(
    env: &Env<'_>,
    lease: &Lease,
    mut grid: Grid<'_>,
    run: &mut Run,
) -> Result<(), StoreError> {
    let mut cursor = ScanCursor::begin(lease.behind);
    while !grid.is_spent() {
        let (behind, now) = (cursor.behind(), run.started_at);
        let found = timed(env, run, || sync::registered(env.db, behind, PAGE_SIZE, now))?;
        let step = cursor.advance(found, |known| known.id);
        run.behind = cursor.behind();
        let page = match step {
            Step::Page(page) => page,
            Step::Around => continue,
            Step::Over => break,
        };
        if let Err(failure) = observe(env, lease, &mut grid, &page, run)? {
            run.failure = Some(failure);
            break;
        }
        // By the clock, and not by when the run began: a long one keeps its lease.
        let is_ours = timed(env, run, || {
            sync_runs::save_cursor(env.db, lease, cursor.behind(), env.clock.now())
        })?;
        if !is_ours {
            run.failure = Some("another run has begun".to_owned());
            break;
        }
    }
    run.requests = grid.requests;
    run.waited_ms = milliseconds(grid.waited);
    run.read_ms = milliseconds(grid.read);
    grid.end()
}

/// Does something with the database, and counts how long that takes.
fn timed<T>(env: &Env<'_>, run: &mut Run, act: impl FnOnce() -> T) -> T {
    let began = env.clock.elapsed();
    let done = act();
    run.wrote_ms =
        run.wrote_ms.saturating_add(milliseconds(env.clock.elapsed().saturating_sub(began)));
    done
}

/// Asks for a page of nodes, and keeps what is said of them. The inner error is the grid's.
fn observe(
    env: &Env<'_>,
    lease: &Lease,
    grid: &mut Grid<'_>,
    page: &[Known],
    run: &mut Run,
) -> Result<Result<(), String>, StoreError> {
    let asked: Vec<NodeId> = page.iter().map(|known| known.id).collect();
    let Some((_, path)) = grid::nodes_paths(&asked).next() else { return Ok(Ok(())) };
    let read = |body: &[u8]| {
        let found = grid::parse_nodes(body).map_err(|error| error.to_string())?;
        Ok(if found.is_suspiciously_empty(&asked) {
            Quality::Doubtful(found)
        } else if is_mass_failure(looks(page, &found), env.now) {
            Quality::Alarming(found)
        } else {
            Quality::Good(found)
        })
    };
    match grid.ask(&path, read) {
        Ok((answer, base)) => {
            run.upstream = Some(base);
            save(env, lease, page, answer, run).map(Ok)
        }
        Err(failure) => Ok(Err(failure)),
    }
}

/// What an answer says of each node that was asked for, but for those whose documents were refused.
fn looks<'a>(page: &'a [Known], answer: &'a Page) -> impl Iterator<Item = (&'a Known, Seen<'a>)> {
    let reports: BTreeMap<NodeId, &NodeReport> =
        answer.nodes.iter().map(|report| (report.id, report)).collect();
    page.iter().filter_map(move |known| {
        if let Some(report) = reports.get(&known.id) {
            return Some((known, Seen::Listed(report)));
        }
        let is_refused = |document: &Refused| document.node_id == Some(known.id.0);
        (!answer.refused.iter().any(is_refused)).then_some((known, Seen::Unlisted))
    })
}

/// Keeps what an answer says of the nodes that were asked for; what it says of others is nobody's
/// business. A node that is neither reported nor refused is one that the grid does not list.
fn save(
    env: &Env<'_>,
    lease: &Lease,
    page: &[Known],
    answer: Page,
    run: &mut Run,
) -> Result<(), StoreError> {
    let now = run.started_at;
    let all: Vec<NodeId> = page.iter().map(|known| known.id).collect();
    let is_empty = answer.is_suspiciously_empty(&all);
    let mut observations: Vec<Observation> = Vec::with_capacity(page.len());
    for (known, seen) in looks(page, &answer) {
        match seen {
            Seen::Listed(_) => run.updated += 1,
            Seen::Unlisted => run.missing += 1,
        }
        let observation = reconcile(known, seen, now);
        // An index that has lost everything says nothing of a node.
        observations.push(if is_empty {
            Observation { is_up: None, is_down: None, ..observation }
        } else {
            observation
        });
    }
    run.refused += count(answer.refused.len());
    let asked: BTreeSet<u32> = all.iter().map(|node| node.0).collect();
    let refused: Vec<RefusedDocument> = answer
        .refused
        .into_iter()
        .filter_map(|document| {
            let node_id = document.node_id.filter(|node| asked.contains(node))?;
            let (reason, excerpt) = (document.reason, document.excerpt);
            Some(RefusedDocument { node_id, reason, excerpt })
        })
        .collect();
    run.changed +=
        count(observations.iter().filter(|observation| observation.change.is_some()).count());
    timed(env, run, || {
        sync::save(env.db, &observations, Some(lease.fence), now)?;
        if refused.is_empty() {
            return Ok(());
        }
        sync::quarantine(env.db, &refused, Some(lease.fence), now)
    })
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
