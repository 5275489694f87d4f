//! US dollars, prices and rounding.

use alloc::string::{String, ToString};
use core::{fmt, ops};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::field::FieldError;

/// The hours of a month by which the hourly price is derived from the monthly one: 365 × 24 / 12.
pub const HOURS_PER_MONTH: u32 = 730;

/// An amount of US dollars, exact to the micro-dollar; negative where money is owed or leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(Decimal);

impl Usd {
    /// No money.
    pub const ZERO: Usd = Usd(Decimal::ZERO);
    /// The largest amount that can be entered: far above any price, far below any overflow.
    pub const ENTRY_MAX: Usd = Usd(Decimal::from_parts(1_000_000, 0, 0, false, 0));

    const MICRO_SCALE: u32 = 6;
    const CENT_SCALE: u32 = 2;

    /// So many dollars.
    pub const fn whole(dollars: u32) -> Usd {
        Usd(Decimal::from_parts(dollars, 0, 0, false, 0))
    }

    /// The amount of `micros` millionths of a dollar, as SQL keeps it.
    pub fn from_micros(micros: i64) -> Usd {
        Usd(Decimal::new(micros, Usd::MICRO_SCALE).normalize())
    }

    /// The amount in millionths of a dollar.
    ///
    /// # Panics
    /// Above 9 × 10¹² dollars, which no sum of entries that `parse` accepts can reach.
    pub fn micros(self) -> i64 {
        let scaled = self.0 * Decimal::from(1_000_000_u32);
        scaled.try_into().expect("an amount of dollars fits 64 bits of micro-dollars")
    }

    /// Reads a positive amount in dollars and cents: `25`, `25.5`, `25.50`.
    pub fn parse(field: &'static str, text: &str) -> Result<Usd, FieldError> {
        let rule = "an amount of dollars with at most two decimals, above 0, such as 25.00";
        let text = with_point(field, text.trim())?;
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let amount = text.parse::<Decimal>().ok().filter(|_| plain).map(Usd);
        amount
            .filter(|usd| *usd > Usd::ZERO && *usd <= Usd::ENTRY_MAX && usd.is_whole_cents())
            .ok_or_else(|| FieldError::new(field, rule))
    }

    /// Rounds half-even to the cent: done once, where something is charged.
    pub fn to_cents(self) -> Usd {
        Usd(self.0.round_dp_with_strategy(Usd::CENT_SCALE, RoundingStrategy::MidpointNearestEven))
    }

    /// The price of an hour of a month that costs this amount, rounded half-even to the
    /// micro-dollar. For show: nothing is charged by the hour.
    pub fn per_hour(self) -> Usd {
        let hourly = self.0 / Decimal::from(HOURS_PER_MONTH);
        Usd(hourly
            .round_dp_with_strategy(Usd::MICRO_SCALE, RoundingStrategy::MidpointNearestEven)
            .normalize())
    }

    /// This amount, `count` times.
    pub fn times(self, count: u32) -> Usd {
        Usd(self.0 * Decimal::from(count))
    }

    /// `part` of `whole` equal parts of this amount, to 28 digits: to be rounded by the caller.
    pub fn part(self, part: i64, whole: i64) -> Usd {
        Usd(self.0 * Decimal::from(part) / Decimal::from(whole))
    }

    /// `percent` hundredths of this amount, exact.
    pub fn percent(self, percent: Percent) -> Usd {
        Usd(self.0 * percent.0 / Decimal::ONE_HUNDRED)
    }

    /// The amount for people: `$1,234.50`, or `−$3.00`.
    pub fn for_people(self) -> String {
        let text = Usd(self.0.abs()).to_string();
        let (whole, rest) = text.split_once('.').unwrap_or((&text, "00"));
        let mut grouped = String::new();
        for (index, digit) in whole.chars().enumerate() {
            if index > 0 && (whole.len() - index).is_multiple_of(3) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        let sign = if self < Usd::ZERO { "\u{2212}" } else { "" };
        alloc::format!("{sign}${grouped}.{rest}")
    }

    fn is_whole_cents(self) -> bool {
        self.0.normalize().scale() <= Usd::CENT_SCALE
    }
}

impl ops::Add for Usd {
    type Output = Usd;

