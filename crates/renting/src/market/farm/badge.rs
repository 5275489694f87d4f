//! A farm's uptime as a picture for other sites.

use askama::Template;
use domain::outlook::Observations;
use domain::uptime::Uptime;
use ui::wording::uptime;

/// How wide a character is at most, in units of the picture.
const CHAR_WIDTH: usize = 7;

/// The space left and right of a text.
const PADDING: usize = 8;

/// What stands on the left.
const LABEL: &str = "Mycelium uptime, 30 days";

/// What `badge.svg` shows: a label, and the measured uptime. It has nothing that a farmer wrote.
#[derive(Clone, Debug, Template)]
#[template(path = "market/farm/badge.svg", escape = "html")]
pub(super) struct Badge {
    label: &'static str,
    /// Such as `99.98%`.
    value: String,
    /// The color of the right part.
    color: &'static str,
    width: usize,
    label_width: usize,
    label_middle: usize,
    value_width: usize,
    value_middle: usize,
}

/// From this on, in hundredths of a percent, an uptime is good.
const GOOD: i64 = 9_900;

impl Badge {
    pub(super) fn new(days: &[Option<Observations>]) -> Badge {
        let seen = days.iter().flatten();
        let sum = |sum: (u64, u64), day: &Observations| (sum.0 + day.up, sum.1 + day.observed);
        let (up, observed) = seen.fold((0, 0), sum);
        let share = Uptime::measured(up, observed);
        let color = match share {
            None => "#5f6a64",
            Some(share) if share.hundredths() >= GOOD => "#1d6b45",
            Some(_) => "#8a5a00",
        };
        let value = share.map_or_else(|| "no checks yet".to_owned(), uptime);
        let wide = |text: &str| text.chars().count() * CHAR_WIDTH + 2 * PADDING;
        let (label_width, value_width) = (wide(LABEL), wide(&value));
        Badge {
            label: LABEL,
            color,
            width: label_width + value_width,
            label_middle: label_width / 2,
            value_middle: label_width + value_width / 2,
            label_width,
            value_width,
            value,
        }
    }

    /// The picture.
    pub(super) fn picture(&self) -> askama::Result<String> {
        self.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_says_what_was_measured() {
        let of = |observed, up| Badge::new(&[None, Some(Observations { observed, up })]);
        assert_eq!(of(10_000, 9_998).value, "99.98%");
        assert_eq!(Badge::new(&[None]).value, "no checks yet");
        let colors = [of(100, 99), of(100, 98), of(0, 0)].map(|badge| badge.color);
        assert_eq!(colors, ["#1d6b45", "#8a5a00", "#5f6a64"]);
        let picture = of(100, 100).picture().unwrap();
        assert!(picture.starts_with("<svg ") && picture.contains(">100%</text>"), "{picture}");
        assert!(picture.len() < 1_500, "{}", picture.len());
    }
}
