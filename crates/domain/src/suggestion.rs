//! A price for a node, from what similar nodes ask and how they are rented.
//!
//! The formula, over the last eight weeks (`WEEKS`) of the nodes that a node is compared with:
//!
//! ```text
//! target = median × (1 + rented + waited + unmet)
//!
//! rented = 40 % of (utilization − 60 %)           −24 % to +16 %
//! waited = 5 % of (14 days − wait) / 14 days      −5 % to +5 %; 0 where too few were rented
//! unmet  = 0.25 % for each search, up to 20       0 % to +5 %
//! ```
//!
//! - *median*: what half of the similar nodes ask less than.
//! - *utilization*: rented slice-days per offered slice-day.
//! - *wait*: the median time from a slice being offered to its being rented.
//! - *unmet*: searches of the market for such a slice that found nothing.
//!
//! The price that is suggested is the target, at most 15 % away from the farmer's own price where
//! there is one, inside of the platform's limits, and rounded to half a dollar: an amount of whole
//! half dollars that is nearest to the target. Where no such amount fits, the own price stays.

use crate::money::{PriceLimits, Usd};

/// How many weeks back observations are looked at.
pub const WEEKS: u32 = 8;
/// The fewest weeks of nodes that say something about how slices are rented.
pub const NODE_WEEKS_MIN: u32 = 20;
/// The fewest rentals that say something about how long a slice waits for one.
pub const WAITS_MIN: u32 = 5;

/// The utilization at which the median is just right, in hundredths of a percent.
pub const UTILIZATION_NEUTRAL: i64 = 6_000;
/// What a percent of utilization more is worth, in percent of a percent.
pub const UTILIZATION_WEIGHT: i64 = 40;
/// The wait at which the median is just right, in seconds: 14 days.
pub const WAIT_NEUTRAL_SECONDS: i64 = 14 * 86_400;
/// What no wait at all, or twice the neutral one, is worth, in hundredths of a percent.
pub const WAIT_WEIGHT: i64 = 500;
/// What a search that found nothing is worth, in hundredths of a percent.
pub const UNMET_WEIGHT: i64 = 25;
/// The most such searches that count.
pub const UNMET_MAX: u32 = 20;
/// The farthest that a suggestion is from the farmer's own price, in percent of it.
pub const STEP_PERCENT: i64 = 15;

/// Half a dollar, in micro-dollars: what a suggestion is rounded to.
const ROUNDED_TO: i64 = 500_000;
/// One, in hundredths of a percent.
const WHOLE: i64 = 10_000;

/// From how far away a suggestion is worth telling of, in percent of the farmer's own price.
pub const WORTH_TELLING_PERCENT: i64 = 10;

/// What a suggestion rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// What half of the similar nodes ask less than, per slice and month.
    pub median: Usd,
    /// How often a slice of theirs was offered, by the hour.
    pub offered: u64,
    /// How often it was rented then.
    pub rented: u64,
    /// How many weeks of nodes that is.
    pub node_weeks: u32,
    /// How long a slice waited to be rented, in seconds: the median.
    pub wait_seconds: Option<i64>,
    /// How many rentals that rests on.
    pub waits: u32,
    /// Searches of the market for such a slice that found nothing.
    pub unmet: u32,
}

impl Market {
    /// Rented slice-days per offered slice-day, in hundredths of a percent; `None` where nothing
    /// was offered.
    pub fn utilization(&self) -> Option<i64> {
        let rented = u128::from(self.rented.min(self.offered)) * 10_000;
        let share = rented.checked_div(u128::from(self.offered))?;
        i64::try_from(share).ok()
    }
}

/// What kept a suggestion from its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It is the farthest from the farmer's own price that is suggested at once.
    Step,
    /// It is the platform's lowest or highest price.
    Limit,
}

/// A price for a node, and why. The parts are in hundredths of a percent of the median.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suggestion {
    /// Per slice and month.
    pub price: Usd,
    /// What the formula says, to the cent, before bounds and rounding.
    pub target: Usd,
    /// The utilization that it rests on, in hundredths of a percent.
    pub utilization: i64,
    /// What utilization adds to the median.
    pub by_utilization: i64,
    /// What the wait adds to it; `None` where too few slices were rented.
    pub by_wait: Option<i64>,
    /// What unmet searches add to it.
    pub by_unmet: i64,
    /// What kept it from the target, if anything but rounding did.
    pub bound: Option<Bound>,
}

/// There are too few observations for a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFewObservations {
    /// How many weeks of nodes there are.
    pub node_weeks: u32,
}

