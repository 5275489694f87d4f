//! What a missed SLA costs its farmer: the published scale of credits.

use crate::money::{Percent, Usd};
use crate::uptime::{Bandwidth, Uptime};

/// The share of a month's price that is credited where the uptime is below the SLA. Percent.
pub const BELOW_SLA_PERCENT: u8 = 10;
/// The same below `POOR_UPTIME`. Percent.
pub const POOR_PERCENT: u8 = 25;
/// The same below `BAD_UPTIME`. Percent.
pub const BAD_PERCENT: u8 = 50;
/// The share where the bandwidth is below the SLA, besides that of the uptime. Percent.
pub const SLOW_PERCENT: u8 = 10;

/// The most that is credited of a month, all in all. Percent.
pub const PERCENT_MAX: u8 = BAD_PERCENT + SLOW_PERCENT;

/// Below this, an uptime is poor.
pub const POOR_UPTIME: Uptime = Uptime::whole(99);
/// Below this, it is bad.
pub const BAD_UPTIME: Uptime = Uptime::whole(95);

/// The SLA and what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared<T> {
    /// The SLA.
    pub guaranteed: T,
    /// What the node has shown.
    pub measured: T,
}

/// The share of a month's price that an uptime is credited with, in percent.
pub fn uptime_credit(uptime: Compared<Uptime>) -> u8 {
    if uptime.measured >= uptime.guaranteed {
        0
    } else if uptime.measured < BAD_UPTIME {
        BAD_PERCENT
    } else if uptime.measured < POOR_UPTIME {
        POOR_PERCENT
    } else {
        BELOW_SLA_PERCENT
    }
}

/// The share of a month's price that a bandwidth is credited with, in percent.
pub fn bandwidth_credit(bandwidth: Compared<Bandwidth>) -> u8 {
    if bandwidth.measured >= bandwidth.guaranteed { 0 } else { SLOW_PERCENT }
}

/// The share of a month's price that is credited, in percent. What was not measured costs nothing.
pub fn credit_percent(
    uptime: Option<Compared<Uptime>>,
    bandwidth: Option<Compared<Bandwidth>>,
) -> u8 {
    uptime.map_or(0, uptime_credit) + bandwidth.map_or(0, bandwidth_credit)
}

/// So much of a price, in whole cents: never more than the price.
pub fn credit(price: Usd, percent: u8) -> Usd {
    price.percent(Percent::whole(percent)).to_cents().min(price)
}

/// What one slice is credited for a month at `price`: never more than the price. What was not
/// measured costs nothing.
pub fn monthly_credit(
    price: Usd,
    uptime: Option<Compared<Uptime>>,
    bandwidth: Option<Compared<Bandwidth>>,
) -> Usd {
    credit(price, credit_percent(uptime, bandwidth))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn uptimes(guaranteed: i64, measured: i64) -> Compared<Uptime> {
        let of = |hundredths| Uptime::from_hundredths(hundredths).unwrap();
        Compared { guaranteed: of(guaranteed), measured: of(measured) }
    }

    fn bandwidths(guaranteed: u32, measured: u32) -> Compared<Bandwidth> {
        let of = Bandwidth::from_mbps;
        Compared { guaranteed: of(guaranteed), measured: of(measured) }
    }

    #[test]
    fn the_scale_is_as_it_is_published() {
        for (guaranteed, measured, percent) in [
            (9_990, 9_990, 0),
            (9_990, 10_000, 0),
            (9_990, 9_989, 10),
            (9_990, 9_900, 10),
            (9_990, 9_899, 25),
            (9_990, 9_500, 25),
            (9_990, 9_499, 50),
            (9_990, 0, 50),
            (9_000, 9_400, 0),
            (9_000, 8_999, 50),
            (0, 0, 0),
        ] {
            let found = uptime_credit(uptimes(guaranteed, measured));
            assert_eq!(found, percent, "{guaranteed} {measured}");
        }
        assert_eq!(bandwidth_credit(bandwidths(100, 100)), 0);
        assert_eq!(bandwidth_credit(bandwidths(100, 99)), 10);
    }

    #[test]
    fn a_month_is_credited_in_whole_cents() {
        let price = Usd::parse("price", "24.99").unwrap();
        let credit = |uptime, bandwidth| monthly_credit(price, uptime, bandwidth);
        let text = |usd: Usd| alloc::string::ToString::to_string(&usd);
        assert_eq!(credit(None, None), Usd::ZERO);
        assert_eq!(text(credit(Some(uptimes(9_990, 9_950)), None)), "2.50");
        let both = credit(Some(uptimes(9_990, 9_000)), Some(bandwidths(100, 1)));
        assert_eq!(text(both), "14.99");
    }

    proptest! {
        /// Guaranteeing more, or measuring less, never costs less; and no month costs its price
        /// twice.
        #[test]
        fn a_wider_gap_never_costs_less(
            cents in 1..50_000_i64,
            guaranteed in 0..=10_000_i64,
            more in 0..=10_000_i64,
            measured in 0..=10_000_i64,
            less in 0..=10_000_i64,
            mbps in [0..2_000_u32, 0..2_000_u32],
        ) {
            let price = Usd::from_micros(cents * 10_000);
            let speed = Some(bandwidths(mbps[0], mbps[1]));
            let credit = |guaranteed, measured| {
                monthly_credit(price, Some(uptimes(guaranteed, measured)), speed)
            };
            let cost = credit(guaranteed, measured);
            prop_assert!(cost >= Usd::ZERO && cost <= price);
            prop_assert!(credit(guaranteed.max(more), measured) >= cost);
            prop_assert!(credit(guaranteed, measured.min(less)) >= cost);
            let faster = Some(bandwidths(mbps[0], mbps[1] + 1));
            let uptime = Some(uptimes(guaranteed, measured));
            prop_assert!(monthly_credit(price, uptime, faster) <= cost);
        }
    }
}
