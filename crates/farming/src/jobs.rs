//! What time does to nodes and offers: raises, samples, months, levels.

use store::{comparisons, levels, looks, maintenance, offering, samples};
use web::job::log;
use web::{Env, Job, JobError};

/// Prices that go up.
pub const APPLY_RAISES: Job =
    Job { name: "apply raises", run: |env| Ok(offering::apply_raises(env.db, env.now)?) };

/// Maintenance that is near.
pub const TELL_OF_MAINTENANCE: Job =
    Job { name: "tell of maintenance", run: |env| Ok(maintenance::remind(env.db, env.now)?) };

/// How the market is.
pub const SAMPLE_MARKET: Job =
    Job { name: "sample the market", run: |env| Ok(samples::sample(env.db, env.now).map(drop)?) };

/// Prices that farmers are told of.
pub const SUGGEST_PRICES: Job = Job {
    name: "suggest prices",
    run: |env| {
        let limits = env.config.price_limits;
        Ok(comparisons::suggest_prices(env.db, limits, env.now).map(drop)?)
    },
};

/// Samples that are old.
pub const SWEEP_SAMPLES: Job =
    Job { name: "sweep samples", run: |env| Ok(samples::sweep(env.db, env.now)?) };

/// Promises of the month that is over.
pub const JUDGE_PROMISES: Job = Job { name: "judge promises", run: judge };

/// Credits for promises that were not kept.
pub const PAY_OWED: Job = Job {
    name: "pay what is owed",
    run: |env| Ok(levels::pay_owed(env.db, env.now, levels::PAID_AT_ONCE)?),
};

/// Nodes by what was measured.
pub const RANK_NODES: Job = Job { name: "rank nodes", run: |env| Ok(looks::rank(env.db)?) };

/// What was measured, by days and months.
pub const FOLD_LOOKS: Job =
    Job { name: "fold looks", run: |env| Ok(looks::fold(env.db, env.now)?) };

/// Compares promises with what was measured. What of it fails is logged, and tried again.
fn judge(env: &Env<'_>) -> Result<(), JobError> {
    for (rental, error) in levels::judge(env.db, env.now, levels::JUDGED_AT_ONCE)? {
        log(&format!("could not judge {rental}: {error}"));
    }
    Ok(())
}
