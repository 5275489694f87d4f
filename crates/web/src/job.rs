//! Recurring jobs: what one is, and how one run of a component does those that are due.

use std::time::Duration;

use domain::recurring;
use store::StoreError;
use store::job_runs::{self, Done};

use crate::env::{Env, NoKeys};

/// Something that is done again and again. Its work is bounded; the next run goes on.
pub struct Job {
    /// Its name in `domain::recurring`.
    pub name: &'static str,
    /// What it does.
    pub run: fn(&Env<'_>) -> Result<(), JobError>,
}

/// Why a job was not done. It names no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JobError(pub String);

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> JobError {
        JobError(error.to_string())
    }
}

impl From<NoKeys> for JobError {
    fn from(error: NoKeys) -> JobError {
        JobError(error.to_string())
    }
}

impl JobError {
    /// Those that failed, one by one; one that fails does not keep the others from being done.
    pub fn of_each<I: ToString, E: ToString>(
        failed: impl IntoIterator<Item = (I, E)>,
    ) -> Result<(), JobError> {
        let failed: Vec<String> = failed
            .into_iter()
            .map(|(what, error)| format!("{}: {}", what.to_string(), error.to_string()))
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(JobError(failed.join("; "))) }
    }
}

/// Does those of the jobs that are due, in their order, and keeps how each went, in one statement.
/// One that fails does not keep the others from being done. Answers what failed.
pub fn run_due(env: &Env<'_>, jobs: &[Job]) -> Result<(), JobError> {
    // Without it every job is due, and none does harm.
    let last = job_runs::all(env.db).unwrap_or_default();
    let mut done = Vec::new();
    for job in jobs {
        let last = last.get(job.name).map(|run| run.started_at);
        if recurring::find(job.name).is_some_and(|it| !it.is_due(last, env.now)) {
            continue;
        }
        let started = env.clock.elapsed();
        let failure = (job.run)(env).err().map(|error| error.to_string());
        let took_ms = milliseconds(env.clock.elapsed().saturating_sub(started));
        done.push(Done { name: job.name, took_ms, failure });
    }
    let recorded = job_runs::record(env.db, &done, env.now);
    let failed = done.iter().filter_map(|done| Some((done.name, done.failure.as_ref()?.clone())));
    let unrecorded = recorded.err().map(|error| ("job runs", error.to_string()));
    JobError::of_each(failed.chain(unrecorded))
}

/// Whole milliseconds of a time that was measured.
pub fn milliseconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

/// Writes a line to the log.
#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
pub fn log(line: &str) {
    eprintln!("{line}");
}
