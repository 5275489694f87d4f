//! Maintenance: windows in which a farmer works on a node, announced to who rents there.

use alloc::string::String;
use alloc::vec::Vec;

use crate::field::FieldError;
use crate::month::Month;
use crate::text::parse_line;
use crate::time::Timestamp;

/// How long before its start a window is announced at least, and who rents there reminded.
///
/// Seconds: a day.
pub const AHEAD_SECONDS: i64 = 24 * 60 * 60;

/// How far ahead a window can be announced. Seconds: 90 days.
pub const AHEAD_SECONDS_MAX: i64 = 90 * 24 * 60 * 60;

/// How long a window is at most. Seconds: eight hours.
pub const WINDOW_SECONDS_MAX: i64 = 8 * 60 * 60;

/// How long a window is at least. Seconds: a minute.
pub const WINDOW_SECONDS_MIN: i64 = 60;

/// How many windows of a node can be open at once: announced, and not over.
pub const OPEN_WINDOWS_MAX: usize = 4;

/// The longest note to who rents there.
pub const NOTE_CHARS_MAX: usize = 200;

/// How much announced maintenance of a node is left out in a calendar month when its uptime is
/// compared with the SLA: the first of it. What is beyond counts like any other time.
///
/// Seconds: eight hours.
pub const ALLOWED_SECONDS: i64 = 8 * 60 * 60;

/// A time that does not count, from the first instant to before the second.
pub type Excused = (Timestamp, Timestamp);

/// When a node may be down in a month: the first `ALLOWED_SECONDS` of what was announced, in order.
/// What was canceled counts as far as it had come, which is for the caller to cut. The windows are
/// in order, and apart.
pub fn excused(windows: &[Excused], month: Month) -> Vec<Excused> {
    let (first, last) = (month.first_second(), month.last_second().plus_seconds(1));
    let mut left = ALLOWED_SECONDS;
    let mut excused = Vec::new();
    for (from, until) in windows {
        let (from, until) = ((*from).max(first), (*until).min(last));
        let until = until.min(from.plus_seconds(left));
        if from < until {
            left -= until.seconds_since(from);
            excused.push((from, until));
        }
    }
    excused
}

/// When a node is worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// What for, in the farmer's words; may be empty.
    pub note: String,
}

impl Window {
    /// A window that is announced at `now`, or every field that is wrong.
    pub fn announce(
        starts_at: Timestamp,
        ends_at: Timestamp,
        note: &str,
        now: Timestamp,
    ) -> Result<Window, Vec<FieldError>> {
        let mut wrong = Vec::new();
        if !(AHEAD_SECONDS..=AHEAD_SECONDS_MAX).contains(&starts_at.seconds_since(now)) {
            let rule = "a time 24 hours to 90 days from now";
            wrong.push(FieldError::new("starts_at", rule));
        }
        let length = ends_at.seconds_since(starts_at);
        if !(WINDOW_SECONDS_MIN..=WINDOW_SECONDS_MAX).contains(&length) {
            let rule = "a time 1 minute to 8 hours after starts_at";
            wrong.push(FieldError::new("ends_at", rule));
        }
        let note = parse_line("note", note, 0..=NOTE_CHARS_MAX);
        let note = note.map_err(|error| wrong.push(error)).unwrap_or_default();
        if !wrong.is_empty() {
            return Err(wrong);
        }
        Ok(Window { starts_at, ends_at, note })
    }

    /// Whether both are at some time.
    pub fn overlaps(&self, other: &Window) -> bool {
        self.starts_at < other.ends_at && other.starts_at < self.ends_at
    }
}

/// Why a window is not announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaintenanceError {
    /// Another one is at the same time.
    #[error("this node already has maintenance scheduled at that time; choose another time")]
    Overlaps,
    /// Enough are announced.
    #[error("this node already has four maintenance windows; wait until one is over or cancel one")]
    TooMany,
}