    fn add(self, other: Usd) -> Usd {
        Usd(self.0 + other.0)
    }
}

impl ops::Sub for Usd {
    type Output = Usd;

    fn sub(self, other: Usd) -> Usd {
        Usd(self.0 - other.0)
    }
}

impl ops::Neg for Usd {
    type Output = Usd;

    fn neg(self) -> Usd {
        Usd(-self.0)
    }
}

impl fmt::Display for Usd {
    /// A decimal with at least two digits after the point: `71.25`, `0.034247`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut amount = self.0.normalize();
        if amount.scale() < Usd::CENT_SCALE {
            amount.rescale(Usd::CENT_SCALE);
        }
        fmt::Display::fmt(&amount, f)
    }
}

/// A share in percent, from 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percent(Decimal);

impl Percent {
    /// A whole percentage; above 100 it is 100.
    pub fn whole(percent: u8) -> Percent {
        Percent(Decimal::from(percent.min(100)))
    }

    /// Reads a percentage with at most two decimals, 0 to 100.
    pub fn parse(field: &'static str, text: &str) -> Result<Percent, FieldError> {
        text.trim()
            .parse::<Decimal>()
            .ok()
            .filter(|p| *p >= Decimal::ZERO && *p <= Decimal::ONE_HUNDRED && p.scale() <= 2)
            .map(Percent)
            .ok_or_else(|| FieldError::new(field, "a percentage, 0 to 100"))
    }
}

impl fmt::Display for Percent {
    /// The number, without the sign: `10`, `7.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.normalize(), f)
    }
}

/// What a farmer may ask for one slice and month, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PriceLimits {
    /// The lowest price.
    pub min: Usd,
    /// The highest price.
    pub max: Usd,
}

impl PriceLimits {
    /// Reads a price per slice and month inside of these limits.
    pub fn parse(self, field: &'static str, text: &str) -> Result<Usd, FieldError> {
        let inside = |price: &Usd| *price >= self.min && *price <= self.max;
        with_point(field, text.trim())?;
        Usd::parse(field, text).ok().filter(inside).ok_or_else(|| {
            let rule = alloc::format!(
                "a price per slice per month from {} to {} dollars, with at most two decimals",
                self.min,
                self.max
            );
            FieldError { field, rule }
        })
    }
}

