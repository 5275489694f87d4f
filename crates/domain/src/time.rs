//! Instants, spans and the calendar. All in UTC.

use alloc::string::{String, ToString};
use core::fmt;

use chrono::{DateTime, Datelike, Months, SecondsFormat};

/// An instant, in POSIX seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The last instant that has a four-digit year; later ones are clamped to it.
    const LAST_SECOND: i64 = 253_402_300_799;

    /// The instant `seconds` after 1970-01-01T00:00:00Z, clamped to the years 1970 to 9999.
    pub fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.clamp(0, Timestamp::LAST_SECOND))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn seconds(self) -> i64 {
        self.0
    }

    /// Seconds from `earlier` to this instant; negative if `earlier` is later.
    pub fn seconds_since(self, earlier: Timestamp) -> i64 {
        self.0 - earlier.0
    }

    /// Whether this instant and `other` are at most `seconds` apart, whichever comes first. What
    /// was seen or shown lately is so by this: a time that is still to come was written while a
    /// clock was ahead, and is not recent until it has passed.
    pub fn is_near(self, other: Timestamp, seconds: i64) -> bool {
        (self.0 - other.0).abs() <= seconds
    }

    /// This instant, `seconds` later.
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp::from_seconds(self.0.saturating_add(seconds))
    }

    /// The same time of day, `months` calendar months later, on the same day of the month or, where
    /// that month is shorter, on its last day.
    pub fn plus_months(self, months: u32) -> Timestamp {
        self.calendar()
            .checked_add_months(Months::new(months))
            .map_or(Timestamp(Timestamp::LAST_SECOND), |end| {
                Timestamp::from_seconds(end.timestamp())
            })
    }

    /// The day, as people write it in a table: `2026-11-22`.
    pub fn date(self) -> String {
        let day = self.calendar();
        alloc::format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
    }

    /// The day, as people read it in a sentence: `22 November 2026`.
    pub fn day_for_people(self) -> String {
        self.calendar().format("%-d %B %Y").to_string()
    }

    /// The first instant of a day that is written as `2026-11-22`; `None` if it is not one.
    pub fn of_day(text: &str) -> Option<Timestamp> {
        let day = text.parse::<chrono::NaiveDate>().ok()?;
        let at = day.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
        Some(Timestamp::from_seconds(at)).filter(|at| at.date() == text)
    }

    /// Reads an instant of RFC 3339, with any offset and to the second: `2026-11-22T19:30:00Z`;
    /// `None` if it is not one, or before 1970.
    pub fn parse(text: &str) -> Option<Timestamp> {
        const LENGTH_MAX: usize = 40;
        let at = Some(text).filter(|text| text.len() <= LENGTH_MAX);
        let at = DateTime::parse_from_rfc3339(at?).ok()?.timestamp();
        (0..=Timestamp::LAST_SECOND).contains(&at).then_some(Timestamp(at))
    }

    fn calendar(self) -> DateTime<chrono::Utc> {
        DateTime::from_timestamp(self.0, 0).expect("the range of Timestamp is inside of chrono's")
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339, to the second: `2026-11-22T19:30:00Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.calendar().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_seconds(DateTime::parse_from_rfc3339(text).unwrap().timestamp())
    }

    #[track_caller]
    fn check(start: &str, months: u32, end: &str) {
        assert_eq!(at(start).plus_months(months).to_string(), end);
    }

    #[test]
    fn a_month_is_a_calendar_month_clamped_to_its_last_day() {
        check("2026-11-22T19:30:00Z", 1, "2026-12-22T19:30:00Z");
        check("2026-11-22T19:30:00Z", 3, "2027-02-22T19:30:00Z");
        check("2026-01-31T00:00:00Z", 1, "2026-02-28T00:00:00Z");
        check("2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z");
        check("2026-08-31T23:59:59Z", 6, "2027-02-28T23:59:59Z");
        check("2028-02-29T12:00:00Z", 12, "2029-02-28T12:00:00Z");
        check("2026-12-31T00:00:00Z", 12, "2027-12-31T00:00:00Z");
    }

    #[test]
    fn people_read_the_day_in_words() {
        assert_eq!(at("2026-07-29T12:00:59Z").day_for_people(), "29 July 2026");
        assert_eq!(Timestamp::from_seconds(0).day_for_people(), "1 January 1970");
        assert_eq!(Timestamp::from_seconds(i64::MAX).day_for_people(), "31 December 9999");
        let months = (0..12).map(|months| at("2026-07-29T12:00:59Z").plus_months(months));
        let months: Vec<String> = months.map(Timestamp::day_for_people).collect();
        assert_eq!(months[11], "29 June 2027");
    }

    #[test]
    fn a_day_is_read_as_it_is_printed() {
        assert_eq!(Timestamp::of_day("2028-02-29"), Some(at("2028-02-29T00:00:00Z")));
        for text in ["", "2027-02-29", "2026-1-1", "20261-01-01", "1969-12-31", "today"] {
            assert_eq!(Timestamp::of_day(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_read_as_it_is_printed() {
        for (text, expected) in [
            ("2026-11-22T19:30:00Z", "2026-11-22T19:30:00Z"),
            ("2026-11-22T19:30:00+02:00", "2026-11-22T17:30:00Z"),
            ("2026-11-22T19:30:00.9Z", "2026-11-22T19:30:00Z"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), expected);
        }
        let no_offset = "2026-11-22T19:30:00";
        for text in ["", no_offset, "2026-11-22", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_leaves_the_calendar() {
        assert_eq!(Timestamp::from_seconds(i64::MAX).plus_months(12).to_string().len(), 20);
        assert_eq!(Timestamp::from_seconds(i64::MIN).seconds(), 0);
        assert_eq!(at("2026-03-01T00:00:00Z").date(), "2026-03-01");
    }

    proptest! {
        #[test]
        fn more_months_never_end_earlier(start in 0..4_000_000_000_i64, months in 0..24_u32) {
            let start = Timestamp::from_seconds(start);
            let shorter = start.plus_months(months);
            let longer = start.plus_months(months + 1);
            let days = longer.seconds_since(shorter) / 86_400;
            prop_assert!((28..=31).contains(&days), "{days}");
        }
    }
}
