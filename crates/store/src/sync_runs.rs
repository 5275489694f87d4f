//! Who may sync, how far it came, how runs went, and which servers of the grid answer.

use domain::breaker::Breaker;
use domain::id::NodeId;
use domain::recurring::SWEEP_SYNC;
use domain::time::Timestamp;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::row::{fields, returning, row, select};

/// For how long a run keeps others from beginning after it last wrote: longer than one page takes,
/// and shorter than the time between two runs.
pub const LEASE_SECONDS: i64 = 4 * 60;
/// Runs that look at all are begun so far apart. Where two hosts wake the sync at one time, each by
/// its own clock, it is done once.
pub const APART_SECONDS: i64 = 60;
/// How long runs are remembered: 90 days.
const KEPT_SECONDS: i64 = 90 * 24 * 60 * 60;

row! {
    /// The right to sync.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Lease {
        /// Counts runs; what carries another one is refused.
        pub fence: i64 = "fence",
        /// The node behind which to begin; `None` for the first.
        pub behind: Option<NodeId> = "nullif(behind, 0)",
    }
}

/// Begins a run at `?1` if nobody holds the lease, for `?2` seconds. A lease that is over later
/// than any can be is one of a clock that was ahead, and over. What was left is gone on with at
/// once; otherwise runs are `?3` apart. No row: somebody else syncs, or just has.
const BEGIN: &str = returning!(
    "UPDATE sync_state SET fence = fence + 1, begun_at = ?1, leased_until = ?1 + ?2
      WHERE id = 1 AND (leased_until <= ?1 OR leased_until > ?1 + ?2)
        AND (behind <> 0 OR abs(begun_at - ?1) >= ?3)",
    Lease
);

/// Begins a run; `None` while another one goes on, and where one has just been.
pub fn begin(db: &dyn Db, now: Timestamp) -> Result<Option<Lease>, StoreError> {
    let params = [now.into(), LEASE_SECONDS.into(), APART_SECONDS.into()];
    db.first(BEGIN, &params)
}

fn write_behind(node: Option<NodeId>) -> Value {
    node.map_or(0, |node| node.0).into()
}

/// The run `?1` has come to the node `?2`, and goes on until `?3`. No row: another one has begun.
const GO_ON: &str = "
    UPDATE sync_state SET behind = ?2, leased_until = ?3 WHERE id = 1 AND fence = ?1
 RETURNING fence";

/// Keeps how far a run came, so that the next one goes on there whatever becomes of this one;
/// `false` where another one has begun.
pub fn save_cursor(
    db: &dyn Db,
    lease: &Lease,
    behind: Option<NodeId>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let until = now.plus_seconds(LEASE_SECONDS);
    let params = [lease.fence.into(), write_behind(behind), until.into()];
    db.has_row(GO_ON, &params)
}

row! {
    /// A run of the sync.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Run {
        /// Its number in the history; 0 before it is there.
        pub id: i64 = "id",
        /// Its fence; `None` of one from before there were any.
        pub fence: Option<i64> = "fence",
        /// When it began.
        pub started_at: Timestamp = "started_at",
        /// When it was done.
        pub finished_at: Timestamp = "finished_at",
        /// The base URL that answered last.
        pub upstream: Option<String> = "upstream",
        /// Nodes that the grid has reported.
        pub updated: u32 = "updated",
        /// Nodes of which something else is known by that.
        pub changed: u32 = "changed",
        /// Nodes that the grid does not list.
        pub missing: u32 = "missing",
        /// Documents that could not be used.
        pub refused: u32 = "refused",
        /// What went wrong, if something did.
        pub failure: Option<String> = "failure",
        /// The node behind which the next run goes on; `None` where this one has looked at all.
        pub behind: Option<NodeId> = "nullif(behind, 0)",
        /// Requests that were sent.
        pub requests: u32 = "requests",
        /// How long was waited for answers.
        pub waited_ms: u32 = "waited_ms",
        /// How long answers were read.
        pub read_ms: u32 = "read_ms",
        /// How long was read from the database and written to it.
        pub wrote_ms: u32 = "wrote_ms",
    }
}

impl Run {
    /// A run that has just begun.
    pub fn begun(lease: &Lease, now: Timestamp) -> Run {
        Run {
            id: 0,
            fence: Some(lease.fence),
            started_at: now,
            finished_at: now,
            upstream: None,
            updated: 0,
            changed: 0,
            missing: 0,
            refused: 0,
            failure: None,
            behind: lease.behind,
            requests: 0,
            waited_ms: 0,
            read_ms: 0,
            wrote_ms: 0,
        }
    }
}

/// Records a run. Its lease is over by that, if it still has it.
const END: &str = "
    INSERT INTO sync_runs
           (fence, started_at, finished_at, upstream, updated, changed, missing, refused, failure,
            behind, requests, waited_ms, read_ms, wrote_ms)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// Records a run, and lets another one begin.
