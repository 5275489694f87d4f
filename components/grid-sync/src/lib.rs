//! Does what time does to rentals, and copies capacity, status and uptime from the grid.
//!
//! The function that Spin calls is synchronous and every run is a fresh instance: what a run knows
//! is in the database. Two runs at once do no harm, for each step is one statement.

mod ask;
mod due;
mod farms;
mod leaving;
mod market;
mod run;

use domain::time::Timestamp;
use edge::recurring::Round;
use edge::{SpinDb, current_database};
use store::{StoreError, sync, sync_runs};

mod bindings {
    wit_bindgen::generate!({
        path: "../../crates/host/wit/deps/cron",
        world: "spin-cron",
    });
}

use bindings::{Error, Guest, Metadata};

#[expect(unsafe_code, reason = "exports the function by the name that the host calls")]
mod export {
    super::bindings::export!(GridSync with_types_in super::bindings);
    use super::GridSync;
}

struct GridSync;

impl Guest for GridSync {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        let seconds = i64::try_from(metadata.timestamp).unwrap_or(i64::MAX);
        let now = Timestamp::from_seconds(seconds);
        work(now).map_err(|error| {
            log(&format!("grid-sync failed: {error:?}"));
            Error::Other(error.to_string())
        })
    }
}

/// Rentals are renewed, earn and end whether or not the grid answers.
fn work(now: Timestamp) -> Result<(), StoreError> {
    let db = current_database(now)?;
    let mut round = Round::begin(&db, now);
    due::work(&db, &mut round, now);
    market::work(&db, &mut round, now);
    for job in GRID_JOBS {
        round.run(job.name, || (job.run)(&db, now));
    }
    for failure in round.end() {
        log(&format!("grid-sync could not {failure}"));
    }
    Ok(())
}

/// Something that is done with what the grid says. Its work is bounded; the next run goes on.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, Timestamp) -> Result<(), StoreError>,
}

/// The last jobs of all, for they wait for others.
const GRID_JOBS: [Job; 2] =
    [Job { name: "sweep syncs", run: sweep }, Job { name: "sync", run: run::sync }];

fn sweep(db: &SpinDb, now: Timestamp) -> Result<(), StoreError> {
    sync_runs::sweep(db, now)?;
    sync::sweep(db, now)
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(line: &str) {
    eprintln!("{line}");
}
