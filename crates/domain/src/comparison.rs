//! What similar nodes ask: the farmer's own price beside those of others.
//!
//! Similar are nodes that are on the market or rented, have a price, are certified as the farmer's
//! is or are not, and belong to others: in the same country; where these are too few, in the same
//! region; where these are too few, too, in the world.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use crate::id::NodeId;
use crate::money::Usd;
use crate::region::{Circle, Reach};
use crate::uptime::Uptime;

/// The fewest nodes that say something about a market.
pub const NODES_MIN: u32 = 5;
/// The fewest farms, so that a single farmer does not set what others are compared with.
pub const FARMS_MIN: u32 = 3;

/// A node of somebody else that is similar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Similar {
    /// The node.
    pub node: NodeId,
    /// Its farm, by the grid's number.
    pub farm: u32,
    /// Per slice and month.
    pub price: Usd,
    /// The uptime that was measured; `None` before the first observation.
    pub uptime: Option<Uptime>,
}

/// A circle with too few similar nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooFew {
    /// How far it reaches.
    pub reach: Reach,
    /// Its name.
    pub name: String,
    /// How many similar nodes there are.
    pub nodes: u32,
    /// Of how many farms.
    pub farms: u32,
}

/// What similar nodes ask, per slice and month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How far the circle reaches in which they are.
    pub reach: Reach,
    /// The circle's name.
    pub name: String,
    /// A quarter of them asks less.
    pub low: Usd,
    /// Half of them ask less.
    pub median: Usd,
    /// A quarter of them asks more.
    pub high: Usd,
    /// Of how many farms they are.
    pub farms: u32,
    /// The nodes, the cheapest first.
    pub nodes: Vec<Similar>,
}

/// What the similar nodes of a circle ask, if they are enough.
pub fn compare(circle: &Circle, mut nodes: Vec<Similar>) -> Result<Comparison, TooFew> {
    let farms: BTreeSet<u32> = nodes.iter().map(|similar| similar.farm).collect();
    let (reach, name) = (circle.reach, circle.name.clone());
    let (count, farms) = (as_count(nodes.len()), as_count(farms.len()));
    if count < NODES_MIN || farms < FARMS_MIN {
        return Err(TooFew { reach, name, nodes: count, farms });
    }
    nodes.sort_unstable_by_key(|similar| (similar.price, similar.node.0));
    let at = |quarter| quantile(&nodes, quarter);
    let (low, median, high) = (at(1), at(2), at(3));
    Ok(Comparison { reach, name, low, median, high, farms, nodes })
}

fn as_count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The price below which so many quarters of the sorted nodes are, to the cent: between two nodes
/// it is interpolated (the definition of most spreadsheets, `QUARTILE.INC`).
fn quantile(sorted: &[Similar], quarter: usize) -> Usd {
    let place = (sorted.len() - 1) * quarter;
    let below = sorted[place / 4].price;
    let above = sorted[(place / 4 + 1).min(sorted.len() - 1)].price;
    let quarters = i64::try_from(place % 4).unwrap_or(0);
    (below + (above - below).part(quarters, 4)).to_cents()
}

/// At most `most` of a list, evenly picked from its beginning to its end.
pub fn evenly<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    if items.len() <= most {
        return items.to_vec();
    }
    (0..most).map(|index| items[index * items.len() / most]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::region::circles;

    fn similar(node: u32, farm: u32, cents: i64) -> Similar {
        let price = Usd::from_micros(cents * 10_000);
        Similar { node: NodeId(node), farm, price, uptime: None }
    }

    fn belgium() -> Circle {
        circles("Belgium").remove(0)
    }

    fn nodes(prices: &[i64], farms: u32) -> Vec<Similar> {
        let node = |(number, cents): (u32, &i64)| similar(number, number % farms, *cents);
        (1..).zip(prices).map(node).collect()
    }

    #[test]
    fn the_middle_half_is_told() {
        let check = |prices: &[i64], expected: [i64; 3]| {
            let found = compare(&belgium(), nodes(prices, 3)).unwrap();
            let cents = [found.low, found.median, found.high].map(|usd| usd.micros() / 10_000);
            assert_eq!(cents, expected, "{prices:?}");
        };
        check(&[100, 200, 300, 400, 500], [200, 300, 400]);
        check(&[500, 100, 300, 400, 200], [200, 300, 400]);
        check(&[100, 200, 300, 400, 500, 600], [225, 350, 475]);
        check(&[2_500; 9], [2_500; 3]);
        // Half a cent is rounded to the even one.
        check(&[100, 100, 100, 101, 101, 101], [100, 100, 101]);
    }

    #[test]
    fn a_few_nodes_say_nothing() {
        let check = |count: usize, farms: u32, expected: Result<u32, (u32, u32)>| {
            let found = compare(&belgium(), nodes(&[2_500; 9][..count], farms));
            let found = found.map(|found| found.farms).map_err(|few| (few.nodes, few.farms));
            assert_eq!(found, expected, "{count} nodes of {farms} farms");
        };
        check(0, 3, Err((0, 0)));
        check(4, 4, Err((4, 4)));
        check(9, 2, Err((9, 2)));
        check(5, 3, Ok(3));
        check(9, 9, Ok(9));
    }

    #[test]
    fn a_choice_is_even() {
        let items: Vec<u32> = (0..10).collect();
        assert_eq!(evenly(&items, 5), [0, 2, 4, 6, 8]);
        assert_eq!(evenly(&items, 3), [0, 3, 6]);
        assert_eq!(evenly(&items, 10), items);
        assert_eq!(evenly(&[] as &[u32], 3), []);
    }

    proptest! {
        #[test]
        fn quartiles_are_in_order_and_among_the_prices(
            prices in prop::collection::vec(1..100_000_i64, 5..60),
        ) {
            let found = compare(&belgium(), nodes(&prices, 3)).unwrap();
            prop_assert!(found.low <= found.median && found.median <= found.high);
            let (first, last) = (found.nodes[0].price, found.nodes[prices.len() - 1].price);
            prop_assert!(first <= found.low && found.high <= last);
            let below = found.nodes.iter().filter(|node| node.price < found.median).count();
            prop_assert!(below * 2 <= prices.len());
        }
    }
}
