//! What the market remembers: samples by the hour, and prices that farmers are told of.

use domain::time::Timestamp;
use edge::SpinDb;
use edge::recurring::Round;
use store::{StoreError, comparisons, samples};
use web::Config;

use crate::log;

/// Something to be done. Its work is bounded; the next run goes on.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, &Config, Timestamp) -> Result<(), StoreError>,
}

/// What every run does, in this order.
const JOBS: [Job; 3] = [
    Job { name: "sample the market", run: |db, _, now| samples::sample(db, now).map(drop) },
    Job {
        name: "suggest prices",
        run: |db, config, now| comparisons::suggest_prices(db, config.price_limits, now).map(drop),
    },
    Job { name: "sweep samples", run: |db, _, now| samples::sweep(db, now) },
];

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
