//! When recurring jobs were last done, how it went, and what waits for them.

use std::collections::BTreeMap;

use domain::provisioning::BY_HAND_SECONDS;
use domain::recurring;
use domain::time::Timestamp;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// The longest text of a failure that is kept.
const FAILURE_CHARS_MAX: usize = 500;
/// Of how many jobs runs are read.
const JOBS_MAX: u32 = 200;

row! {
    /// The last run of a recurring job.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct JobRun {
        /// When a run last took it on, which may not be done yet; `None` for a job that every run
        /// of its component does.
        pub begun_at: Option<Timestamp> = "begun_at",
        /// When the last run began that is done.
        pub started_at: Timestamp = "started_at",
        /// How long it took.
        pub took_ms: u32 = "took_ms",
        /// What went wrong, if something did.
        pub failure: Option<String> = "failure",
        /// Since when it has failed every time.
        pub failing_since: Option<Timestamp> = "failing_since",
        /// How often it was done.
        pub runs: u64 = "runs",
    }
}

row! {
    /// A job with its last run.
    struct Job {
        name: String = "name",
        run: JobRun,
    }
}

/// The last run of each job, by its name: `?1` of them at most.
const ALL: &str = select!(
    Job,
    "FROM job_runs
     ORDER BY name LIMIT ?1"
);

/// The last run of each job that was ever done, by its name.
pub fn all(db: &dyn Db) -> Result<BTreeMap<String, JobRun>, StoreError> {
    let jobs: Vec<Job> = db.all(ALL, &[JOBS_MAX.into()])?;
    Ok(jobs.into_iter().map(|Job { name, run }| (name, run)).collect())
}

/// A job that is to be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Begin {
    /// Its name.
    pub name: &'static str,
    /// When it was last begun, as far as is known, in POSIX seconds.
    pub last_begun_at: Option<i64>,
}

/// Begins at `?2` those of the jobs of the JSON array `?1` that nobody has begun meanwhile.
const BEGIN: &str = "
    INSERT INTO job_runs (name, begun_at, started_at, took_ms, runs)
    SELECT value ->> 'name', ?2, ?2, 0, 0
      FROM json_each(?1)
     WHERE (SELECT begun_at FROM job_runs WHERE name = value ->> 'name')
           IS value ->> 'last_begun_at'
        ON CONFLICT (name) DO UPDATE SET begun_at = excluded.begun_at
    RETURNING name";

/// Begins jobs, so that no other run does them as well: one that takes long is still going on when
/// its component is woken again. Answers the names of those that nobody else has begun.
pub fn begin(db: &dyn Db, jobs: &[Begin], now: Timestamp) -> Result<Vec<String>, StoreError> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = serde_json::to_string(jobs).expect("numbers and text can be written as JSON");
    db.all(BEGIN, &[Value::Text(jobs), now.into()])
}

/// A job that was just done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Its name.
    pub name: &'static str,
    /// How long it took.
    pub took_ms: u32,
    /// What went wrong, if something did.
    pub failure: Option<String>,
}

/// Keeps that the jobs of the JSON array `?1` were begun at `?2`.
const RECORD: &str = "
    INSERT INTO job_runs (name, started_at, took_ms, failure, failing_since)
    SELECT value ->> 'name', ?2, value ->> 'took_ms', value ->> 'failure',
           iif(value ->> 'failure' IS NULL, NULL, ?2)
      FROM json_each(?1) WHERE true
        ON CONFLICT (name) DO UPDATE
       SET started_at = excluded.started_at, took_ms = excluded.took_ms,
           failure = excluded.failure,
           failing_since = iif(excluded.failure IS NULL, NULL,
                               coalesce(failing_since, excluded.failing_since)),
           runs = runs + 1";

/// Keeps how jobs went: one row for each, whatever happens.
pub fn record(db: &dyn Db, done: &[Done], now: Timestamp) -> Result<(), StoreError> {
    if done.is_empty() {
        return Ok(());
    }
    let cut = |done: &Done| Done {
        failure: done.failure.as_ref().map(|text| text.chars().take(FAILURE_CHARS_MAX).collect()),
        ..done.clone()
    };
    let done: Vec<Done> = done.iter().map(cut).collect();
    let done = serde_json::to_string(&done).expect("numbers and text can be written as JSON");
    db.run(RECORD, &[Value::Text(done), now.into()]).map(drop)
}

/// More than this is not counted of what waits for a job.
pub const BACKLOG_MAX: u64 = 10_000;

