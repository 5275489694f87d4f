//! Fills the operator's pages of the sync and of recurring jobs.

use std::collections::BTreeMap;

use domain::breaker::Circuit;
use domain::recurring::{ALL, RecurringJob, RunBy};
use domain::time::Timestamp;
use store::job_runs::{BACKLOG_MAX, JobRun};
use store::sync::{Oversold, RefusedDocument};
use store::sync_runs::{Run, Upstream};

use crate::api::PageOf;
use crate::page::{
    Badge, JobGroup, JobRow, OperatorJobs, OperatorSync, OversoldRow, QuarantineRow, Section,
    SyncRow, Tone, UpstreamRow,
};
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::{counted, grouped};

/// How many runs of the sync one page shows.
pub const SYNC_RUNS_PER_PAGE: u32 = 50;
/// How many periods of its own a job may be behind before that is shown.
const LATE_PERIODS: i64 = 3;

/// How the sync stands, as the store gives it.
pub struct SyncStanding {
    /// The grid's servers.
    pub upstreams: Vec<Upstream>,
    /// Nodes on which too much is rented.
    pub oversold: Vec<Oversold>,
    /// Documents that could not be used.
    pub quarantine: Vec<RefusedDocument>,
    /// One run more than a page holds, if there are more.
    pub runs: Vec<Run>,
}

impl OperatorSync {
    /// How the sync goes.
    pub fn new(visit: &Visit<'_>, standing: SyncStanding) -> OperatorSync {
        let place = |run: &Run| run.id.to_string();
        let page = PageOf::new(standing.runs, SYNC_RUNS_PER_PAGE, place, SyncRow::new);
        let upstream = |it: &Upstream| UpstreamRow::new(it, visit.now);
        OperatorSync {
            frame: visit.frame("Grid sync", Section::Operator),
            upstreams: standing.upstreams.iter().map(upstream).collect(),
            oversold: standing.oversold.iter().map(OversoldRow::new).collect(),
            quarantine: standing.quarantine.iter().map(QuarantineRow::new).collect(),
            runs: page.items,
            next_page: visit.next_page("/operator/sync", page.next_cursor),
        }
    }
}

impl UpstreamRow {
    fn new(server: &Upstream, now: Timestamp) -> UpstreamRow {
        let circuit = server.breaker.circuit(now);
        let is_open = circuit == Circuit::Open;
        UpstreamRow {
            url: server.base.clone(),
            state: match (circuit, server.breaker.failures) {
                (Circuit::Closed, 0) => Badge::new("answers", Tone::Good),
                (Circuit::Closed, count) => {
                    Badge::new(format!("failed {}", counted(count, "time")), Tone::Warn)
                }
                (Circuit::Open, _) => Badge::new("paused", Tone::Bad),
                (Circuit::HalfOpen, _) => Badge::new("retrying", Tone::Warn),
            },
            until: is_open.then(|| moment::to_the_minute(server.breaker.open_until)),
            succeeded_at: server.succeeded_at.map(moment::to_the_minute),
            failed_at: server.failed_at.map(moment::to_the_minute),
            failure: server.failure.clone().unwrap_or_default(),
        }
    }
}

impl OversoldRow {
    fn new(node: &Oversold) -> OversoldRow {
        OversoldRow {
            node: node.node.to_string(),
            name: node.name.clone(),
            farmer: node.farmer.clone(),
            over: format!("{} of {}", grouped(node.over), counted(node.sold, "slice")),
            at: moment::to_the_minute(node.synced_at),
        }
    }
}

impl QuarantineRow {
    fn new(document: &RefusedDocument) -> QuarantineRow {
        QuarantineRow {
            node: format!("node{}", document.node_id),
            reason: document.reason.clone(),
            excerpt: document.excerpt.clone(),
        }
    }
}

/// How a run went.
pub(super) fn outcome(run: &Run) -> Badge {
    match (&run.failure, run.behind) {
        (Some(_), _) => Badge::new("failed", Tone::Bad),
        (None, Some(node)) => Badge::new(format!("continues after {node}"), Tone::Warn),
        (None, None) => Badge::new("complete", Tone::Good),
    }
}

