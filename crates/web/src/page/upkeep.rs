//! How the sync with the grid goes, `/operator/sync`, and recurring jobs, `/operator/jobs`.

use askama::Template;

use super::{Badge, Frame, Moment};

/// What `operator_sync.html` shows: servers, quarantine, oversold nodes, and a page of runs.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_sync.html")]
pub struct OperatorSync {
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
pub struct UpstreamRow {
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
pub struct OversoldRow {
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
pub struct QuarantineRow {
    /// Such as `node32`.
    pub node: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its beginning.
    pub excerpt: String,
}

/// A run of the sync.
#[derive(Clone, Debug)]
pub struct SyncRow {
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
#[template(path = "operator_jobs.html")]
pub struct OperatorJobs {
    /// What surrounds the page.
    pub frame: Frame,
    /// Components, each with its jobs in the order in which it does them.
    pub components: Vec<JobGroup>,
}

/// The jobs of a component.
#[derive(Clone, Debug)]
pub struct JobGroup {
    /// Its name.
    pub name: &'static str,
    /// Such as `every 5 minutes`.
    pub schedule: &'static str,
    /// In the order in which they are done.
    pub jobs: Vec<JobRow>,
}

/// A recurring job.
#[derive(Clone, Debug)]
pub struct JobRow {
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
