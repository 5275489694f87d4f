//! What time does to nodes and offers: raises, samples, months, levels; and what is copied from the
//! grid.

use domain::recurring;
use store::{comparisons, leaving, maintenance, observations, offering, samples, sla_results};
use web::job::log;
use web::{Env, Job, JobError};

use crate::sync;

/// Every recurring job of this feature.
pub const JOBS: &[Job] = &[
    Job {
        about: &recurring::APPLY_PRICE_INCREASES,
        run: |env| Ok(offering::apply_raises(env.db, env.now)?),
    },
    Job {
        about: &recurring::NOTIFY_OF_MAINTENANCE,
        run: |env| Ok(maintenance::remind(env.db, env.now)?),
    },
    Job {
        about: &recurring::SAMPLE_MARKET,
        run: |env| Ok(samples::sample(env.db, env.now).map(drop)?),
    },
    Job {
        about: &recurring::SUGGEST_PRICES,
        run: |env| {
            let limits = env.config.price_limits;
            Ok(comparisons::suggest_prices(env.db, limits, env.now).map(drop)?)
        },
    },
    Job { about: &recurring::SWEEP_SAMPLES, run: |env| Ok(samples::sweep(env.db, env.now)?) },
    Job { about: &recurring::EVALUATE_SLA, run: evaluate_sla },
    Job { about: &recurring::PAY_OWED_CREDITS, run: pay_owed },
    Job { about: &recurring::RANK_NODES, run: |env| Ok(observations::rank(env.db)?) },
    Job {
        about: &recurring::AGGREGATE_OBSERVATIONS,
        run: |env| Ok(observations::fold(env.db, env.now)?),
    },
    Job { about: &recurring::CHECK_FARMS, run: sync::check_farms },
    Job { about: &recurring::SWEEP_SYNC, run: sync::sweep },
    Job { about: &recurring::SYNC, run: sync::sync },
];

/// Compares SLAs with what was measured. What of it fails is logged, and tried again.
fn evaluate_sla(env: &Env<'_>) -> Result<(), JobError> {
    for (rental, error) in sla_results::evaluate(env.db, env.now, recurring::EVALUATE_SLA.limit())?
    {
        log(&format!("could not evaluate the SLA of {rental}: {error}"));
    }
    Ok(())
}

/// Pays what farmers owe their renters, as far as their earnings suffice by now.
fn pay_owed(env: &Env<'_>) -> Result<(), JobError> {
    let limit = recurring::PAY_OWED_CREDITS.limit();
    let credits = sla_results::pay_owed(env.db, env.now, limit);
    leaving::pay_owed(env.db, env.now, limit)?;
    Ok(credits?)
}
