//! The measured uptime, as pages show it.

use domain::confidence::lower_bound;
use domain::evaluation::OBSERVATIONS_MIN;
use domain::uptime::Uptime;
use store::offers::Offer;
use store::rentals::Rental as Held;
use web::text::{counted, grouped};

use crate::wording::uptime;

/// The uptime that we saw ourselves, and how much it is worth.
#[derive(Clone, Debug)]
pub struct MeasuredUptime {
    /// Such as `99.31%`.
    pub percent: String,
    /// The uptime that it is at least, with a confidence of 95 %, such as `99.02%`.
    pub uptime_lower_bound: String,
    /// How many checks it rests on, such as `2,016`.
    pub observations: String,
    /// The same in words, such as `2,016 checks`.
    pub checks: String,
    /// The result in words while there are too few checks for a percentage.
    pub new_node: Option<String>,
}

/// The uptime that was measured, against the one that was guaranteed.
#[derive(Clone, Debug)]
pub struct UptimeRecord {
    /// Such as `99.5%`.
    pub guaranteed: String,
    /// What was measured, once there is anything to go by.
    pub measured: Option<MeasuredUptime>,
    /// Whether what was measured is less than the SLA.
    pub is_below: bool,
}

impl UptimeRecord {
    /// The SLA when it was rented, and what has been measured of the node.
    pub fn new(rental: &Held) -> UptimeRecord {
        let measured = rental.measured_uptime();
        UptimeRecord {
            guaranteed: uptime(rental.min_uptime),
            measured: measured_uptime(rental.observed_up, rental.observed),
            is_below: measured.is_some_and(|measured| measured < rental.min_uptime),
        }
    }
}

/// The measured uptime of an offered node.
pub fn measured(offer: &Offer) -> Option<MeasuredUptime> {
    measured_uptime(offer.observed_up, offer.observed)
}

/// The measured uptime of a node, from its checks.
pub fn measured_uptime(up: u64, observed: u64) -> Option<MeasuredUptime> {
    Some(MeasuredUptime {
        percent: uptime(Uptime::measured(up, observed)?),
        uptime_lower_bound: lower_bound(up, observed).map(uptime).unwrap_or_default(),
        observations: grouped(observed),
        checks: checks(observed),
        new_node: (observed < OBSERVATIONS_MIN).then(|| few_checks(up, observed)),
    })
}

fn checks(observed: u64) -> String {
    counted(i64::try_from(observed).unwrap_or(i64::MAX), "check")
}

/// Such as `1 check so far, all passed`.
fn few_checks(up: u64, observed: u64) -> String {
    let checks = checks(observed);
    match up {
        0 => format!("{checks} so far, none passed"),
        all if all == observed => format!("{checks} so far, all passed"),
        some => format!("{checks} so far, {} passed", grouped(some)),
    }
}
