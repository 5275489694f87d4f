//! Whether the uptime of a month can still meet the SLA.

use crate::month::Month;
use crate::time::Timestamp;
use crate::uptime::Uptime;

/// Minutes from one observation of a node by the sync to the next.
pub const OBSERVATION_MINUTES: u64 = 5;

/// What the observations of a node in one month have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// How often somebody looked.
    pub observed: u64,
    /// How often the node was up.
    pub up: u64,
}

/// Whether an SLA for a month holds, with what is known so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It is kept, whatever happens in the rest of the month.
    Met,
    /// It is kept if the node is down for no longer than so many more minutes.
    Open {
        /// How long the node may still be down.
        minutes_left: u64,
    },
    /// The same, and less than a quarter of what was allowed is left.
    AtRisk {
        /// How long the node may still be down.
        minutes_left: u64,
    },
    /// It cannot be kept any more.
    Missed,
}

impl Outlook {
    /// How things stand at `now` for an SLA of `month`. What was not looked at counts neither
    /// way: the SLA is about what was seen, and the rest of the month is to be seen.
    pub fn of(sla: Uptime, observations: Observations, month: Month, now: Timestamp) -> Outlook {
        let to_come = remaining_observations(month, now);
        let down = observations.observed.saturating_sub(observations.up);
        let all = observations.observed.saturating_add(to_come);
        let missing = u64::try_from(Uptime::FULL.hundredths() - sla.hundredths()).unwrap_or(0);
        // Rounded down: the renter was guaranteed no less.
        let allowed = all.saturating_mul(missing) / 10_000;
        let Some(left) = allowed.checked_sub(down) else { return Outlook::Missed };
        let minutes_left = left.saturating_mul(OBSERVATION_MINUTES);
        if left >= to_come {
            Outlook::Met
        } else if left.saturating_mul(4) < allowed {
            Outlook::AtRisk { minutes_left }
        } else {
            Outlook::Open { minutes_left }
        }
    }
}

/// How many observations of a node there will be from `now` to the end of `month`.
fn remaining_observations(month: Month, now: Timestamp) -> u64 {
    let from = now.max(month.first_second());
    let seconds = month.last_second().seconds_since(from).max(0);
    u64::try_from(seconds).unwrap_or(0) / (OBSERVATION_MINUTES * 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-16T00:00:00Z: half of the month is over, 4,320 observations are to come, one of
    /// which would be in its last second.
    const HALF: i64 = 1_794_787_200;

    fn november() -> Month {
        Month::parse("2026-11").unwrap()
    }

    #[track_caller]
    fn check(sla: i64, (observed, up): (u64, u64), expected: Outlook) {
        let sla = Uptime::from_hundredths(sla).unwrap();
        let at = Timestamp::from_seconds(HALF);
        assert_eq!(Outlook::of(sla, Observations { observed, up }, november(), at), expected);
    }

    #[test]
    fn what_is_left_is_counted_in_minutes() {
        // Of 8,639 observations, 99.5 % allow 43 to be down, and 99 % allow 86.
        check(9_950, (4_320, 4_320), Outlook::Open { minutes_left: 215 });
        check(9_950, (4_320, 4_310), Outlook::Open { minutes_left: 165 });
        check(9_950, (4_320, 4_288), Outlook::Open { minutes_left: 55 });
        check(9_950, (4_320, 4_287), Outlook::AtRisk { minutes_left: 50 });
        check(9_950, (4_320, 4_277), Outlook::AtRisk { minutes_left: 0 });
        check(9_950, (4_320, 4_276), Outlook::Missed);
        check(9_900, (4_320, 4_276), Outlook::Open { minutes_left: 210 });
    }

    #[test]
    fn the_ends_of_what_can_be_guaranteed() {
        check(0, (4_320, 0), Outlook::Met);
        check(10_000, (4_320, 4_320), Outlook::Open { minutes_left: 0 });
        check(10_000, (4_320, 4_319), Outlook::Missed);
        check(9_950, (0, 0), Outlook::Open { minutes_left: 105 });
        // Half may be down, and was not: the rest of the month may be dark.
        check(4_000, (4_320, 4_320), Outlook::Met);
        check(9_950, (u64::MAX, u64::MAX), Outlook::Met);
    }

    #[test]
    fn at_the_end_of_the_month_it_is_kept_or_broken() {
        let sla = Uptime::from_hundredths(9_950).unwrap();
        let over = Timestamp::from_seconds(HALF).plus_seconds(30 * 86_400);
        let of = |up| Outlook::of(sla, Observations { observed: 8_640, up }, november(), over);
        assert_eq!(of(8_597), Outlook::Met);
        assert_eq!(of(8_596), Outlook::Missed);
    }

    fn rank(outlook: Outlook) -> u8 {
        match outlook {
            Outlook::Met => 0,
            Outlook::Open { .. } => 1,
            Outlook::AtRisk { .. } => 2,
            Outlook::Missed => 3,
        }
    }

    proptest! {
        #[test]
        fn one_more_observation_that_was_down_never_makes_it_better(
            sla in 0..=10_000_i64, observed in 0..9_000_u64, down in 0..9_000_u64,
            day in 0..30_i64,
        ) {
            let sla = Uptime::from_hundredths(sla).unwrap();
            let at = november().first_second().plus_seconds(day * 86_400);
            let up = observed.saturating_sub(down);
            let before = Outlook::of(sla, Observations { observed, up }, november(), at);
            if up > 0 {
                let worse = Observations { observed, up: up - 1 };
                let after = Outlook::of(sla, worse, november(), at);
                prop_assert!(rank(after) >= rank(before), "{before:?} {after:?}");
            }
        }

        #[test]
        fn what_is_broken_stays_broken(
            sla in 0..=10_000_i64, observed in 0..9_000_u64, down in 0..9_000_u64,
            day in 0..30_i64, more in 0..9_000_u64,
        ) {
            let sla = Uptime::from_hundredths(sla).unwrap();
            let at = november().first_second().plus_seconds(day * 86_400);
            let observations = Observations { observed, up: observed.saturating_sub(down) };
            let more = more.min(remaining_observations(november(), at));
            let later = at.plus_seconds(i64::try_from(more).unwrap() * 300);
            if Outlook::of(sla, observations, november(), at) == Outlook::Missed {
                let Observations { observed, up } = observations;
                let observations = Observations { observed: observed + more, up: up + more };
                let then = Outlook::of(sla, observations, november(), later);
                prop_assert_eq!(then, Outlook::Missed);
            }
        }
    }
}
