//! What a farmer guarantees for a node: uptime and bandwidth.

use core::fmt;

use crate::field::FieldError;

/// A share of time, in hundredths of a percent, from 0 to 10,000. Printed as `99.95`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(u16);

impl Uptime {
    /// Always up.
    pub const FULL: Uptime = Uptime(10_000);

    /// A whole percentage; above 100 it is 100.
    pub const fn whole(percent: u16) -> Uptime {
        Uptime(if percent > 100 { 10_000 } else { percent * 100 })
    }

    /// From hundredths of a percent; `None` above 10,000.
    pub fn from_hundredths(hundredths: i64) -> Option<Uptime> {
        u16::try_from(hundredths).ok().filter(|h| *h <= Uptime::FULL.0).map(Uptime)
    }

    /// The share of `observed` moments that were `up`, rounded down so that it never flatters;
    /// `None` where nothing was observed.
    pub fn measured(up: u64, observed: u64) -> Option<Uptime> {
        let hundredths = up.min(observed).checked_mul(u64::from(Uptime::FULL.0))? / observed.max(1);
        (observed > 0).then(|| Uptime(u16::try_from(hundredths).unwrap_or(Uptime::FULL.0)))
    }

    /// Hundredths of a percent.
    pub fn hundredths(self) -> i64 {
        i64::from(self.0)
    }

    /// Percent, for JSON.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 100.0
    }

    /// Reads a percentage with at most two decimals, 0 to 100.
    pub fn parse(field: &'static str, text: &str) -> Result<Uptime, FieldError> {
        let error = || FieldError::new(field, "a percentage from 0 to 100, such as 99.5");
        let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 3 || fraction.len() > 2 {
            return Err(error());
        }
        let whole: i64 = whole.parse().map_err(|_| error())?;
        let places: i64 = fraction.parse().map_err(|_| error())?;
        let hundredths = whole * 100 + if fraction.len() == 1 { places * 10 } else { places };
        Uptime::from_hundredths(hundredths).ok_or_else(error)
    }
}

impl fmt::Display for Uptime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 100, self.0 % 100);
        match rest {
            0 => write!(f, "{whole}"),
            _ if rest.is_multiple_of(10) => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

/// A bandwidth in whole megabits (1,000,000 bits) a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bandwidth(u32);

impl Bandwidth {
    /// The most that can be guaranteed: 1 Tbit/s.
    pub const MAX_MBPS: u32 = 1_000_000;

    /// From megabits a second, clamped to what can be guaranteed.
    pub fn from_mbps(mbps: u32) -> Bandwidth {
        Bandwidth(mbps.min(Bandwidth::MAX_MBPS))
    }

    /// Megabits a second.
    pub fn mbps(self) -> u32 {
        self.0
    }

    /// Reads a whole number of megabits a second.
    pub fn parse(field: &'static str, text: &str) -> Result<Bandwidth, FieldError> {
        let digits = text.trim();
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits
            .parse()
            .ok()
            .filter(|mbps| plain && *mbps <= Bandwidth::MAX_MBPS)
            .map(Bandwidth)
            .ok_or_else(|| FieldError::new(field, "a whole number of Mbit/s, 0 to 1000000"))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uptime_is_a_percentage() {
        for (text, hundredths) in [("99.5", 9950), ("99.95", 9995), ("100", 10_000), ("0.05", 5)] {
            let uptime = Uptime::parse("min_uptime", text).unwrap();
            assert_eq!((uptime.hundredths(), uptime.to_string().as_str()), (hundredths, text));
        }
        for text in ["", ".", "100.01", "-1", "99.999", "1e1", "99,5", "9.", ".5", "1000"] {
            assert!(Uptime::parse("min_uptime", text).is_err(), "{text}");
        }
    }

    #[test]
    fn measured_uptime_never_flatters() {
        assert_eq!(Uptime::measured(0, 0), None);
        assert_eq!(Uptime::measured(9_999, 10_000), Uptime::from_hundredths(9_999));
        assert_eq!(Uptime::measured(99_999, 100_000), Uptime::from_hundredths(9_999));
        assert_eq!(Uptime::measured(u64::MAX, 1), Some(Uptime::FULL));
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(hundredths in 0..=10_000_i64) {
            let uptime = Uptime::from_hundredths(hundredths).unwrap();
            prop_assert_eq!(Uptime::parse("uptime", &uptime.to_string()), Ok(uptime));
        }
    }
}