/// What a run found.
pub(super) fn counts(run: &Run) -> String {
    let Run { updated, changed, missing, refused, .. } = run;
    let nodes = counted(*updated, "node");
    format!("{nodes}, {} changed, {missing} missing, {refused} rejected", grouped(changed))
}

impl SyncRow {
    fn new(run: &Run) -> SyncRow {
        let [waited, read, wrote] = [run.waited_ms, run.read_ms, run.wrote_ms].map(grouped);
        let seconds = run.finished_at.seconds_since(run.started_at).max(0);
        SyncRow {
            at: moment::to_the_minute(run.started_at),
            state: outcome(run),
            failure: run.failure.clone().unwrap_or_default(),
            counts: counts(run),
            took: format!(
                "{seconds} s: {}, waited {waited} ms, read {read} ms, wrote {wrote} ms",
                counted(run.requests, "request")
            ),
            upstream: run.upstream.clone().unwrap_or_default(),
        }
    }
}

impl OperatorJobs {
    /// Every recurring job: when it was last done, and what waits for it.
    pub fn new(
        visit: &Visit<'_>,
        runs: &BTreeMap<String, JobRun>,
        backlog: &BTreeMap<String, u64>,
    ) -> OperatorJobs {
        let row = |job: &&'static RecurringJob| {
            JobRow::new(job, runs.get(job.name), backlog.get(job.name).copied(), visit.now)
        };
        let group = |by: RunBy| JobGroup {
            name: by.as_str(),
            schedule: match by {
                RunBy::GridSync => "every 5 minutes",
                RunBy::Clock | RunBy::Mailer | RunBy::Notifier => "every 10 seconds",
            },
            jobs: ALL.iter().filter(|job| job.by == by).map(row).collect(),
        };
        OperatorJobs {
            frame: visit.frame("Recurring jobs", Section::Operator),
            components: RunBy::ALL.into_iter().map(group).collect(),
        }
    }
}

/// How often a job is done that its component does not do each time it is woken, as a sentence.
fn interval(job: &RecurringJob) -> String {
    let minutes = u32::try_from(job.every_seconds / 60).unwrap_or(u32::MAX);
    match minutes {
        0 => String::new(),
        60 => "Every hour. ".to_owned(),
        _ => format!("Every {}. ", counted(minutes, "minute")),
    }
}

impl JobRow {
    fn new(
        job: &'static RecurringJob,
        run: Option<&JobRun>,
        backlog: Option<u64>,
        now: Timestamp,
    ) -> JobRow {
        let last = run.map(|run| run.started_at);
        let period = job.every_seconds.max(job.by.period_seconds());
        let is_late = last.is_some_and(|last| now.seconds_since(last) > period * LATE_PERIODS);
        let failing_since = run.and_then(|run| run.failing_since);
        JobRow {
            name: job.name,
            does: job.does,
            how: format!("{}Limit per run: {}; {}.", interval(job), job.bounded(), job.resumed),
            state: match (last, failing_since) {
                (None, _) => Badge::new("not yet", Tone::Plain),
                (_, Some(since)) => {
                    let since = moment::to_the_minute(since).text;
                    Badge::new(format!("failing since {since}"), Tone::Bad)
                }
                (Some(_), None) if is_late => Badge::new("late", Tone::Bad),
                (Some(_), None) => Badge::new("done", Tone::Good),
            },
            failure: run.and_then(|run| run.failure.clone()).unwrap_or_default(),
            last: last.map(moment::to_the_minute),
            took: run.map(|run| format!("{} ms", grouped(run.took_ms))).unwrap_or_default(),
            next: moment::to_the_minute(job.next(last, now)),
            backlog: match backlog {
                None => String::new(),
                Some(BACKLOG_MAX) => format!("{} or more", grouped(BACKLOG_MAX)),
                Some(count) => grouped(count),
            },
        }
    }
}
