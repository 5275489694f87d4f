//! Recurring jobs: what one is, and how one run of a component does those that are due.

use std::time::Duration;

use domain::recurring::{ALL, RecurringJob, RunBy};
use domain::time::Timestamp;
use store::StoreError;
use store::job_runs::{self, Begin, Done};

use crate::env::{Env, NoKeys};

/// Something that is done again and again. Its work is bounded; the next run goes on.
pub struct Job {
    /// Its name, how often it is done, and what bounds it.
    pub about: &'static RecurringJob,
    /// What it does.
    pub run: fn(&Env<'_>) -> Result<(), JobError>,
}

/// Whether the features have the jobs that the table says a component does, all of them and in its
/// order: a component that lacks one does not compile.
pub const fn are_those_of(by: RunBy, features: &[&[Job]]) -> bool {
    let mut row = next_row(by, 0);
    let mut feature = 0;
    while feature < features.len() {
        let mut at = 0;
        while at < features[feature].len() {
            let about = features[feature][at].about;
            if about.by as u8 == by as u8 {
                if row == ALL.len() || !is_same(ALL[row].name, about.name) {
                    return false;
                }
                row = next_row(by, row + 1);
            }
            at += 1;
        }
        feature += 1;
    }
    row == ALL.len()
}

/// The first job of a component in the table, from a row on.
const fn next_row(by: RunBy, mut row: usize) -> usize {
    while row < ALL.len() && ALL[row].by as u8 != by as u8 {
        row += 1;
    }
    row
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
            .map(|(description, error)| {
                format!("{}: {}", description.to_string(), error.to_string())
            })
            .collect();
        if failed.is_empty() { Ok(()) } else { Err(JobError(failed.join("; "))) }
    }
}

/// Does those of a component's jobs that are due, in their order, and keeps how each went, in one
/// statement. One that fails does not keep the others from being done. Answers what failed, one by
/// one.
pub fn run_due(env: &Env<'_>, by: RunBy, features: &[&[Job]]) -> Vec<String> {
    // Without it every job is due, and none does harm.
    let runs = job_runs::all(env.db).unwrap_or_default();
    let begun_at = |about: &RecurringJob| runs.get(about.name).and_then(|run| run.begun_at);
    let jobs = features.iter().copied().flatten().filter(|job| job.about.by == by);
    let due: Vec<&Job> =
        jobs.filter(|job| job.about.is_due(begun_at(job.about), env.now)).collect();
    let timed = due.iter().filter(|job| job.about.every_seconds > 0);
    let timed: Vec<Begin> = timed
        .map(|job| Begin {
            name: job.about.name,
            last_begun_at: begun_at(job.about).map(Timestamp::seconds),
        })
        .collect();
    let begun = job_runs::begin(env.db, &timed, env.now);
    let mut done = Vec::new();
    for Job { about, run } in due {
        let is_others = |begun: &Vec<String>| !begun.iter().any(|name| name == about.name);
        if about.every_seconds > 0 && begun.as_ref().is_ok_and(is_others) {
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
    use domain::recurring::{
        CHECK_SLA_AT_RISK, CREATE_NOTIFICATIONS, DELIVER_MESSAGES, SWEEP_MESSAGES, SYNC,
    };

    use super::*;

    #[test]
    fn a_component_lists_its_jobs_in_order() {
        let job = |about| Job { about, run: |_| Ok(()) };
        let [check, create] = [&CHECK_SLA_AT_RISK, &CREATE_NOTIFICATIONS];
        let [deliver, sweep] = [&DELIVER_MESSAGES, &SWEEP_MESSAGES];
        let is_all = |jobs: &[&'static RecurringJob]| {
            let jobs: Vec<Job> = jobs.iter().map(|about| job(about)).collect();
            let (first, second) = jobs.split_at(jobs.len() / 2);
            are_those_of(RunBy::Notifier, &[first, second])
        };
        assert!(is_all(&[check, create, deliver, sweep]));
        assert!(is_all(&[check, create, &SYNC, deliver, sweep]), "another component does it");
        assert!(!is_all(&[check, create, deliver]));
        assert!(!is_all(&[create, check, deliver, sweep]));
        assert!(!is_all(&[check, create, deliver, sweep, sweep]));
        assert!(!is_all(&[]));
    }
}
