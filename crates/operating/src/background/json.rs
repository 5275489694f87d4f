//! What the operator sees of the sync with the grid and of recurring jobs.

use domain::breaker::Circuit;
use domain::recurring::{ALL, RecurringJob};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use store::job_runs::JobRun;
use store::sync::{Oversold, RefusedDocument};
use store::sync_runs::{Run, Upstream};
use web::api::PAGING;
use web::operation::{Access, Operation, schema_of};

const GROUP: &str = "Operator";

/// `GET /api/admin/sync-runs`
pub(crate) const LIST_SYNC_RUNS: Operation = Operation {
    id: "listSyncRuns",
    group: GROUP,
    path: "/api/admin/sync-runs",
    summary: "Returns grid sync runs, servers, quarantined documents and oversold nodes.",
    access: Access::Operator,
    query: &PAGING,
    about_answer: "A page of runs, newest first, and the current state.",
    answer: Some(schema_of::<SyncRunsView>),
    ..Operation::READ
};

/// `GET /api/admin/jobs`
pub(crate) const LIST_RECURRING_JOBS: Operation = Operation {
    id: "listRecurringJobs",
    group: GROUP,
    path: "/api/admin/jobs",
    summary: "Lists the recurring jobs with their last run and backlog.",
    access: Access::Operator,
    about_answer: "All recurring jobs, in the order they run.",
    answer: Some(schema_of::<RecurringJobsView>),
    ..Operation::READ
};

/// The history of the sync, and how things are now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SyncRunsView {
    /// A page of runs, the newest first.
    pub runs: Vec<RunView>,
    /// What to send as `cursor` for the next page of runs; null on the last one.
    pub next_cursor: Option<String>,
    /// The grid's servers that were asked.
    pub upstreams: Vec<UpstreamView>,
    /// Documents that could not be used, by node; up to 100.
    pub quarantine: Vec<QuarantineView>,
    /// Nodes on which more is rented than they can carry; up to 100.
    pub oversold: Vec<OversoldView>,
}

/// A run of the sync.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RunView {
    /// When it began (RFC 3339).
    pub started_at: String,
    /// When it was done (RFC 3339).
    pub finished_at: String,
    /// The base URL that answered last; null where none did.
    pub upstream: Option<String>,
    /// Nodes that the grid has reported.
    pub updated: u32,
    /// Nodes of which something else is known by that.
    pub changed: u32,
    /// Nodes that the grid does not list.
    pub missing: u32,
    /// Documents that could not be used.
    pub refused: u32,
    /// What went wrong; null for a whole run.
    pub failure: Option<String>,
    /// The node behind which the next run goes on; null where this one has looked at all.
    pub continues_after: Option<String>,
    /// Requests that were sent.
    pub requests: u32,
    /// How long was waited for answers, in milliseconds.
    pub waited_ms: u32,
    /// How long answers were read, in milliseconds.
    pub read_ms: u32,
    /// How long the database took, in milliseconds.
    pub wrote_ms: u32,
}

impl RunView {
    /// Shows a run.
    pub(crate) fn new(run: &Run) -> RunView {
        RunView {
            started_at: run.started_at.to_string(),
            finished_at: run.finished_at.to_string(),
            upstream: run.upstream.clone(),
            updated: run.updated,
            changed: run.changed,
            missing: run.missing,
            refused: run.refused,
            failure: run.failure.clone(),
            continues_after: run.behind.map(|node| node.to_string()),
            requests: run.requests,
            waited_ms: run.waited_ms,
            read_ms: run.read_ms,
            wrote_ms: run.wrote_ms,
        }
    }
}

/// A server of the grid.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UpstreamView {
    /// Its base URL.
    pub url: String,
    /// `closed`: it is asked. `open`: it has failed again and again, and is left alone for a while.
    /// `half-open`: it is tried again.
    pub circuit: &'static str,
    /// How often it has failed in a row.
    pub failures: u32,
    /// Until when it is left alone (RFC 3339); null where it is asked.
    pub skipped_until: Option<String>,
    /// When it last answered (RFC 3339).
    pub succeeded_at: Option<String>,
    /// When it last failed (RFC 3339).
    pub failed_at: Option<String>,
    /// What went wrong then.
    pub failure: Option<String>,
}

