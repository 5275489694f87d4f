//! Does recurring jobs in order, and keeps how each went.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use domain::recurring;
use domain::time::Timestamp;
use store::job_runs::{self, Done, JobRun};

use crate::SpinDb;

/// The recurring jobs that one run of a component does.
pub struct Round<'a> {
    db: &'a SpinDb,
    now: Timestamp,
    last: BTreeMap<String, JobRun>,
    done: Vec<Done>,
    failures: Vec<String>,
}

impl<'a> Round<'a> {
    /// Begins, with what the last runs have left.
    pub fn begin(db: &'a SpinDb, now: Timestamp) -> Round<'a> {
        // Without it every job is due, and none does harm.
        let last = job_runs::all(db).unwrap_or_default();
        Round { db, now, last, done: Vec::new(), failures: Vec::new() }
    }

    /// Does a job if it is due. One that fails does not keep the others from being done.
    pub fn run<E: ToString>(&mut self, name: &'static str, job: impl FnOnce() -> Result<(), E>) {
        let last = self.last.get(name).map(|run| run.started_at);
        if recurring::find(name).is_some_and(|it| !it.is_due(last, self.now)) {
            return;
        }
        let started = Instant::now();
        let failure = job().err().map(|error| error.to_string());
        self.failures.extend(failure.as_ref().map(|error| format!("{name}: {error}")));
        self.done.push(Done { name, took_ms: milliseconds(started.elapsed()), failure });
    }

    /// Keeps how the jobs went, in one statement. Answers what failed, one by one.
    pub fn end(mut self) -> Vec<String> {
        if let Err(error) = job_runs::record(self.db, &self.done, self.now) {
            self.failures.push(error.to_string());
        }
        self.failures
    }
}

/// Whole milliseconds of a time that was measured.
pub fn milliseconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}
