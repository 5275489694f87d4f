//! Sends mail that is due, and does the other small things that are to be done all the time.
//!
//! As in `grid-sync`, every run is a fresh instance, and what it knows is in the database. Two runs
//! at once do no harm: what one has taken, the other does not see.

mod deliver;
mod late;

use std::fmt;

use domain::time::Timestamp;
use edge::recurring::Round;
use edge::{SpinDb, current_database};
use store::chain::{Head, hex};
use store::{
    StoreError, audit, challenges, job_runs, jobs, ledger_chain, limits, mails, maintenance,
    offering, quotes, sessions, tokens, transfers,
};

mod bindings {
    wit_bindgen::generate!({
        path: "../../crates/host/wit/deps/cron",
        world: "spin-cron",
    });
}

use bindings::{Error, Guest, Metadata};

#[expect(unsafe_code, reason = "exports the function by the name that the host calls")]
mod export {
    super::bindings::export!(Mailer with_types_in super::bindings);
    use super::Mailer;
}

/// Something to be done in every run. Its work is bounded; the next run goes on.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, Timestamp) -> Result<(), JobError>,
}

/// What every run does, in this order.
const JOBS: [Job; 18] = [
    Job { name: "deliver mails", run: deliver::deliver },
    Job { name: "release holds", run: |db, now| Ok(quotes::release_due(db, now)?) },
    Job { name: "apply raises", run: |db, now| Ok(offering::apply_raises(db, now)?) },
    Job { name: "tell of maintenance", run: |db, now| Ok(maintenance::remind(db, now)?) },
    Job { name: "give up jobs", run: |db, now| Ok(jobs::give_up(db, now)?) },
    Job { name: "tell of late jobs", run: late::tell },
    Job { name: "seal the audit log", run: |db, _| seal_audit(db) },
    Job { name: "seal the ledger", run: |db, _| seal_ledger(db) },
    Job { name: "sweep mails", run: |db, now| Ok(mails::sweep(db, now)?) },
    Job { name: "sweep sessions", run: |db, now| Ok(sessions::sweep(db, now)?) },
    Job { name: "sweep tokens", run: |db, now| Ok(tokens::sweep(db, now)?) },
    Job { name: "sweep challenges", run: |db, now| Ok(challenges::sweep(db, now)?) },
    Job { name: "sweep limits", run: |db, now| Ok(limits::sweep(db, now)?) },
    Job { name: "sweep quotes", run: |db, now| Ok(quotes::sweep(db, now)?) },
    Job { name: "sweep transfers", run: |db, now| Ok(transfers::sweep(db, now)?) },
    Job { name: "sweep agents", run: |db, now| Ok(job_runs::sweep_agents(db, now)?) },
    Job { name: "checkpoint", run: |db, _| Ok(job_runs::checkpoint(db).map(drop)?) },
    Job { name: "optimize", run: |db, _| Ok(job_runs::optimize(db).map(drop)?) },
];

/// Seals what was written to the audit log since the last run.
fn seal_audit(db: &SpinDb) -> Result<(), JobError> {
    log_end("the audit log", &audit::seal(db)?);
    Ok(())
}

/// Seals what was booked since the last run.
fn seal_ledger(db: &SpinDb) -> Result<(), JobError> {
    log_end("the ledger", &ledger_chain::seal(db)?);
    Ok(())
}

/// The end of a chain goes to the log, which is out of reach of who can write to the database.
fn log_end(what: &str, head: &Head) {
    if head.is_new {
        log(&format!("{what} is sealed up to {} with {}", head.id, hex(&head.hash)));
    }
}

/// Why a job was not done. It names no secret.
struct JobError(String);

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> JobError {
        JobError(error.to_string())
    }
}

struct Mailer;

impl Guest for Mailer {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        let seconds = i64::try_from(metadata.timestamp).unwrap_or(i64::MAX);
        work(Timestamp::from_seconds(seconds)).map_err(Error::Other)
    }
}

/// Does every job; one that fails does not keep the others from being done.
fn work(now: Timestamp) -> Result<(), String> {
    let db = current_database(now).map_err(|error| error.to_string())?;
    let mut round = Round::begin(&db, now);
    for job in JOBS {
        round.run(job.name, || (job.run)(&db, now));
    }
    let failures = round.end();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(line: &str) {
    eprintln!("{line}");
}
