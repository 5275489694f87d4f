//! Sends mail that is due, and does the other small things that are to be done all the time.
//!
//! As in `grid-sync`, every run is a fresh instance, and what it knows is in the database. Two runs
//! at once do no harm: what one has taken, the other does not see.

mod deliver;

use domain::time::Timestamp;
use edge::{SpinDb, current_database};
use store::{StoreError, audit, challenges, limits, mails, sessions, tokens};

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
const JOBS: [Job; 7] = [
    Job { name: "deliver", run: deliver::deliver },
    Job { name: "seal the audit log", run: |db, _| seal_audit(db) },
    Job { name: "sweep mails", run: |db, now| Ok(mails::sweep(db, now)?) },
    Job { name: "sweep sessions", run: |db, now| Ok(sessions::sweep(db, now)?) },
    Job { name: "sweep tokens", run: |db, now| Ok(tokens::sweep(db, now)?) },
    Job { name: "sweep challenges", run: |db, now| Ok(challenges::sweep(db, now)?) },
    Job { name: "sweep limits", run: |db, now| Ok(limits::sweep(db, now)?) },
];

/// Seals what was written since the last run. The end of the chain goes to the log, which is out of
/// reach of who can write to the database.
fn seal_audit(db: &SpinDb) -> Result<(), JobError> {
    let head = audit::seal(db)?;
    if head.is_new {
        log(&format!("the audit log is sealed up to {} with {}", head.id, audit::hex(&head.hash)));
    }
    Ok(())
}

/// Why a job was not done. It names no secret.
struct JobError(String);

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
    let mut failures = Vec::new();
    for job in JOBS {
        if let Err(JobError(error)) = (job.run)(&db, now) {
            failures.push(format!("{}: {error}", job.name));
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("; ")) }
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(line: &str) {
    eprintln!("{line}");
}
