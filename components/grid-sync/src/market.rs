//! What the market remembers and checks: samples by the hour, prices that farmers are told of,
//! looks at nodes, promises that are compared with them, and what must always hold.

use domain::time::Timestamp;
use edge::SpinDb;
use edge::recurring::Round;
use store::{StoreError, comparisons, levels, looks, samples, status};
use web::Config;

use crate::log;

/// Something to be done. Its work is bounded; the next run goes on.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, &Config, Timestamp) -> Result<(), StoreError>,
}

/// What every run does, in this order.
const JOBS: [Job; 8] = [
    Job { name: "sample the market", run: |db, _, now| samples::sample(db, now).map(drop) },
    Job {
        name: "suggest prices",
        run: |db, config, now| comparisons::suggest_prices(db, config.price_limits, now).map(drop),
    },
    Job { name: "sweep samples", run: |db, _, now| samples::sweep(db, now) },
    Job { name: "judge promises", run: judge },
    Job {
        name: "pay what is owed",
        run: |db, _, now| levels::pay_owed(db, now, levels::PAID_AT_ONCE),
    },
    Job { name: "rank nodes", run: |db, _, _| looks::rank(db) },
    Job { name: "fold looks", run: |db, _, now| looks::fold(db, now) },
    Job { name: "check the market", run: check },
];

/// How many invariants a run checks: all of them within half an hour.
const CHECKED_AT_ONCE: usize = 8;

/// Compares promises with what was measured. What of it fails is logged, and tried again.
fn judge(db: &SpinDb, _: &Config, now: Timestamp) -> Result<(), StoreError> {
    for (rental, error) in levels::judge(db, now, levels::JUDGED_AT_ONCE)? {
        log(&format!("grid-sync could not judge {rental}: {error}"));
    }
    Ok(())
}

/// Checks invariants, and writes the market's state down.
fn check(db: &SpinDb, _: &Config, now: Timestamp) -> Result<(), StoreError> {
    let checked = status::check(db, now, CHECKED_AT_ONCE);
    status::write(db, now)?;
    checked.map(drop)
}

/// Does every job; one that fails does not keep the others from being done.
pub(crate) fn work(db: &SpinDb, round: &mut Round<'_>, now: Timestamp) {
    let config = match edge::config() {
        Ok(config) => config,
        Err(wrong) => return log(&format!("grid-sync: {wrong}")),
    };
    for job in JOBS {
        round.run(job.name, || (job.run)(db, &config, now));
    }
}
