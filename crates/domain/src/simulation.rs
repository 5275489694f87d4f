//! What a node would earn at another price, from how similar nodes were rented at theirs.
//!
//! An observation is a week of a node: its price, and how much of what it offered was rented.
//! Demand is an isotonic regression of these (pool adjacent violators, each week weighted by what
//! it offered): of all functions that never rise with the price, the one that is nearest to what
//! was observed. Between two prices it is interpolated; outside of them it stays level. It answers
//! only where enough weeks of enough nodes are near the price.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::id::NodeId;
use crate::money::Usd;

/// How near an observation is that counts for a price, in percent of that price.
pub const NEAR_PERCENT: i64 = 15;
/// The fewest weeks near a price that say something about it.
pub const NEAR_WEEKS_MIN: u32 = 10;
/// The fewest different nodes among them.
pub const NEAR_NODES_MIN: u32 = 3;

/// One, in millionths: how shares are counted here.
pub const WHOLE: i64 = 1_000_000;

/// A week of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeWeek {
    /// The node.
    pub node: NodeId,
    /// What it asked on average, per slice and month.
    pub price: Usd,
    /// How often a slice of it was offered, by the hour.
    pub offered: u64,
    /// How often it was rented then.
    pub rented: u64,
}

/// How much is rented at which price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    weeks: Vec<NodeWeek>,
    /// Prices in micro-dollars, rising, each with the share that is rented, never rising.
    fitted: Vec<(i64, i64)>,
}

/// What is expected at a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The share of the slices that is rented, in millionths.
    pub share: i64,
    /// How many weeks are near that price.
    pub weeks: u32,
}

/// There are too few observations near a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotKnown {
    /// How many weeks are near that price.
    pub weeks: u32,
    /// Of how many nodes.
    pub nodes: u32,
}

/// Observations at one price, or at prices that were pooled.
struct Block {
    /// Its prices, in micro-dollars.
    prices: Vec<i64>,
    offered: u128,
    rented: u128,
}

impl Block {
    /// Whether less is rented here than at the next, higher price.
    fn is_below(&self, next: &Block) -> bool {
        self.rented * next.offered < next.rented * self.offered
    }

    fn share(&self) -> i64 {
        let share = self.rented * u128::from(WHOLE.unsigned_abs()) / self.offered.max(1);
        i64::try_from(share).unwrap_or(WHOLE)
    }
}

impl Demand {
    /// Learns from these weeks; those in which nothing was offered say nothing.
    pub fn of(weeks: &[NodeWeek]) -> Demand {
        let mut weeks: Vec<NodeWeek> =
            weeks.iter().filter(|week| week.offered > 0).copied().collect();
        weeks.sort_unstable_by_key(|week| week.price);
        let mut blocks: Vec<Block> = Vec::new();
        for week in &weeks {
            let price = week.price.micros();
            let (offered, rented) =
                (u128::from(week.offered), u128::from(week.rented.min(week.offered)));
            match blocks.last_mut().filter(|block| block.prices == [price]) {
                Some(block) => {
                    block.offered += offered;
                    block.rented += rented;
                }
                None => blocks.push(Block { prices: [price].into(), offered, rented }),
            }
        }
        let fitted = pool(blocks);
        Demand { weeks, fitted }
    }

    /// How many weeks it rests on.
    pub fn weeks(&self) -> u32 {
        u32::try_from(self.weeks.len()).unwrap_or(u32::MAX)
    }

    /// What is expected at a price, if enough is known near it.
    pub fn at(&self, price: Usd) -> Result<Expected, NotKnown> {
        let micros = price.micros();
        let span = micros.saturating_mul(NEAR_PERCENT) / 100;
        let is_near = |week: &&NodeWeek| (week.price.micros() - micros).abs() <= span;
        let near = self.weeks.iter().filter(is_near);
        let nodes: BTreeSet<u32> = near.clone().map(|week| week.node.0).collect();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (weeks, nodes) = (count(near.count()), count(nodes.len()));
        let share = self.share(micros);
        share
            .filter(|_| weeks >= NEAR_WEEKS_MIN && nodes >= NEAR_NODES_MIN)
            .map(|share| Expected { share, weeks })
            .ok_or(NotKnown { weeks, nodes })
    }

    /// The share at a price: level outside of what was observed, a straight line between.
    fn share(&self, price: i64) -> Option<i64> {
        let (first, last) = (self.fitted.first()?, self.fitted.last()?);
        if price <= first.0 {
            return Some(first.1);
        }
        if price >= last.0 {
            return Some(last.1);
        }
        let above = self.fitted.partition_point(|(known, _)| *known <= price);
        let ((left, high), (right, low)) = (self.fitted[above - 1], self.fitted[above]);
        let fall =
            i128::from(high - low) * i128::from(price - left) / i128::from((right - left).max(1));
        Some(high - i64::try_from(fall).unwrap_or(0))
    }
}

/// Pools neighbors until the share never rises with the price.
fn pool(blocks: Vec<Block>) -> Vec<(i64, i64)> {
    let mut pooled: Vec<Block> = Vec::new();
    for block in blocks {
        let mut next = block;
        while let Some(before) = pooled.pop_if(|before| before.is_below(&next)) {
            let mut prices = before.prices;
            prices.append(&mut next.prices);
            next = Block {
                prices,
                offered: before.offered + next.offered,
                rented: before.rented + next.rented,
            };
        }
        pooled.push(next);
    }
    let each = |block: &Block| {
        let share = block.share();
        block.prices.iter().map(|price| (*price, share)).collect::<Vec<_>>()
    };
    pooled.iter().flat_map(each).collect()
}

