//! What the market remembers and checks: samples by the hour, prices that farmers are told of,
//! looks at nodes, promises that are compared with them, and what must always hold.

use store::{comparisons, levels, looks, samples, status};
use web::job::log;
use web::{Env, Job, JobError};

/// What every run does, in this order.
pub(crate) const JOBS: &[Job] = &[
    Job { name: "sample the market", run: |env| Ok(samples::sample(env.db, env.now).map(drop)?) },
    Job { name: "suggest prices", run: suggest_prices },
    Job { name: "sweep samples", run: |env| Ok(samples::sweep(env.db, env.now)?) },
    Job { name: "judge promises", run: judge },
    Job { name: "pay what is owed", run: pay_owed },
    Job { name: "rank nodes", run: |env| Ok(looks::rank(env.db)?) },
    Job { name: "fold looks", run: |env| Ok(looks::fold(env.db, env.now)?) },
    Job { name: "check the market", run: check },
];

/// How many invariants a run checks: all of them within half an hour.
const CHECKED_AT_ONCE: usize = 8;

fn suggest_prices(env: &Env<'_>) -> Result<(), JobError> {
    Ok(comparisons::suggest_prices(env.db, env.config.price_limits, env.now).map(drop)?)
}

fn pay_owed(env: &Env<'_>) -> Result<(), JobError> {
    Ok(levels::pay_owed(env.db, env.now, levels::PAID_AT_ONCE)?)
}

/// Compares promises with what was measured. What of it fails is logged, and tried again.
fn judge(env: &Env<'_>) -> Result<(), JobError> {
    for (rental, error) in levels::judge(env.db, env.now, levels::JUDGED_AT_ONCE)? {
        log(&format!("grid-sync could not judge {rental}: {error}"));
    }
    Ok(())
}

/// Checks invariants, and writes the market's state down.
fn check(env: &Env<'_>) -> Result<(), JobError> {
    let checked = status::check(env.db, env.now, CHECKED_AT_ONCE);
    status::write(env.db, env.now)?;
    Ok(checked.map(drop)?)
}