/// Suggests a price for a node that asks `own` now.
pub fn suggest(
    market: &Market,
    own: Option<Usd>,
    limits: PriceLimits,
) -> Result<Suggestion, TooFewObservations> {
    let too_few = TooFewObservations { node_weeks: market.node_weeks };
    let utilization = market.utilization().ok_or(too_few)?;
    if market.node_weeks < NODE_WEEKS_MIN {
        return Err(too_few);
    }
    let by_utilization = (utilization - UTILIZATION_NEUTRAL) * UTILIZATION_WEIGHT / 100;
    let by_wait = market.wait_seconds.filter(|_| market.waits >= WAITS_MIN).map(by_wait);
    let by_unmet = i64::from(market.unmet.min(UNMET_MAX)) * UNMET_WEIGHT;
    let parts = WHOLE + by_utilization + by_wait.unwrap_or(0) + by_unmet;
    let target = market.median.part(parts, WHOLE).to_cents();
    let (price, bound) = settle(target, own, limits);
    Ok(Suggestion { price, target, utilization, by_utilization, by_wait, by_unmet, bound })
}

fn by_wait(seconds: i64) -> i64 {
    let seconds = seconds.clamp(0, 2 * WAIT_NEUTRAL_SECONDS);
    (WAIT_NEUTRAL_SECONDS - seconds) * WAIT_WEIGHT / WAIT_NEUTRAL_SECONDS
}

/// The price nearest to the target that may be suggested.
fn settle(target: Usd, own: Option<Usd>, limits: PriceLimits) -> (Usd, Option<Bound>) {
    let (min, max) = (limits.min.micros(), limits.max.micros());
    let own = own.map(|own| own.micros().clamp(min, max));
    let step = |own: i64| own * STEP_PERCENT / 100;
    let low = own.map_or(min, |own| (own - step(own)).max(min));
    let high = own.map_or(max, |own| (own + step(own)).min(max));
    let wanted = target.micros();
    let bounded = wanted.clamp(low, high);
    let bound = if bounded == wanted {
        None
    } else if bounded == min || bounded == max {
        Some(Bound::Limit)
    } else {
        Some(Bound::Step)
    };
    // The first and the last amount of half dollars inside of the bounds.
    let first = (low + ROUNDED_TO - 1) / ROUNDED_TO * ROUNDED_TO;
    let last = high / ROUNDED_TO * ROUNDED_TO;
    if first > last {
        return (Usd::from_micros(own.unwrap_or(bounded)), bound);
    }
    let nearest = (bounded + ROUNDED_TO / 2) / ROUNDED_TO * ROUNDED_TO;
    (Usd::from_micros(nearest.clamp(first, last)), bound)
}

