//! What time does to nodes and offers: raises, samples, months, levels.

use domain::recurring;
use store::{comparisons, levels, looks, maintenance, offering, samples};
use web::job::log;
use web::{Env, Job, JobError};

/// Prices that go up.
pub const APPLY_RAISES: Job = Job {
    about: &recurring::APPLY_RAISES,
    run: |env| Ok(offering::apply_raises(env.db, env.now)?),
};

/// Maintenance that is near.
pub const TELL_OF_MAINTENANCE: Job = Job {
    about: &recurring::TELL_OF_MAINTENANCE,
    run: |env| Ok(maintenance::remind(env.db, env.now)?),
};

/// How the market is.
pub const SAMPLE_MARKET: Job = Job {
    about: &recurring::SAMPLE_MARKET,
    run: |env| Ok(samples::sample(env.db, env.now).map(drop)?),
};

/// Prices that farmers are told of.
pub const SUGGEST_PRICES: Job = Job {
    about: &recurring::SUGGEST_PRICES,
    run: |env| {
        let limits = env.config.price_limits;
        Ok(comparisons::suggest_prices(env.db, limits, env.now).map(drop)?)
    },
};

/// Samples that are old.
pub const SWEEP_SAMPLES: Job =
    Job { about: &recurring::SWEEP_SAMPLES, run: |env| Ok(samples::sweep(env.db, env.now)?) };

/// Promises of the month that is over.
pub const JUDGE_PROMISES: Job = Job { about: &recurring::JUDGE_PROMISES, run: judge };

/// Credits for promises that were not kept.
pub const PAY_OWED: Job = Job {
    about: &recurring::PAY_OWED,
    run: |env| Ok(levels::pay_owed(env.db, env.now, recurring::PAY_OWED.limit())?),
};

/// Nodes by what was measured.
pub const RANK_NODES: Job =
    Job { about: &recurring::RANK_NODES, run: |env| Ok(looks::rank(env.db)?) };

/// What was measured, by days and months.
pub const FOLD_LOOKS: Job =
    Job { about: &recurring::FOLD_LOOKS, run: |env| Ok(looks::fold(env.db, env.now)?) };

/// Compares promises with what was measured. What of it fails is logged, and tried again.
fn judge(env: &Env<'_>) -> Result<(), JobError> {
    for (rental, error) in levels::judge(env.db, env.now, recurring::JUDGE_PROMISES.limit())? {
        log(&format!("could not judge {rental}: {error}"));
    }
    Ok(())
}