/// Whether a window fits in with those that are open.
pub fn fits(open: &[Window], window: &Window) -> Result<(), MaintenanceError> {
    if open.iter().any(|other| other.overlaps(window)) {
        return Err(MaintenanceError::Overlaps);
    }
    if open.len() >= OPEN_WINDOWS_MAX {
        return Err(MaintenanceError::TooMany);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_795_367_321)
    }

    fn at(seconds: i64) -> Timestamp {
        now().plus_seconds(seconds)
    }

    #[track_caller]
    fn check(starts: i64, length: i64, note: &str, expected: &[&str]) {
        let window = Window::announce(at(starts), at(starts + length), note, now());
        let wrong = window.err().unwrap_or_default();
        let wrong: Vec<&str> = wrong.iter().map(|error| error.field).collect();
        assert_eq!(wrong, expected);
    }

    #[test]
    fn a_window_is_announced_a_day_ahead() {
        check(24 * HOUR, HOUR, "New disks", &[]);
        check(24 * HOUR - 1, HOUR, "", &["starts_at"]);
        check(-HOUR, HOUR, "", &["starts_at"]);
        check(90 * 24 * HOUR, 8 * HOUR, "", &[]);
        check(90 * 24 * HOUR + 1, HOUR, "", &["starts_at"]);
        check(48 * HOUR, 8 * HOUR + 1, "", &["ends_at"]);
        check(48 * HOUR, 60, "", &[]);
        check(48 * HOUR, 59, "", &["ends_at"]);
        check(48 * HOUR, -HOUR, "", &["ends_at"]);
        check(48 * HOUR, HOUR, &"ü".repeat(200), &[]);
        check(48 * HOUR, HOUR, &"x".repeat(201), &["note"]);
        check(0, 0, "two\nlines", &["starts_at", "ends_at", "note"]);
    }

    fn window(starts: i64, length: i64) -> Window {
        Window { starts_at: at(starts), ends_at: at(starts + length), note: String::new() }
    }

    #[test]
    fn windows_are_few_and_apart() {
        let open: Vec<Window> = (1..4).map(|day| window(day * 24 * HOUR, HOUR)).collect();
        assert_eq!(fits(&open, &window(23 * HOUR, HOUR)), Ok(()));
        assert_eq!(fits(&open, &window(25 * HOUR, HOUR)), Ok(()));
        let overlaps = Err(MaintenanceError::Overlaps);
        assert_eq!(fits(&open, &window(25 * HOUR - 1, HOUR)), overlaps);
        assert_eq!(fits(&open, &window(23 * HOUR, HOUR + 1)), overlaps);
        assert_eq!(fits(&open, &window(23 * HOUR, 3 * HOUR)), overlaps);
        let four = [open, vec![window(200 * HOUR, HOUR)]].concat();
        assert_eq!(fits(&four, &window(300 * HOUR, HOUR)), Err(MaintenanceError::TooMany));
    }

    #[track_caller]
    fn check_excused(windows: &[(&str, &str)], expected: &[(&str, &str)]) {
        let read = |(from, until): &(&str, &str)| {
            let at = |text: &str| Timestamp::parse(&alloc::format!("2026-{text}:00Z")).unwrap();
            (at(from), at(until))
        };
        let windows: Vec<Excused> = windows.iter().map(read).collect();
        let expected: Vec<Excused> = expected.iter().map(read).collect();
        assert_eq!(excused(&windows, Month::parse("2026-11").unwrap()), expected);
    }

    #[test]
    fn the_first_eight_hours_of_a_month_do_not_count() {
        check_excused(&[], &[]);
        let three = [("11-03T10:00", "11-03T13:00"), ("11-04T10:00", "11-04T13:00")];
        check_excused(&three, &three);
        check_excused(
            &[three[0], three[1], ("11-05T10:00", "11-05T13:00"), ("11-06T10:00", "11-06T11:00")],
            &[three[0], three[1], ("11-05T10:00", "11-05T12:00")],
        );
        // Only what is in the month counts for it.
        check_excused(
            &[("10-31T20:00", "11-01T04:00"), ("11-30T22:00", "12-01T06:00")],
            &[("11-01T00:00", "11-01T04:00"), ("11-30T22:00", "12-01T00:00")],
        );
        check_excused(&[("10-30T20:00", "10-30T23:00"), ("12-01T00:00", "12-01T01:00")], &[]);
    }

    proptest! {
        #[test]
        fn overlapping_is_mutual(starts in [0..100_i64, 0..100], length in [1..50_i64, 1..50]) {
            let (a, b) = (window(starts[0], length[0]), window(starts[1], length[1]));
            prop_assert_eq!(a.overlaps(&b), b.overlaps(&a));
            prop_assert!(a.overlaps(&a));
        }
    }
}
