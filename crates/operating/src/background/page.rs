//! How the sync with the grid goes, `/operator/sync`, and recurring jobs, `/operator/jobs`.

use std::collections::BTreeMap;

use askama::Template;
use domain::breaker::Circuit;
use domain::recurring::{ALL, RecurringJob, RunBy};
use domain::time::Timestamp;
use store::job_runs::{BACKLOG_MAX, JobRun};
use store::sync::{Oversold, RefusedDocument};
use store::sync_runs::{Run, Upstream};
use strum::VariantArray;
use ui::moment;
use ui::visit::Visit;
use web::api::PageOf;
use web::page::{Badge, Frame, Moment, Section, Tone};
use web::text::{counted, grouped};

/// What `operator_sync.html` shows: servers, quarantine, oversold nodes, and a page of runs.
#[derive(Clone, Debug, Template)]
#[template(path = "background/operator_sync.html")]
pub(crate) struct OperatorSync {
    /// What surrounds the page.
    pub frame: Frame,
    /// The grid's servers.
    pub upstreams: Vec<UpstreamRow>,
    /// Nodes on which too much is rented.
    pub oversold: Vec<OversoldRow>,
    /// Documents that could not be used.
    pub quarantine: Vec<QuarantineRow>,
    /// A page of runs, the newest first.
    pub runs: Vec<SyncRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A server of the grid.
#[derive(Clone, Debug)]
pub(crate) struct UpstreamRow {
    /// Its base URL.
    pub url: String,
    /// Such as `answers` or `left alone`.
    pub state: Badge,
    /// Until when it is left alone.
    pub until: Option<Moment>,
    /// When it last answered.
    pub succeeded_at: Option<Moment>,
    /// When it last failed.
    pub failed_at: Option<Moment>,
    /// What went wrong then; may be empty.
    pub failure: String,
}

/// A node on which too much is rented.
#[derive(Clone, Debug)]
pub(crate) struct OversoldRow {
    /// Such as `node32`.
    pub node: String,
    /// What its farmer calls it.
    pub name: String,
    /// The farmer's address.
    pub farmer: String,
    /// Such as `1 of 3 slices`.
    pub over: String,
    /// When the grid last said so.
    pub at: Moment,
}

/// A document that could not be used.
#[derive(Clone, Debug)]
pub(crate) struct QuarantineRow {
    /// Such as `node32`.
    pub node: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its beginning.
    pub excerpt: String,
}

/// A run of the sync.
#[derive(Clone, Debug)]
pub(crate) struct SyncRow {
    /// When it began.
    pub at: Moment,
    /// Such as `complete`, `goes on behind node600` or `failed`.
    pub state: Badge,
    /// What went wrong; may be empty.
    pub failure: String,
    /// Such as `5,000 nodes, 12 changed, 1 missing, 0 refused`.
    pub counts: String,
    /// Such as `12 s: 25 requests, waited 9,800 ms, read 400 ms, wrote 900 ms`.
    pub took: String,
    /// Who answered last; may be empty.
    pub upstream: String,
}

/// What `operator_jobs.html` shows: every recurring job.
#[derive(Clone, Debug, Template)]
#[template(path = "background/operator_jobs.html")]
pub(crate) struct OperatorJobs {
    /// What surrounds the page.
    pub frame: Frame,
    /// Components, each with its jobs in the order in which it does them.
    pub components: Vec<JobGroup>,
}

/// The jobs of a component.
#[derive(Clone, Debug)]
pub(crate) struct JobGroup {
    /// Its name.
    pub name: &'static str,
    /// Such as `every 5 minutes`.
    pub schedule: &'static str,
    /// In the order in which they are done.
    pub jobs: Vec<JobRow>,
}

/// A recurring job.
#[derive(Clone, Debug)]
pub(crate) struct JobRow {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
    /// What bounds one run, and how the next one goes on.
    pub how: String,
    /// Such as `done`, `late` or `failed`.
    pub state: Badge,
    /// What went wrong; may be empty.
    pub failure: String,
    /// When it was last done.
    pub last: Option<Moment>,
    /// How long that took, such as `12 ms`; may be empty.
    pub took: String,
    /// When it is done next.
    pub next: Moment,
    /// How much waits, such as `3`; may be empty.
    pub backlog: String,
}

/// How many runs of the sync one page shows.
pub(crate) const SYNC_RUNS_PER_PAGE: u32 = 50;

/// How many periods of its own a job may be behind before that is shown.
const LATE_PERIODS: i64 = 3;

/// How the sync stands, as the store gives it.
pub(crate) struct SyncStanding {
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
    pub(crate) fn new(visit: &Visit<'_>, standing: SyncStanding) -> OperatorSync {
        let place = |run: &Run| run.id.to_string();
        let page =
            PageOf::new(visit.search, standing.runs, SYNC_RUNS_PER_PAGE, place, SyncRow::new);
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
    pub(crate) fn new(server: &Upstream, now: Timestamp) -> UpstreamRow {
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
    pub(crate) fn new(node: &Oversold) -> OversoldRow {
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
    pub(crate) fn new(document: &RefusedDocument) -> QuarantineRow {
        QuarantineRow {
            node: format!("node{}", document.node_id),
            reason: document.reason.clone(),
            excerpt: document.excerpt.clone(),
        }
    }
}

/// How a run went.
pub(crate) fn outcome(run: &Run) -> Badge {
    match (&run.failure, run.behind) {
        (Some(_), _) => Badge::new("failed", Tone::Bad),
        (None, Some(node)) => Badge::new(format!("continues after {node}"), Tone::Warn),
        (None, None) => Badge::new("complete", Tone::Good),
    }
}

/// What a run found.
pub(crate) fn counts(run: &Run) -> String {
    let Run { updated, changed, missing, refused, .. } = run;
    let nodes = counted(*updated, "node");
    format!("{nodes}, {} changed, {missing} missing, {refused} rejected", grouped(changed))
}

impl SyncRow {
    pub(crate) fn new(run: &Run) -> SyncRow {
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
    pub(crate) fn new(
        visit: &Visit<'_>,
        runs: &BTreeMap<String, JobRun>,
        backlog: &BTreeMap<String, u64>,
    ) -> OperatorJobs {
        let row = |job: &&'static RecurringJob| {
            JobRow::new(job, runs.get(job.name), backlog.get(job.name).copied(), visit.now)
        };
        let group = |by: RunBy| JobGroup {
            name: by.into_str(),
            schedule: match by {
                RunBy::GridSync => "every 5 minutes",
                RunBy::Clock | RunBy::Mailer | RunBy::Notifier => "every 10 seconds",
            },
            jobs: ALL.iter().filter(|job| job.by == by).map(row).collect(),
        };
        OperatorJobs {
            frame: visit.frame("Recurring jobs", Section::Operator),
            components: RunBy::VARIANTS.iter().copied().map(group).collect(),
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
    pub(crate) fn new(
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
