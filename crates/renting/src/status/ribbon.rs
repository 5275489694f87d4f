//! How a part of the marketplace was on each of the last 90 days, as a ribbon with a mark a day.

use std::fmt::Write;

use domain::health::{KEPT_DAYS, Part};
use domain::time::Timestamp;
use store::status::PartDay;

const DAY_SECONDS: i64 = 86_400;
/// More than so many looks of a hundred have to be late for a day to be marked.
const LATE_PERCENT: i64 = 2;
/// The same for nodes: of many, some are always down.
const NODES_LATE_PERCENT: i64 = 10;

/// A ribbon: for each color the days that have it, as a path of marks in a box of 90 by 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ribbon {
    /// Days on which all was well.
    pub good: String,
    /// Days on which something was late.
    pub late: String,
    /// Days on which something was broken.
    pub broken: String,
    /// Days of which nothing is known.
    pub unknown: String,
    /// The same in words.
    pub words: String,
}

impl Ribbon {
    /// How a part was on the last 90 days, the last of which is today.
    pub(crate) fn new(part: Part, days: &[PartDay], now: Timestamp) -> Ribbon {
        let first = now.seconds().div_euclid(DAY_SECONDS) - KEPT_DAYS + 1;
        let mut ribbon = Ribbon {
            good: String::new(),
            late: String::new(),
            broken: String::new(),
            unknown: String::new(),
            words: String::new(),
        };
        let (mut looked, mut well, mut known, mut marked) = (0, 0, 0, 0);
        for place in 0..KEPT_DAYS {
            let day = days.iter().find(|it| it.part == part && it.day == first + place);
            let path = match day.filter(|day| day.looked > 0) {
                None => &mut ribbon.unknown,
                Some(day) => {
                    looked += day.looked;
                    well += day.looked - day.late - day.broken;
                    known += 1;
                    let percent =
                        if part == Part::Nodes { NODES_LATE_PERCENT } else { LATE_PERCENT };
                    let is_late = day.late * 100 > day.looked * percent;
                    marked += i64::from(day.broken > 0 || is_late);
                    match (day.broken > 0, is_late) {
                        (true, _) => &mut ribbon.broken,
                        (false, true) => &mut ribbon.late,
                        (false, false) => &mut ribbon.good,
                    }
                }
            };
            write!(path, "M{place}.1 .5h.8").expect("writing to a string does not fail");
        }
        ribbon.words = words(part, (looked, well), known, marked);
        ribbon
    }
}

/// Such as `99.98% of checks in 90 days; 1 day with problems`.
fn words(part: Part, (looked, well): (i64, i64), known: i64, marked: i64) -> String {
    if looked == 0 {
        return "No data yet".to_owned();
    }
    let hundredths = well * 10_000 / looked;
    let share = match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole}%"),
        (whole, rest) => format!("{whole}.{rest:02}%"),
    };
    let days = |count: i64| if count == 1 { "1 day".to_owned() } else { format!("{count} days") };
    let what = if part == Part::Nodes { "up" } else { "on time" };
    let span = if known == KEPT_DAYS {
        format!("over {}", days(known))
    } else {
        format!("over {} with data", days(known))
    };
    match marked {
        0 => format!("{share} {what} {span}"),
        marked => format!("{share} {what} {span}; {} with problems", days(marked)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_one_mark() {
        let now = Timestamp::from_seconds(100 * DAY_SECONDS + 5);
        let day = |day, late, broken| PartDay { part: Part::Sync, day, looked: 288, late, broken };
        let days = [day(100, 0, 0), day(99, 6, 0), day(98, 5, 0), day(97, 0, 1), day(10, 288, 0)];
        let ribbon = Ribbon::new(Part::Sync, &days, now);
        assert_eq!(ribbon.good, "M87.1 .5h.8M89.1 .5h.8");
        assert_eq!((ribbon.late.as_str(), ribbon.broken.as_str()), ("M88.1 .5h.8", "M86.1 .5h.8"));
        assert_eq!(ribbon.unknown.matches('M').count(), 86);
        assert_eq!(ribbon.words, "98.95% on time over 4 days with data; 2 days with problems");
        let none = Ribbon::new(Part::Nodes, &days, now);
        assert_eq!((none.words.as_str(), none.unknown.matches('M').count()), ("No data yet", 90));
    }
}
