//! Recurring jobs: what one is, and how one run of a component does those that are due.

use std::time::Duration;

use domain::recurring::{ALL, RecurringJob, RunBy};
use store::StoreError;
use store::job_runs::{self, Done};

use crate::env::{Env, NoKeys};

/// Something that is done again and again. Its work is bounded; the next run goes on.
pub struct Job {
    /// Its name, how often it is done, and what bounds it.
    pub about: &'static RecurringJob,
    /// What it does.
    pub run: fn(&Env<'_>) -> Result<(), JobError>,
}

/// Whether these are a component's jobs in the table, all of them in its order: a component that
/// lists others does not compile.
pub const fn are_those_of(by: RunBy, jobs: &[Job]) -> bool {
    let (mut row, mut found) = (0, 0);
    while row < ALL.len() {
        if ALL[row].by as u8 == by as u8 {
            if found == jobs.len() || !is_same(ALL[row].name, jobs[found].about.name) {
                return false;
            }
            found += 1;
        }
        row += 1;
    }
    found == jobs.len()
}

/// `==` is not for constants yet.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
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
/// One that fails does not keep the others from being done. Answers what failed, one by one.
pub fn run_due(env: &Env<'_>, jobs: &[Job]) -> Vec<String> {
    // Without it every job is due, and none does harm.
    let last = job_runs::all(env.db).unwrap_or_default();
    let mut done = Vec::new();
    for job in jobs {
        let Job { about, run } = job;
        let last = last.get(about.name).map(|run| run.started_at);
        if !about.is_due(last, env.now) {
            continue;
        }
        let started = env.clock.elapsed();
        let failure = run(env).err().map(|error| error.to_string());
        let took_ms = milliseconds(env.clock.elapsed().saturating_sub(started));
        done.push(Done { name: about.name, took_ms, failure });
    }
    let failed = done.iter().filter_map(|done| Some((done.name, done.failure.as_ref()?)));
    let mut failures: Vec<String> =
        failed.map(|(name, failure)| format!("{name}: {failure}")).collect();
    if let Err(error) = job_runs::record(env.db, &done, env.now) {
        failures.push(error.to_string());
    }
    failures
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

#[cfg(test)]
mod tests {
    use domain::recurring::{DELIVER_MESSAGES, LOOK_AT_PROMISES, SWEEP_MESSAGES, TELL};

    use super::*;

    #[test]
    fn a_component_lists_its_jobs_in_order() {
        let job = |about| Job { about, run: |_| Ok(()) };
        let [look, tell] = [&LOOK_AT_PROMISES, &TELL];
        let [deliver, sweep] = [&DELIVER_MESSAGES, &SWEEP_MESSAGES];
        let is_all = |jobs: &[&'static RecurringJob]| {
            let jobs: Vec<Job> = jobs.iter().map(|about| job(about)).collect();
            are_those_of(RunBy::Notifier, &jobs)
        };
        assert!(is_all(&[look, tell, deliver, sweep]));
        assert!(!is_all(&[look, tell, deliver]));
        assert!(!is_all(&[tell, look, deliver, sweep]));
        assert!(!is_all(&[look, tell, deliver, sweep, sweep]));
        assert!(!is_all(&[]));
    }
}
