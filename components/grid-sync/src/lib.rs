//! Does what time does to rentals, and copies capacity, status and uptime from the grid.
//!
//! The function that Spin calls is synchronous and every run is a fresh instance: what a run knows
//! is in the database. Two runs at once do no harm, for each step is one statement.

mod due;
mod farms;
mod leaving;
mod market;
mod run;

use domain::time::Timestamp;
use edge::current_database;
use store::StoreError;

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
    due::work(&db, now);
    market::work(&db, now);
    let run = run::sync(&db, now)?;
    log(&format!(
        "grid-sync updated={} missing={} refused={} failure={:?}",
        run.updated, run.missing, run.refused, run.failure
    ));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(line: &str) {
    eprintln!("{line}");
}
