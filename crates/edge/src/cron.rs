//! The scaffold of a component that the clock wakes.
//!
//! The function that Spin calls is synchronous, and every run is a fresh instance: what a run knows
//! is in the database. Two runs at once do no harm, for each step is one statement.

pub use domain::recurring::RunBy;
use domain::time::Timestamp;
pub use web::Job;
pub use web::job::are_those_of;
use web::job::{log, run_due};

use crate::database::current_database;
use crate::env::{HostClock, with_env};

#[allow(clippy::pedantic, reason = "generated from the interface that the host calls")]
#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../host/wit/deps/cron",
        world: "spin-cron",
        pub_export_macro: true,
        default_bindings_module: "edge::cron::bindings",
    });
}

pub use bindings::{Error, Guest, Metadata};

/// Makes a cron component of the features whose jobs it does: those that the table gives to it.
#[macro_export]
macro_rules! cron {
    ($by:ident, $features:expr) => {
        const JOBS: &[&[$crate::cron::Job]] = $features;
        const _: () = assert!(
            $crate::cron::are_those_of($crate::cron::RunBy::$by, JOBS),
            "these are not the jobs of the table"
        );

        struct Cron;

        impl $crate::cron::Guest for Cron {
            fn handle_cron_event(
                metadata: $crate::cron::Metadata,
            ) -> Result<(), $crate::cron::Error> {
                $crate::cron::run($crate::cron::RunBy::$by, metadata, JOBS)
            }
        }

        #[expect(unsafe_code, reason = "exports the function by the name that the host calls")]
        mod export {
            use super::Cron;
            $crate::cron::bindings::export!(Cron with_types_in $crate::cron::bindings);
        }
    };
}

/// Does the jobs that are due. One that fails is logged, and is no failure of the run: how each
/// went is kept in the database.
pub fn run(by: RunBy, metadata: Metadata, features: &[&[Job]]) -> Result<(), Error> {
    let seconds = i64::try_from(metadata.timestamp).unwrap_or(i64::MAX);
    let (name, now) = (by.into_str(), Timestamp::from_seconds(seconds));
    match with_env(current_database, &HostClock::start(), now, |env| run_due(env, by, features)) {
        Ok(failures) => {
            for failure in failures {
                log(&format!("{name} could not {failure}"));
            }
            Ok(())
        }
        Err(problem) => {
            let failure = problem.cause.unwrap_or_else(|| problem.kind.into_str().to_owned());
            log(&format!("{name} failed: {failure:?}"));
            Err(Error::Other(failure))
        }
    }
}