/// An amount whose decimals are behind a point. A comma before one or two digits is that; before
/// three it is for thousands to some and for decimals to others: whoever wrote it is asked.
fn with_point(field: &'static str, text: &str) -> Result<String, FieldError> {
    let Some((whole, rest)) = text.split_once(',') else { return Ok(text.into()) };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if is_number(whole) && is_number(rest) && rest.len() <= 2 {
        return Ok(alloc::format!("{whole}.{rest}"));
    }
    if is_number(whole) && is_number(rest) && rest.len() == 3 {
        let rule = alloc::format!(
            "an amount that can be read in one way only; write {whole}{rest} or {whole}.{cents} \
             instead of {text}",
            cents = &rest[..2]
        );
        return Err(FieldError { field, rule });
    }
    Err(FieldError::new(field, "an amount without separators of thousands, such as 1000.50"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Usd {
        Usd::parse("amount", text).unwrap()
    }

    #[test]
    fn amounts_are_dollars_and_cents() {
        assert_eq!(usd("25").to_string(), "25.00");
        assert_eq!(usd(" 25.5 ").to_string(), "25.50");
        assert_eq!(usd("1000000").micros(), 1_000_000_000_000);
        for text in ["", "0", "-1", "+1", "1e3", "1.001", "1000000.01", "NaN", "0x10"] {
            assert!(Usd::parse("amount", text).is_err(), "{text}");
        }
        // More zeros do not make more precision.
        assert_eq!(usd("1.2300"), usd("1.23"));
    }

    #[test]
    fn a_comma_is_a_point_or_asked_about() {
        assert_eq!(
            (usd("25,50"), usd("25,5"), usd(" 1,00 ")),
            (usd("25.50"), usd("25.50"), usd("1"))
        );
        let why = |text: &str| Usd::parse("amount", text).unwrap_err().rule;
        let asked =
            "an amount that can be read in one way only; write 1000 or 1.00 instead of 1,000";
        assert_eq!(why("1,000"), asked);
        for text in ["1,000,000", "1,000.00", "1.000,00", ",50", "1,", "1,0000", "a,50"] {
            assert!(why(text).starts_with("an amount without separators"), "{text}");
        }
        let limits = PriceLimits { min: usd("1"), max: usd("500") };
        assert_eq!(limits.parse("price", "25,50"), Ok(usd("25.50")));
        assert_eq!(limits.parse("price", "1,000").unwrap_err().rule, asked);
        assert!(limits.parse("price", "501").unwrap_err().rule.starts_with("a price per slice"));
    }

    #[test]
    fn people_see_grouped_dollars() {
        assert_eq!(usd("1234567.5".strip_prefix("1").unwrap()).for_people(), "$234,567.50");
        assert_eq!((-usd("3")).for_people(), "\u{2212}$3.00");
        assert_eq!(usd("1000").for_people(), "$1,000.00");
    }

    #[test]
    fn percentages_are_printed_short() {
        for (text, printed) in [("10", "10"), ("7.50", "7.5"), ("0", "0"), ("100.00", "100")] {
            assert_eq!(Percent::parse("share", text).unwrap().to_string(), printed);
        }
    }

    #[test]
    fn an_hour_is_a_730th_of_a_month() {
        assert_eq!(usd("25").per_hour().to_string(), "0.034247");
        assert_eq!(usd("730").per_hour().to_string(), "1.00");
    }

    #[test]
    fn cents_round_half_to_even() {
        assert_eq!(Usd::from_micros(1_005_000).to_cents().to_string(), "1.00");
        assert_eq!(Usd::from_micros(1_015_000).to_cents().to_string(), "1.02");
        assert_eq!(Usd::from_micros(1_005_001).to_cents().to_string(), "1.01");
    }

    #[test]
    fn a_price_outside_of_the_limits_says_the_limits() {
        let limits = PriceLimits { min: usd("5"), max: usd("500") };
        assert_eq!(limits.parse("price", "500").unwrap(), usd("500"));
        let error = limits.parse("price", "500.01").unwrap_err();
        assert!(error.rule.contains("5.00 to 500.00"), "{}", error.rule);
    }

    proptest! {
        #[test]
        fn item_06_amounts_do_not_overflow(a in any::<i64>(), b in any::<i64>()) {
            for micros in [a, b, i64::MIN, i64::MAX] {
                prop_assert_eq!(Usd::from_micros(micros).micros(), micros);
            }
            // A sum is exact beyond 64 bits, so that a check of it is a check of the truth.
            let (a, b) = (Usd::from_micros(a), Usd::from_micros(b));
            prop_assert_eq!(a + b - b, a);
            prop_assert_eq!(a + b > a, b > Usd::ZERO);
            prop_assert_eq!(a.times(512) - a.times(511), a);
        }
    }

    proptest! {
        #[test]
        fn micros_are_read_back(micros in -1_000_000_000_000_i64..=1_000_000_000_000) {
            prop_assert_eq!(Usd::from_micros(micros).micros(), micros);
        }

        #[test]
        fn rounding_moves_less_than_a_cent(micros in -1_000_000_000_000_i64..=1_000_000_000_000) {
            let amount = Usd::from_micros(micros);
            prop_assert!((amount.to_cents() - amount).micros().abs() <= 5_000);
        }

        #[test]
        fn parsing_never_panics(text in "\\PC{0,40}") {
            let _ = Usd::parse("amount", &text);
            let _ = Percent::parse("share", &text);
        }
    }
}