impl Suggestion {
    /// Whether it is far enough from a price to tell the farmer unasked.
    pub fn is_worth_telling(&self, own: Usd) -> bool {
        let apart = (self.price.micros() - own.micros()).abs();
        apart.saturating_mul(100) >= own.micros().saturating_mul(WORTH_TELLING_PERCENT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: PriceLimits = PriceLimits { min: Usd::whole(1), max: Usd::whole(500) };
    const DAY: i64 = 86_400;

    fn usd(text: &str) -> Usd {
        Usd::parse("price", text).unwrap()
    }

    /// $25 in the middle, 60 % rented: nothing to add.
    const EVEN: Market = Market {
        median: Usd::whole(25),
        offered: 1_000,
        rented: 600,
        node_weeks: 40,
        wait_seconds: None,
        waits: 0,
        unmet: 0,
    };

    #[test]
    fn each_part_of_the_formula_counts() {
        let check = |market: Market, parts: (i64, Option<i64>, i64), target: &str, price: &str| {
            let found = suggest(&market, None, LIMITS).unwrap();
            assert_eq!((found.by_utilization, found.by_wait, found.by_unmet), parts, "{market:?}");
            assert_eq!((found.target, found.price), (usd(target), usd(price)), "{market:?}");
            assert_eq!(found.bound, None);
        };
        let waits = |days, waits| Market { wait_seconds: Some(days * DAY), waits, ..EVEN };
        check(EVEN, (0, None, 0), "25", "25");
        check(Market { rented: 1_000, ..EVEN }, (1_600, None, 0), "29", "29");
        check(Market { rented: 0, ..EVEN }, (-2_400, None, 0), "19", "19");
        check(Market { rented: 810, ..EVEN }, (840, None, 0), "27.10", "27");
        check(waits(14, 9), (0, Some(0), 0), "25", "25");
        check(waits(0, 9), (0, Some(500), 0), "26.25", "26.50");
        check(waits(7, 9), (0, Some(250), 0), "25.62", "25.50");
        check(waits(300, 9), (0, Some(-500), 0), "23.75", "24");
        check(waits(0, WAITS_MIN - 1), (0, None, 0), "25", "25");
        check(Market { unmet: 8, ..EVEN }, (0, None, 200), "25.50", "25.50");
        check(Market { unmet: 9_999, ..EVEN }, (0, None, 500), "26.25", "26.50");
    }

    #[test]
    fn it_is_near_the_own_price_and_inside_of_the_limits() {
        let narrow = |min, max| PriceLimits { min: usd(min), max: usd(max) };
        let check = |own: Option<&str>, limits, price: &str, bound| {
            let found = suggest(&EVEN, own.map(usd), limits).unwrap();
            assert_eq!((found.price, found.bound), (usd(price), bound), "{own:?} {limits:?}");
        };
        check(Some("25"), LIMITS, "25", None);
        check(Some("26.40"), LIMITS, "25", None);
        check(Some("10"), LIMITS, "11.50", Some(Bound::Step));
        // 15 % less than $99.99 is $84.99: the next half dollar inside is above it.
        check(Some("99.99"), LIMITS, "85", Some(Bound::Step));
        check(None, narrow("30", "40"), "30", Some(Bound::Limit));
        check(None, narrow("1", "20.20"), "20", Some(Bound::Limit));
        // Where no half dollar fits, the own price stays.
        check(Some("1.20"), LIMITS, "1.20", Some(Bound::Step));
        // A price from before the limits changed.
        check(Some("10"), narrow("30", "40"), "30", Some(Bound::Limit));
    }

    #[test]
    fn without_observations_it_does_not_know() {
        let check = |market: Market, node_weeks| {
            let found = suggest(&market, None, LIMITS).map(|found| found.price);
            assert_eq!(found, Err(TooFewObservations { node_weeks }));
        };
        check(Market { node_weeks: NODE_WEEKS_MIN - 1, ..EVEN }, NODE_WEEKS_MIN - 1);
        check(Market { offered: 0, rented: 0, node_weeks: 0, ..EVEN }, 0);
    }

    #[test]
    fn a_tenth_is_worth_telling() {
        let found = suggest(&EVEN, None, LIMITS).unwrap();
        let check = |own: &str, expected| assert_eq!(found.is_worth_telling(usd(own)), expected);
        check("25", false);
        check("23", false);
        check("22.72", true);
        check("27.70", false);
        check("27.80", true);
    }

    prop_compose! {
        fn market()(
            median in 10_000..600_000_000_i64,
            (offered, rented) in (1..100_000_u64).prop_flat_map(|most| (Just(most), 0..=most)),
            node_weeks in NODE_WEEKS_MIN..3_000,
            wait_seconds in prop::option::of(0..90 * DAY),
            waits in 0..20_u32,
            unmet in 0..40_u32,
        ) -> Market {
            let median = Usd::from_micros(median);
            Market { median, offered, rented, node_weeks, wait_seconds, waits, unmet }
        }
    }

    prop_compose! {
        fn own_and_limits()(
            own in prop::option::of(1..60_000_i64),
            ends in prop::array::uniform2(1..60_000_i64),
        ) -> (Option<Usd>, PriceLimits) {
            let cents = |cents: i64| Usd::from_micros(cents * 10_000);
            let [min, max] = [ends[0].min(ends[1]), ends[0].max(ends[1])].map(cents);
            (own.map(cents), PriceLimits { min, max })
        }
    }

    fn price(market: Market, (own, limits): (Option<Usd>, PriceLimits)) -> Usd {
        suggest(&market, own, limits).unwrap().price
    }

    proptest! {
        #[test]
        fn it_is_never_outside_of_the_limits_or_far_from_the_own_price(
            market in market(),
            (own, limits) in own_and_limits(),
        ) {
            let found = price(market, (own, limits));
            prop_assert!(found >= limits.min && found <= limits.max);
            let inside = own.filter(|own| *own >= limits.min && *own <= limits.max);
            if let Some(own) = inside {
                let apart = (found.micros() - own.micros()).abs();
                prop_assert!(apart * 100 <= own.micros() * STEP_PERCENT);
            }
        }

        #[test]
        fn it_is_of_half_dollars_where_that_is_possible(market in market()) {
            prop_assert_eq!(price(market, (None, LIMITS)).micros() % ROUNDED_TO, 0);
        }

        #[test]
        fn more_demand_never_suggests_less(
            market in market(),
            bounds in own_and_limits(),
            (more_median, more_rented, more_unmet) in (0..50_000_000_i64, 0..50_000_u64, 0..9_u32),
        ) {
            let before = price(market, bounds);
            let median = market.median + Usd::from_micros(more_median);
            prop_assert!(price(Market { median, ..market }, bounds) >= before, "median");
            let rented = (market.rented + more_rented).min(market.offered);
            prop_assert!(price(Market { rented, ..market }, bounds) >= before, "utilization");
            let unmet = market.unmet + more_unmet;
            prop_assert!(price(Market { unmet, ..market }, bounds) >= before, "unmet");
        }

        #[test]
        fn a_longer_wait_never_suggests_more(
            market in market(),
            bounds in own_and_limits(),
            wait in 0..60 * DAY,
            longer in 0..60 * DAY,
        ) {
            let waiting = |seconds| Market { wait_seconds: Some(seconds), ..market };
            prop_assert!(price(waiting(wait + longer), bounds) <= price(waiting(wait), bounds));
        }
    }
}
