//! The record of a node as a ribbon: a bar for each of the last days.

use std::fmt::Write;

use domain::outlook::Observations;
use domain::uptime::Uptime;
use ui::wording::uptime;
use web::text::counted;

/// How many days a ribbon has.
pub(crate) const RIBBON_DAYS: u32 = 30;

/// A share of checks that passed, in percent, from which on a day was good enough to use.
const FAIR_PERCENT: u64 = 95;

/// The bars of the last days, the oldest first, as SVG paths in a box of 30 by 10: days without a
/// failed check, those with few, those with many, and those without checks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ribbon {
    /// Full bars.
    pub good: String,
    /// Shorter bars.
    pub fair: String,
    /// Short bars.
    pub bad: String,
    /// A line where bars would stand.
    pub none: String,
    /// The same in words, such as `Last 30 days: 99.8% up on 28 days with checks`.
    pub text: String,
}

impl Ribbon {
    /// The ribbon of these days.
    pub(crate) fn new(days: &[Option<Observations>]) -> Ribbon {
        let mut ribbon = Ribbon { text: text(days), ..Ribbon::default() };
        for (nth, day) in days.iter().enumerate() {
            let (path, height) = match day {
                Some(Observations { observed, up }) if *observed > 0 => {
                    if up == observed {
                        (&mut ribbon.good, 10)
                    } else if up * 100 >= observed * FAIR_PERCENT {
                        (&mut ribbon.fair, 7)
                    } else {
                        (&mut ribbon.bad, 4)
                    }
                }
                _ => (&mut ribbon.none, 1),
            };
            write!(path, "M{nth}.1 10v-{height}h.8v{height}z").expect("a text takes every byte");
        }
        ribbon
    }
}

fn text(days: &[Option<Observations>]) -> String {
    let count = days.len();
    let seen = days.iter().flatten().filter(|day| day.observed > 0);
    let with_checks = i64::try_from(seen.clone().count()).unwrap_or(i64::MAX);
    let (up, observed) =
        seen.fold((0, 0), |(up, observed), day| (up + day.up, observed + day.observed));
    match Uptime::measured(up, observed) {
        Some(share) => {
            let share = uptime(share);
            format!("Last {count} days: {share} up on {} with checks", counted(with_checks, "day"))
        }
        None => format!("Last {count} days: no checks"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_as_high_as_it_was_good() {
        let day = |up, observed| Some(Observations { observed, up });
        let ribbon = Ribbon::new(&[day(288, 288), day(280, 288), day(100, 288), None, day(0, 0)]);
        assert_eq!(ribbon.good, "M0.1 10v-10h.8v10z");
        assert_eq!(ribbon.fair, "M1.1 10v-7h.8v7z");
        assert_eq!(ribbon.bad, "M2.1 10v-4h.8v4z");
        assert_eq!(ribbon.none, "M3.1 10v-1h.8v1zM4.1 10v-1h.8v1z");
        assert_eq!(ribbon.text, "Last 5 days: 77.31% up on 3 days with checks");
        assert_eq!(Ribbon::new(&[None, None]).text, "Last 2 days: no checks");
        assert_eq!(Ribbon::new(&[day(1, 1)]).text, "Last 1 days: 100% up on 1 day with checks");
    }
}