/// What waits at `?1` for the jobs that can be behind, each up to `?2`; what farmers do by hand is
/// late `?3` seconds later. Each count is served by the index that the job itself uses.
const BACKLOG: &str = "
    SELECT 'refund rentals without access', (SELECT count(*) FROM (
               SELECT 1 FROM jobs
                WHERE state IN ('waiting', 'leased', 'failed') AND refund_at <= ?1 LIMIT ?2))
     UNION ALL
    SELECT 'expire', (SELECT count(*) FROM (
               SELECT 1 FROM rentals
                WHERE state = 'active' AND state <> 'ended' AND ends_at <= ?1 LIMIT ?2))
     UNION ALL
    SELECT 'earn', (SELECT count(*) FROM (
               SELECT 1 FROM rentals
                WHERE earns_at <= ?1
                  AND NOT EXISTS (SELECT 1 FROM jobs j
                                   WHERE j.rental_id = rentals.id AND j.kind = 'create'
                                     AND j.state IN ('needs-key', 'waiting', 'leased', 'failed'))
                LIMIT ?2))
     UNION ALL
    SELECT 'check farms', (SELECT count(*) FROM (
               SELECT 1 FROM farms WHERE checked_at <= ?1 - 3600 LIMIT ?2))
     UNION ALL
    SELECT 'sync', (SELECT count(*) FROM (
               SELECT 1 FROM nodes WHERE id > (SELECT behind FROM sync_state WHERE behind > 0)
                LIMIT ?2))
     UNION ALL
    SELECT 'deliver mails', (SELECT count(*) FROM (
               SELECT 1 FROM mails WHERE state = 'waiting' AND due_at <= ?1 LIMIT ?2))
     UNION ALL
    SELECT 'release holds', (SELECT count(*) FROM (
               SELECT 1 FROM quotes WHERE held_until <= ?1 LIMIT ?2))
     UNION ALL
    SELECT 'apply price increases', (SELECT count(*) FROM (
               SELECT 1 FROM nodes WHERE pending_price_at <= ?1 AND locked_by IS NULL LIMIT ?2))
     UNION ALL
    SELECT 'notify of late jobs', (SELECT count(*) FROM (
               SELECT 1 FROM jobs
                WHERE notified_at IS NULL AND state IN ('waiting', 'leased', 'failed')
                  AND late_at <= ?1 AND late_at + is_by_hand * ?3 <= ?1 LIMIT ?2))
     UNION ALL
    SELECT 'seal the audit log', (SELECT count(*) FROM (
               SELECT 1 FROM audit
                WHERE id > (SELECT coalesce(max(audit_id), 0) FROM audit_seals) LIMIT ?2))
     UNION ALL
    SELECT 'check SLA at risk', (SELECT count(*) FROM (
               SELECT 1 FROM node_months WHERE evaluated_down <> observed - observed_up LIMIT ?2))
     UNION ALL
    SELECT 'create notifications', (SELECT count(*) FROM (
               SELECT 1 FROM events WHERE id > (SELECT event_id FROM notification_cursor) LIMIT ?2))
     UNION ALL
    SELECT 'deliver messages', (SELECT count(*) FROM (
               SELECT 1 FROM webhook_deliveries
                WHERE state = 'waiting' AND due_at <= ?1 LIMIT ?2))";

/// What waits for the jobs that can be behind, by their name, up to `BACKLOG_MAX` each.
pub fn backlog(db: &dyn Db, now: Timestamp) -> Result<BTreeMap<String, u64>, StoreError> {
    let limit = i64::try_from(BACKLOG_MAX).unwrap_or(i64::MAX);
    let params = [now.into(), limit.into(), BY_HAND_SECONDS.into()];
    Ok(db.all(BACKLOG, &params)?.into_iter().collect())
}

/// Moves what no reader holds back from the write-ahead log into the database. Without one it does
/// nothing.
const CHECKPOINT: &str = "PRAGMA wal_checkpoint";

/// Lets the database look at tables that have grown since it last did, at a sample of each.
const OPTIMIZE: &str = "PRAGMA optimize";

/// Whether so much has happened that what the database would find holds for a while: a market that
/// is small grows faster than it is looked at, and its indexes serve it well as they are.
const IS_GROWN: &str = "SELECT 1 FROM events WHERE id >= ?1 LIMIT 1";
/// From how many events on it has.
const EVENTS_GROWN: i64 = 10_000;

/// Moves what is in the write-ahead log into the database; `false` where the database does this
/// itself, and takes no such statement.
pub fn checkpoint(db: &dyn Db) -> Result<bool, StoreError> {
    run_maintenance(db, CHECKPOINT)
}

/// Lets the database look anew at tables that have grown; `false` as above, and in a market that is
/// small.
pub fn optimize(db: &dyn Db) -> Result<bool, StoreError> {
    let is_grown = db.has_row(IS_GROWN, &[EVENTS_GROWN.into()])?;
    if is_grown { run_maintenance(db, OPTIMIZE) } else { Ok(false) }
}

fn run_maintenance(db: &dyn Db, sql: &'static str) -> Result<bool, StoreError> {
    match db.run(sql, &[]) {
        Ok(_) => Ok(true),
        // libSQL takes neither: its server does both.
        Err(StoreError::Failed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Up to `?2` agents that were not seen since `?1` are forgotten.
const SWEEP_AGENTS: &str = "
    DELETE FROM agents WHERE (account_id, farm_id, name) IN (
        SELECT account_id, farm_id, name FROM agents WHERE seen_at < ?1 LIMIT ?2)";

/// Whether there are any that were not seen since `?1`: a read, so that most runs write nothing.
const HAS_OLD_AGENTS: &str = "SELECT 1 FROM agents WHERE seen_at < ?1 LIMIT 1";

/// For how long an agent is remembered after it was last seen: 90 days.
const AGENTS_KEPT_SECONDS: i64 = 90 * 24 * 60 * 60;

/// Forgets agents that were not seen for long; a bounded number each time.
pub fn sweep_agents(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-AGENTS_KEPT_SECONDS);
    if db.has_row(HAS_OLD_AGENTS, &[before.into()])? {
        db.run(SWEEP_AGENTS, &[before.into(), recurring::SWEEP_AGENTS.limit().into()])?;
    }
    Ok(())
}
