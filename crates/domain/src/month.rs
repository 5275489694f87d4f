//! Calendar months, as statements go by them. All in UTC.

use alloc::string::{String, ToString as _};
use core::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate};

use crate::time::Timestamp;

/// A calendar month of the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    /// 1 to 12.
    number: u32,
}

impl Month {
    const YEARS: core::ops::RangeInclusive<i32> = 1970..=9999;

    /// The month of an instant.
    pub fn of(at: Timestamp) -> Month {
        let day = DateTime::from_timestamp(at.seconds(), 0)
            .expect("the range of Timestamp is inside of chrono's");
        Month { year: day.year(), number: day.month() }
    }

    /// Reads `2026-11`; `None` if it is not in this form.
    pub fn parse(text: &str) -> Option<Month> {
        let (year, number) = text.split_once('-')?;
        let is_plain = |part: &str, digits| {
            part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !is_plain(year, 4) || !is_plain(number, 2) {
            return None;
        }
        let month = Month { year: year.parse().ok()?, number: number.parse().ok()? };
        (Month::YEARS.contains(&month.year) && (1..=12).contains(&month.number)).then_some(month)
    }

    /// Its number in the year, 1 to 12.
    pub fn number(self) -> u32 {
        self.number
    }

    /// The year.
    pub fn year(self) -> i32 {
        self.year
    }

    /// The month so many months earlier; none is before January 1970.
    pub fn minus(self, months: u32) -> Month {
        let first = Month { year: *Month::YEARS.start(), number: 1 };
        let day = self.first_day().checked_sub_months(Months::new(months));
        let earlier = day.map(|day| Month { year: day.year(), number: day.month() });
        earlier.map_or(first, |earlier| earlier.max(first))
    }

    /// So many months in order, of which this is the last; fewer where January 1970 is the first.
    pub fn last(self, count: u32) -> impl Iterator<Item = Month> {
        let months = (0..count).rev().map(move |back| self.minus(back));
        // Where it is held at the first month, it is that month once.
        let mut before = None;
        months.filter(move |month| before.replace(*month) != Some(*month))
    }

    /// As people read it: `November 2026`.
    pub fn for_people(self) -> String {
        self.first_day().format("%B %Y").to_string()
    }

    /// Its first second.
    pub fn first_second(self) -> Timestamp {
        Timestamp::from_seconds(
            self.first_day().and_time(chrono::NaiveTime::MIN).and_utc().timestamp(),
        )
    }

    /// Its last second.
    pub fn last_second(self) -> Timestamp {
        let next = self.first_day() + Months::new(1);
        let next = next.and_time(chrono::NaiveTime::MIN).and_utc().timestamp();
        Timestamp::from_seconds(next - 1)
    }

    fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.number, 1)
            .expect("every month of these years has a first day")
    }
}

impl fmt::Display for Month {
    /// `2026-11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_month_is_four_digits_and_two() {
        for text in ["2026-11", "1970-01", "9999-12"] {
            assert_eq!(Month::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "2026",
            "2026-1",
            "2026-00",
            "2026-13",
            "1969-12",
            "02026-11",
            "2026-11-01",
            "+026-11",
            "2026-+1",
            "2026_11",
            "２０２６-11",
            "26-11",
        ] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    #[track_caller]
    fn check(month: &str, first: &str, last: &str) {
        let month = Month::parse(month).unwrap();
        assert_eq!(month.first_second().to_string(), first);
        assert_eq!(month.last_second().to_string(), last);
    }

    #[test]
    fn a_month_ends_with_its_last_second() {
        check("2026-11", "2026-11-01T00:00:00Z", "2026-11-30T23:59:59Z");
        check("2027-02", "2027-02-01T00:00:00Z", "2027-02-28T23:59:59Z");
        check("2028-02", "2028-02-01T00:00:00Z", "2028-02-29T23:59:59Z");
        check("2100-02", "2100-02-01T00:00:00Z", "2100-02-28T23:59:59Z");
        check("2026-12", "2026-12-01T00:00:00Z", "2026-12-31T23:59:59Z");
        check("9999-12", "9999-12-01T00:00:00Z", "9999-12-31T23:59:59Z");
    }

    #[test]
    fn months_go_back_over_years() {
        let month = |text| Month::parse(text).unwrap();
        assert_eq!(month("2026-11").minus(0), month("2026-11"));
        assert_eq!(month("2026-11").minus(11), month("2025-12"));
        assert_eq!(month("1970-02").minus(9), month("1970-01"));
        let of_year: alloc::vec::Vec<_> = month("2026-02").last(3).collect();
        assert_eq!(of_year, [month("2025-12"), month("2026-01"), month("2026-02")]);
        assert_eq!(month("1970-02").last(60).count(), 2);
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_month(seconds in 0..253_402_300_800_i64) {
            let at = Timestamp::from_seconds(seconds);
            let month = Month::of(at);
            prop_assert!(month.first_second() <= at && at <= month.last_second());
            prop_assert_eq!(Month::parse(&month.to_string()), Some(month));
        }
    }
}