pub fn end(db: &dyn Db, run: &Run) -> Result<(), StoreError> {
    let params = [
        run.fence.into(),
        run.started_at.into(),
        run.finished_at.into(),
        run.upstream.as_deref().into(),
        run.updated.into(),
        run.changed.into(),
        run.missing.into(),
        run.refused.into(),
        run.failure.as_deref().into(),
        write_behind(run.behind),
        run.requests.into(),
        run.waited_ms.into(),
        run.read_ms.into(),
        run.wrote_ms.into(),
    ];
    db.run(END, &params).map(drop)
}

/// Up to `?2` runs before the number `?1`, the newest first.
const RUNS: &str = select!(Run, "FROM sync_runs WHERE id < ?1 ORDER BY id DESC LIMIT ?2");

/// A page of runs, the newest first: those before the number `before`.
pub fn list(db: &dyn Db, before: Option<i64>, limit: u32) -> Result<Vec<Run>, StoreError> {
    let params = [before.unwrap_or(i64::MAX).into(), limit.into()];
    db.all(RUNS, &params)
}

/// Deletes up to `?2` runs that ended before `?1`. Served by `sync_runs_by_end`.
const SWEEP: &str = "
    DELETE FROM sync_runs WHERE id IN (
        SELECT id FROM sync_runs WHERE finished_at < ?1 ORDER BY finished_at LIMIT ?2)";

/// Deletes runs of long ago; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-KEPT_SECONDS);
    db.run(SWEEP, &[before.into(), SWEEP_SYNC.limit().into()]).map(drop)
}

row! {
    /// A server of the grid, as runs have found it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Upstream {
        /// Its base URL.
        pub base: String = "base",
        /// Whether it is asked.
        pub breaker: Breaker = "failures, open_until",
        /// When it last answered.
        pub succeeded_at: Option<Timestamp> = "succeeded_at",
        /// When it last failed.
        pub failed_at: Option<Timestamp> = "failed_at",
        /// What went wrong then.
        pub failure: Option<String> = "failure",
    }
}

fields! { Breaker { failures: u32, open_until: Timestamp } }

impl Upstream {
    /// One that was never asked.
    pub fn new(base: &str) -> Upstream {
        Upstream {
            base: base.to_owned(),
            breaker: Breaker::closed(),
            succeeded_at: None,
            failed_at: None,
            failure: None,
        }
    }
}

/// Up to `?1` servers, by their URL.
const UPSTREAMS: &str = select!(Upstream, "FROM sync_upstreams ORDER BY base LIMIT ?1");

/// How many servers are remembered.
const UPSTREAMS_MAX: u32 = 50;

/// The servers that were asked, by their URL.
pub fn upstreams(db: &dyn Db) -> Result<Vec<Upstream>, StoreError> {
    db.all(UPSTREAMS, &[UPSTREAMS_MAX.into()])
}

/// Keeps what was found of the servers of the JSON array `?1`.
const SAVE_UPSTREAMS: &str = "
    INSERT INTO sync_upstreams (base, failures, open_until, succeeded_at, failed_at, failure)
    SELECT value ->> 'base', value ->> 'failures', value ->> 'open_until',
           value ->> 'succeeded_at', value ->> 'failed_at', value ->> 'failure'
      FROM json_each(?1) WHERE true
        ON CONFLICT (base) DO UPDATE
       SET failures = excluded.failures, open_until = excluded.open_until,
           succeeded_at = excluded.succeeded_at, failed_at = excluded.failed_at,
           failure = excluded.failure";

/// The longest text of a failure that is kept.
const FAILURE_CHARS_MAX: usize = 500;

/// Keeps what was found of servers.
pub fn save_upstreams(db: &dyn Db, upstreams: &[Upstream]) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct UpstreamRow<'a> {
        base: &'a str,
        failures: u32,
        open_until: i64,
        succeeded_at: Option<i64>,
        failed_at: Option<i64>,
        failure: Option<String>,
    }
    let row = |it: &'_ Upstream| {
        let failure = it.failure.as_ref();
        let row = UpstreamRow {
            base: &it.base,
            failures: it.breaker.failures,
            open_until: it.breaker.open_until.seconds(),
            succeeded_at: it.succeeded_at.map(Timestamp::seconds),
            failed_at: it.failed_at.map(Timestamp::seconds),
            failure: failure.map(|text| text.chars().take(FAILURE_CHARS_MAX).collect()),
        };
        serde_json::to_string(&row).expect("numbers and text can be written as JSON")
    };
    let rows = upstreams.iter().map(row).collect::<Vec<_>>().join(",");
    db.run(SAVE_UPSTREAMS, &[Value::Text(format!("[{rows}]"))]).map(drop)
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(SWEEP, "sync_runs_by_end")];
