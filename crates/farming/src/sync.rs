//! What is copied from the grid: nodes, and whose farms are.

mod ask;
mod farms;
mod run;

use domain::recurring;
use store::{sync, sync_runs};
use web::{Env, Job, JobError};

/// Farms that somebody has proven to own.
pub const CHECK_FARMS: Job = Job { about: &recurring::CHECK_FARMS, run: farms::check };

/// Capacity, status and uptime of nodes.
pub const SYNC: Job = Job { about: &recurring::SYNC, run: run::sync };

/// Runs of the sync that are old, and documents that were refused.
pub const SWEEP_SYNC: Job = Job { about: &recurring::SWEEP_SYNC, run: sweep };

fn sweep(env: &Env<'_>) -> Result<(), JobError> {
    sync_runs::sweep(env.db, env.now)?;
    Ok(sync::sweep(env.db, env.now)?)
}