impl Expected {
    /// How many of so many slices are rented, in tenths.
    pub fn tenths_of(self, slices: u32) -> i64 {
        (i64::from(slices) * self.share * 10 + WHOLE / 2) / WHOLE
    }

    /// What so many slices bring a month at a price, to the cent and before the platform's fee.
    pub fn revenue(self, price: Usd, slices: u32) -> Usd {
        price.times(slices).part(self.share, WHOLE).to_cents()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn week(node: u32, dollars: i64, rented: u64) -> NodeWeek {
        let price = Usd::from_micros(dollars * 1_000_000);
        NodeWeek { node: NodeId(node), price, offered: 100, rented }
    }

    /// Weeks of different nodes at these prices, of which so many percent were rented.
    fn demand(observed: &[(i64, u64)]) -> Demand {
        let weeks: Vec<NodeWeek> = (1..)
            .zip(observed)
            .map(|(node, (price, rented))| week(node, *price, *rented))
            .collect();
        Demand::of(&weeks)
    }

    #[test]
    fn a_share_never_rises_with_the_price() {
        let check = |observed: &[(i64, u64)], expected: &[(i64, i64)]| {
            let fitted: Vec<(i64, i64)> = demand(observed)
                .fitted
                .iter()
                .map(|(price, share)| (price / 1_000_000, share / 10_000))
                .collect();
            assert_eq!(fitted, expected, "{observed:?}");
        };
        check(&[], &[]);
        check(&[(20, 90), (30, 50)], &[(20, 90), (30, 50)]);
        check(&[(30, 50), (20, 90), (20, 70)], &[(20, 80), (30, 50)]);
        // 40 at $20 and 60 at $25 are 50 at both.
        check(&[(20, 40), (25, 60), (30, 10)], &[(20, 50), (25, 50), (30, 10)]);
        // The last one pulls all before it up, one by one.
        check(&[(10, 50), (20, 40), (30, 90)], &[(10, 60), (20, 60), (30, 60)]);
        check(&[(10, 95), (20, 40), (30, 90)], &[(10, 95), (20, 65), (30, 65)]);
    }

    #[test]
    fn it_answers_where_enough_is_known() {
        let observed: Vec<(i64, u64)> = [(20, 90), (24, 70)].repeat(10);
        let demand = demand(&observed);
        let check = |dollars: u32, expected: Result<(i64, u32), (u32, u32)>| {
            let found = demand.at(Usd::whole(dollars));
            let found = found.map(|e| (e.share / 10_000, e.weeks)).map_err(|n| (n.weeks, n.nodes));
            assert_eq!(found, expected, "${dollars}");
        };
        check(22, Ok((80, 20)));
        check(21, Ok((85, 20)));
        check(18, Ok((90, 10)));
        check(26, Ok((70, 10)));
        check(17, Err((0, 0)));
        check(60, Err((0, 0)));
        // Many weeks of one node are not a market.
        let alone = Demand::of(&[week(1, 20, 90); 40]);
        assert_eq!(alone.at(Usd::whole(20)), Err(NotKnown { weeks: 40, nodes: 1 }));
        assert_eq!(Demand::of(&[]).at(Usd::whole(20)), Err(NotKnown { weeks: 0, nodes: 0 }));
    }

    #[test]
    fn slices_and_revenue_follow_the_share() {
        let expected = Expected { share: 810_000, weeks: 41 };
        assert_eq!(expected.tenths_of(10), 81);
        assert_eq!(expected.revenue(Usd::whole(22), 10), Usd::from_micros(178_200_000));
        assert_eq!(Expected { share: 0, weeks: 41 }.tenths_of(10), 0);
    }

    prop_compose! {
        fn weeks()(
            weeks in prop::collection::vec((1..9_u32, 1..40_i64, 0..200_u64, 0..300_u64), 0..80),
        ) -> Vec<NodeWeek> {
            let week = |(node, dollars, offered, rented)| {
                NodeWeek { offered, ..week(node, dollars, rented) }
            };
            weeks.into_iter().map(week).collect()
        }
    }

    proptest! {
        #[test]
        fn shares_are_shares_and_fall(weeks in weeks(), prices in [1..4_500_u32, 1..4_500_u32]) {
            let demand = Demand::of(&weeks);
            let [low, high] = [prices[0].min(prices[1]), prices[0].max(prices[1])]
                .map(|cents| Usd::from_micros(i64::from(cents) * 10_000));
            let shares = [low, high].map(|price| demand.share(price.micros()));
            if let [Some(at_low), Some(at_high)] = shares {
                prop_assert!(at_low >= at_high);
                prop_assert!((0..=WHOLE).contains(&at_low) && (0..=WHOLE).contains(&at_high));
            }
            if let (Ok(at_low), Ok(at_high)) = (demand.at(low), demand.at(high)) {
                prop_assert!(at_low.tenths_of(10) >= at_high.tenths_of(10));
            }
        }

        /// What was rented in all is what the fit says was rented in all: pooling moves nothing.
        #[test]
        fn pooling_keeps_the_sum(weeks in weeks()) {
            let demand = Demand::of(&weeks);
            let fitted = |week: &NodeWeek| {
                let share = demand.share(week.price.micros()).unwrap();
                i128::from(share) * i128::from(week.offered)
            };
            let sum: i128 = demand.weeks.iter().map(fitted).sum();
            let rented: u64 = demand.weeks.iter().map(|week| week.rented.min(week.offered)).sum();
            let offered: u64 = demand.weeks.iter().map(|week| week.offered).sum();
            // Each share is rounded down by less than a millionth.
            let apart = i128::from(rented) * i128::from(WHOLE) - sum;
            prop_assert!(apart >= 0 && apart <= i128::from(offered));
        }
    }
}
