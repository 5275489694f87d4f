//! Instants and spans, as people read them. All in UTC.

use domain::time::Timestamp;
use web::page::Moment;
use web::text::counted;

const MINUTE_SECONDS: i64 = 60;

const MINUTES_OF_AN_HOUR: i64 = 60;

const HOUR_SECONDS: i64 = 60 * 60;

const DAY_SECONDS: i64 = 24 * HOUR_SECONDS;

/// An instant of which only the day is shown.
pub fn on_day(at: Timestamp) -> Moment {
    Moment::new(at.to_string(), at.day_for_people())
}

/// An instant to the minute: `29 July 2026, 12:00 UTC`.
pub fn to_the_minute(at: Timestamp) -> Moment {
    let iso = at.to_string();
    // `2026-07-29T12:00:00Z`: hours and minutes follow the `T`.
    let time = iso.split_once('T').and_then(|(_, time)| time.get(..5)).unwrap_or_default();
    Moment::new(&iso, format!("{}, {time} UTC", at.day_for_people()))
}

/// An instant soon after another one, by how much later it was: `after 2 min 5 s`. On a later day
/// it is shown to the minute.
pub fn after(at: Timestamp, begin: Timestamp) -> Moment {
    let seconds = at.seconds_since(begin).max(0);
    let (minutes, rest) = (seconds / MINUTE_SECONDS, seconds % MINUTE_SECONDS);
    let words = match seconds {
        DAY_SECONDS.. => return to_the_minute(at),
        HOUR_SECONDS.. => {
            format!("after {} h {} min", minutes / MINUTES_OF_AN_HOUR, minutes % MINUTES_OF_AN_HOUR)
        }
        MINUTE_SECONDS.. => format!("after {minutes} min {rest} s"),
        _ => format!("after {rest} s"),
    };
    Moment::new(at.to_string(), words)
}

/// How long it is until an instant: `89 days left`; `None` once it has come.
pub fn time_left(until: Timestamp, now: Timestamp) -> Option<String> {
    let seconds = until.seconds_since(now);
    match seconds {
        ..=0 => None,
        1..HOUR_SECONDS => Some("less than an hour left".to_owned()),
        HOUR_SECONDS..DAY_SECONDS => {
            Some(format!("{} left", counted(seconds / HOUR_SECONDS, "hour")))
        }
        DAY_SECONDS.. => Some(format!("{} left", counted(seconds / DAY_SECONDS, "day"))),
    }
}

/// How long an instant is past: `2 minutes ago`.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds_since(at);
    match seconds {
        ..MINUTE_SECONDS => "less than a minute ago".to_owned(),
        MINUTE_SECONDS..HOUR_SECONDS => {
            format!("{} ago", counted(seconds / MINUTE_SECONDS, "minute"))
        }
        HOUR_SECONDS..DAY_SECONDS => format!("{} ago", counted(seconds / HOUR_SECONDS, "hour")),
        DAY_SECONDS.. => format!("{} ago", counted(seconds / DAY_SECONDS, "day")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-07-29T12:00:59Z.
    const NOW: i64 = 1_785_326_459;

    #[test]
    fn instants_are_written_out() {
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(to_the_minute(now).text, "29 July 2026, 12:00 UTC");
        assert_eq!(to_the_minute(now).iso, "2026-07-29T12:00:59Z");
    }

    #[test]
    fn what_comes_soon_after_is_told_by_how_much_later() {
        let check = |seconds: i64, expected: &str| {
            let begin = Timestamp::from_seconds(NOW);
            assert_eq!(after(begin.plus_seconds(seconds), begin).text, expected);
        };
        check(-5, "after 0 s");
        check(59, "after 59 s");
        check(125, "after 2 min 5 s");
        check(7_260, "after 2 h 1 min");
        check(86_400, "30 July 2026, 12:00 UTC");
    }

    #[test]
    fn spans_are_rounded_down() {
        let check = |seconds: i64, expected: Option<&str>| {
            let now = Timestamp::from_seconds(NOW);
            assert_eq!(time_left(now.plus_seconds(seconds), now).as_deref(), expected);
        };
        check(-1, None);
        check(0, None);
        check(1, Some("less than an hour left"));
        check(3_599, Some("less than an hour left"));
        check(3_600, Some("1 hour left"));
        check(86_399, Some("23 hours left"));
        check(2 * 86_400 - 1, Some("1 day left"));
        check(89 * 86_400 + 5, Some("89 days left"));
        let past = |seconds: i64| {
            let now = Timestamp::from_seconds(NOW);
            ago(now.plus_seconds(-seconds), now)
        };
        assert_eq!([past(-5), past(59)], ["less than a minute ago"; 2]);
        assert_eq!([past(60), past(3_599)], ["1 minute ago", "59 minutes ago"]);
        assert_eq!([past(7_200), past(3 * 86_400)], ["2 hours ago", "3 days ago"]);
    }
}