impl UpstreamView {
    /// Shows a server.
    pub(crate) fn new(server: &Upstream, now: Timestamp) -> UpstreamView {
        let circuit = server.breaker.circuit(now);
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        UpstreamView {
            url: server.base.clone(),
            circuit: circuit.into_str(),
            failures: server.breaker.failures,
            skipped_until: text(
                Some(server.breaker.open_until).filter(|_| circuit == Circuit::Open),
            ),
            succeeded_at: text(server.succeeded_at),
            failed_at: text(server.failed_at),
            failure: server.failure.clone(),
        }
    }
}

/// A document that could not be used.
#[derive(Serialize, JsonSchema)]
pub(crate) struct QuarantineView {
    /// The node that it is of.
    pub node_id: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its beginning.
    pub excerpt: String,
}

impl QuarantineView {
    /// Shows a document in quarantine.
    pub(crate) fn new(document: &RefusedDocument) -> QuarantineView {
        QuarantineView {
            node_id: format!("node{}", document.node_id),
            reason: document.reason.clone(),
            excerpt: document.excerpt.clone(),
        }
    }
}

/// A node on which more is rented than it can carry.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OversoldView {
    /// The node.
    pub node_id: String,
    /// Its farmer's address.
    pub farmer: String,
    /// Rented slices.
    pub allocated_slices: u32,
    /// How many of them too many.
    pub oversold_slices: u32,
    /// When the grid last said so (RFC 3339).
    pub seen_at: String,
}

impl OversoldView {
    /// Shows a node.
    pub(crate) fn new(node: &Oversold) -> OversoldView {
        OversoldView {
            node_id: node.node.to_string(),
            farmer: node.farmer.clone(),
            allocated_slices: node.sold,
            oversold_slices: node.over,
            seen_at: node.synced_at.to_string(),
        }
    }
}

/// Every recurring job.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecurringJobsView {
    /// In the order in which they are done.
    pub jobs: Vec<RecurringJobView>,
}

impl RecurringJobsView {
    /// Shows the last runs, as `done` has them, and what `waits` for the next ones.
    pub(crate) fn new(
        done: impl Fn(&str) -> Option<JobRun>,
        waits: impl Fn(&str) -> Option<u64>,
        now: Timestamp,
    ) -> RecurringJobsView {
        let show = |job: &&'static RecurringJob| {
            let run = done(job.name);
            let last = run.as_ref().map(|run| run.started_at);
            RecurringJobView {
                name: job.name,
                component: job.by.into_str(),
                schedule: job.by.cron_expression(),
                every_seconds: job.every_seconds.max(job.by.period_seconds()),
                does: job.does,
                bounded: job.bounded(),
                resumed: job.resumed,
                last_run_at: last.map(|at| at.to_string()),
                next_run_at: job.next(last, now).to_string(),
                took_ms: run.as_ref().map(|run| run.took_ms),
                runs: run.as_ref().map_or(0, |run| run.runs),
                failing_since: run
                    .as_ref()
                    .and_then(|run| run.failing_since)
                    .map(|at| at.to_string()),
                failure: run.and_then(|run| run.failure),
                backlog: waits(job.name),
            }
        };
        RecurringJobsView { jobs: ALL.iter().map(show).collect() }
    }
}

/// Something that is done again and again.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecurringJobView {
    /// Its name.
    pub name: &'static str,
    /// The component that does it.
    pub component: &'static str,
    /// When that is woken: seconds, minutes, hours, days, months and days of the week.
    pub schedule: &'static str,
    /// How many seconds are at least between two runs.
    pub every_seconds: i64,
    /// What it does.
    pub does: &'static str,
    /// What bounds one run.
    pub bounded: String,
    /// How the next run goes on.
    pub resumed: &'static str,
    /// When it was last begun (RFC 3339); null where it never was.
    pub last_run_at: Option<String>,
    /// When it is begun next (RFC 3339).
    pub next_run_at: String,
    /// How long the last run took, in milliseconds.
    pub took_ms: Option<u32>,
    /// How often it was done.
    pub runs: u64,
    /// Since when it has failed every time (RFC 3339); null where it does not.
    pub failing_since: Option<String>,
    /// What went wrong the last time; null where nothing did.
    pub failure: Option<String>,
    /// How much waits for it, up to 10,000; null where nothing can.
    pub backlog: Option<u64>,
}
