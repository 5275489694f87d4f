//! Tells people what happened: makes mails and messages of events, each once, and posts messages to
//! webhooks. What looks at promises is here, too, for that is what it tells.
//!
//! As in `mailer`, every run is a fresh instance, and what it knows is in the database. Two runs at
//! once do no harm: what one has taken, the other does not see.

mod deliver;
mod tell;

use std::fmt;

use domain::time::Timestamp;
use edge::recurring::Round;
use edge::{SpinDb, current_database};
use store::{StoreError, promises, webhooks};

mod bindings {
    wit_bindgen::generate!({
        path: "../../crates/host/wit/deps/cron",
        world: "spin-cron",
    });
}

use bindings::{Error, Guest, Metadata};

#[expect(unsafe_code, reason = "exports the function by the name that the host calls")]
mod export {
    super::bindings::export!(Notifier with_types_in super::bindings);
    use super::Notifier;
}

/// How many months of nodes are looked at in one statement, and in how many in one run.
const MONTHS_AT_ONCE: u32 = 200;
const ROUNDS_MAX: usize = 5;

/// Something to be done in every run. Its work is bounded; the next run goes on.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, Timestamp) -> Result<(), JobError>,
}

/// What every run does, in this order: what is found of promises is told in the same run.
const JOBS: [Job; 4] = [
    Job { name: "look at promises", run: judge },
    Job { name: "tell", run: tell::tell },
    Job { name: "deliver messages", run: deliver::deliver },
    Job { name: "sweep messages", run: |db, now| Ok(webhooks::sweep(db, now)?) },
];

fn judge(db: &SpinDb, now: Timestamp) -> Result<(), JobError> {
    for _ in 0..ROUNDS_MAX {
        if promises::judge(db, MONTHS_AT_ONCE, now)? == 0 {
            break;
        }
    }
    Ok(())
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

struct Notifier;

impl Guest for Notifier {
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
