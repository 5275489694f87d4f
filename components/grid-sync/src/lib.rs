//! Does what time does to rentals, and copies capacity, status and uptime from the grid.

mod ask;
mod due;
mod farms;
mod leaving;
mod market;
mod run;

use store::{sync, sync_runs};
use web::{Env, Job, JobError};

edge::cron!("grid-sync", &[due::JOBS, market::JOBS, GRID_JOBS]);

/// The last jobs of all, for they wait for others: rentals are renewed, earn and end whether or not
/// the grid answers.
const GRID_JOBS: &[Job] =
    &[Job { name: "sweep syncs", run: sweep }, Job { name: "sync", run: run::sync }];

fn sweep(env: &Env<'_>) -> Result<(), JobError> {
    sync_runs::sweep(env.db, env.now)?;
    Ok(sync::sweep(env.db, env.now)?)
}
