//! The measured uptime, as pages show it.

use std::cmp::Ordering;

use domain::confidence::lower_bound;
use domain::evaluation::OBSERVATIONS_MIN;
use domain::outlook::Observations;
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
    /// Both in words, such as `99.8% (above the 99.5% guarantee)`.
    pub text: String,
    /// Whether what was measured is less than the SLA.
    pub is_below: bool,
}

impl UptimeRecord {
    /// The SLA when it was rented, and what has been measured of the node.
    pub fn new(rental: &Held) -> UptimeRecord {
        let observations = Observations { observed: rental.observed, up: rental.observed_up };
        UptimeRecord::of(observations, rental.min_uptime, "the")
    }

    /// A node as its farmer sees it: what was measured, and what they guarantee.
    pub fn for_farmer(offer: &Offer) -> UptimeRecord {
        let observations = Observations { observed: offer.observed, up: offer.observed_up };
        UptimeRecord::of(observations, offer.min_uptime, "your")
    }

    /// `whose` stands before the guarantee: `the`, or `your` to the farmer who gave it.
    fn of(seen: Observations, sla: Uptime, whose: &str) -> UptimeRecord {
        let guaranteed = uptime(sla);
        let share = Uptime::measured(seen.up, seen.observed);
        let measured = measured_uptime(seen.up, seen.observed);
        let text = match (&measured, share) {
            (Some(MeasuredUptime { new_node: Some(checks), .. }), _) => {
                format!("New node: {checks}; guaranteed {guaranteed}")
            }
            (Some(measured), Some(share)) => {
                let standing = match share.cmp(&sla) {
                    Ordering::Less => "below",
                    Ordering::Equal => "meets",
                    Ordering::Greater => "above",
                };
                format!("{} ({standing} {whose} {guaranteed} guarantee)", measured.percent)
            }
            _ => format!("not measured yet; guaranteed {guaranteed}"),
        };
        let is_below = share.is_some_and(|share| share < sla);
        UptimeRecord { guaranteed, measured, text, is_below }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_how_it_stands_to_the_guarantee() {
        #[track_caller]
        fn check(up: u64, observed: u64, sla: i64, expected: (&str, bool)) {
            let sla = Uptime::from_hundredths(sla).unwrap();
            let record = UptimeRecord::of(Observations { observed, up }, sla, "your");
            assert_eq!((record.text.as_str(), record.is_below), expected);
        }
        check(998, 1_000, 9_950, ("99.8% (above your 99.5% guarantee)", false));
        check(995, 1_000, 9_950, ("99.5% (meets your 99.5% guarantee)", false));
        check(990, 1_000, 9_950, ("99% (below your 99.5% guarantee)", true));
        check(1, 1, 9_950, ("New node: 1 check so far, all passed; guaranteed 99.5%", false));
        check(0, 0, 9_950, ("not measured yet; guaranteed 99.5%", false));
    }
}
