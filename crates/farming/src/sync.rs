//! What is copied from the grid: nodes, and whose farms are.

mod ask;
mod farms;
mod run;

use store::{sync, sync_runs};
use web::{Env, JobError};

pub(crate) use farms::check as check_farms;
pub(crate) use run::sync;

/// Deletes what is old: runs of the sync, documents that were refused, farms that were lost.
pub(crate) fn sweep(env: &Env<'_>) -> Result<(), JobError> {
    sync_runs::sweep(env.db, env.now)?;
    store::farms::sweep(env.db, env.now)?;
    Ok(sync::sweep(env.db, env.now)?)
}
