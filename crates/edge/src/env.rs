//! The environment of handlers and jobs, as Spin and WASI give it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use domain::time::Timestamp;
use store::{Db, NoDatabase, StoreError};
use web::env::{Clock, Random, Variables};
use web::{Config, Env, Problem};

use crate::bindings::fermyon::spin::variables;
use crate::outbound::WasiOutbound;

/// The clock of the host; the only reader of it.
pub(crate) struct HostClock(Instant);

impl HostClock {
    pub(crate) fn start() -> HostClock {
        HostClock(Instant::now())
    }
}

impl Clock for HostClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 is not set; zero then makes the mistake visible and harms nothing.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The randomness of the host.
pub(crate) struct HostRandom;

impl Random for HostRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // WASI has no failing random source.
        getrandom::fill(bytes).expect("the host gives random bytes");
    }
}

/// The app's variables, as Spin gives them.
pub(crate) struct SpinVariables;

impl Variables for SpinVariables {
    fn get(&self, name: &str) -> Result<String, String> {
        variables::get(name).map_err(|_| format!("{name}: not given"))
    }
}

/// Does something in the environment that Spin gives, with the database that `open` gives, at `now`
/// by the clock or by who has woken the component. Fails where the variables are wrong, or the
/// database cannot be used.
pub(crate) fn with_env<D: Db, T>(
    open: fn(Timestamp) -> Result<D, StoreError>,
    clock: &HostClock,
    now: Timestamp,
    work: impl FnOnce(&Env<'_>) -> T,
) -> Result<T, Problem> {
    let variables = SpinVariables;
    let config = Config::read(|name| variables.get(name)).map_err(Problem::internal)?;
    let db = open(now)?;
    Ok(work(&Env {
        db: &db,
        outbound: &WasiOutbound,
        random: &HostRandom,
        clock,
        variables: &variables,
        config: &config,
        now,
    }))
}

/// The same without database and settings, to say that they cannot be used.
pub(crate) fn with_nothing<T>(
    clock: &HostClock,
    now: Timestamp,
    work: impl FnOnce(&Env<'_>) -> T,
) -> T {
    work(&Env {
        db: &NoDatabase,
        outbound: &WasiOutbound,
        random: &HostRandom,
        clock,
        variables: &SpinVariables,
        config: &Config::unset(),
        now,
    })
}
