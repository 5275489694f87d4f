//! A farm as everybody may see it: its nodes on the market, what was measured of them, what they
//! cost, and what was credited for missed SLAs.

use domain::id::NodeId;
use domain::money::Usd;
use domain::month::Month;
use domain::outlook::Observations;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::offers::Offer;
use crate::row::{row, select};
use crate::samples::day_of;

/// The most nodes of a farm that its page shows, and that its figures rest on.
pub const NODES_MAX: u32 = 100;
/// How many months are looked at.
pub const MONTHS: u32 = 12;
/// How many weeks of prices are looked at.
pub const WEEKS: u32 = 12;
/// The most credits that are added up.
const CREDITS_MAX: u32 = 2_000;

/// Up to `?2` nodes of the farm `?1` that are on the market, by number. Served by `nodes_by_farm`.
const NODES: &str = select!(
    Offer,
    "FROM nodes n WHERE n.farm_id = ?1 AND n.listing = 'published' ORDER BY n.id LIMIT ?2"
);

/// The nodes of a farm that are on the market, by number: at most [`NODES_MAX`].
pub fn nodes(db: &dyn Db, farm: u32) -> Result<Vec<Offer>, StoreError> {
    db.all(NODES, &[farm.into(), NODES_MAX.into()])
}

row! {
    /// A month of a node.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct NodeMonth {
        /// The month.
        pub month: Month = "m.month",
        /// What was seen.
        pub observations: Observations = "m.observed, m.observed_up",
        /// What the node guarantees now.
        pub min_uptime: Uptime = "n.min_uptime",
    }
}

/// The months `?2` to `?3` of the nodes of the JSON array `?1`: at most `?4`. Served by primary
/// keys.
const NODE_MONTHS: &str = select!(
    NodeMonth,
    "FROM json_each(?1) e
     CROSS JOIN nodes n ON n.id = e.value
     CROSS JOIN node_months m ON m.node_id = n.id AND m.month BETWEEN ?2 AND ?3
     LIMIT ?4"
);

/// The last whole months of some nodes.
pub fn months(db: &dyn Db, nodes: &[NodeId], now: Timestamp) -> Result<Vec<NodeMonth>, StoreError> {
    let all: Vec<Month> = Month::of(now).last(MONTHS + 1).collect();
    let [first, .., last, _] = all[..] else { return Ok(Vec::new()) };
    let params =
        [numbers(nodes), Value::text(first), Value::text(last), (NODES_MAX * MONTHS).into()];
    db.all(NODE_MONTHS, &params)
}

/// What the nodes of the JSON array `?1` cost on the days of the JSON array `?2`: at most `?3`
/// prices. Served by the primary key, day by day and node by node.
const PRICES: &str = "
    SELECT days.value, d.price_micros
      FROM json_each(?2) days
     CROSS JOIN json_each(?1) n
     CROSS JOIN node_days d ON d.node_id = n.value AND d.day = days.value
     LIMIT ?3";

/// What some nodes cost at the end of each of the last weeks, the oldest first: the day, and the
/// median price. Weeks without a price are left out.
pub fn prices(
    db: &dyn Db,
    nodes: &[NodeId],
    now: Timestamp,
) -> Result<Vec<(Timestamp, Usd)>, StoreError> {
    let yesterday = day_of(now) - 1;
    let days: Vec<i64> = (0..WEEKS).rev().map(|week| yesterday - i64::from(week) * 7).collect();
    let params = [numbers(nodes), json(&days), (NODES_MAX * WEEKS).into()];
    let found = db.all::<(i64, Usd)>(PRICES, &params)?;
    let median = |day: &i64| {
        let mut prices: Vec<Usd> =
            found.iter().filter(|(at, _)| at == day).map(|(_, price)| *price).collect();
        prices.sort_unstable();
        let middle = prices.get(prices.len().saturating_sub(1) / 2).copied()?;
        Some((Timestamp::from_seconds(day * 86_400), middle))
    };
    Ok(days.iter().filter_map(median).collect())
}

/// What was credited for missed SLAs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credits {
    /// How many months of rentals.
    pub months: u32,
    /// How much renters have of it.
    pub paid: Usd,
}

/// What was credited since `?3` for each month of a rental on nodes of the farm `?1` by those
/// farmers of the JSON array `?2` who offer its nodes: at most `?4`. Served by
/// `sla_months_by_farmer`.
const CREDITS: &str = "
    SELECT m.paid_micros
      FROM json_each(?2) f
     CROSS JOIN sla_months m
        ON m.farmer_id = f.value AND m.evaluated_at >= ?3 AND m.credit_micros > 0
     CROSS JOIN nodes n ON n.id = m.node_id AND n.farm_id = ?1
     LIMIT ?4";

/// What was credited in the last year for missed SLAs of a farm's nodes, `offers`.
pub fn credits(
    db: &dyn Db,
    farm: u32,
    offers: &[Offer],
    now: Timestamp,
) -> Result<Credits, StoreError> {
    let mut farmers: Vec<String> = offers.iter().map(|offer| offer.farmer.to_string()).collect();
    farmers.sort_unstable();
    farmers.dedup();
    let since = now.plus_seconds(-365 * 86_400);
    let params = [farm.into(), json(&farmers), since.into(), CREDITS_MAX.into()];
    let credited = db.all::<Usd>(CREDITS, &params)?;
    Ok(Credits {
        months: u32::try_from(credited.len()).unwrap_or(u32::MAX),
        paid: credited.into_iter().fold(Usd::ZERO, |sum, paid| sum + paid),
    })
}

fn numbers(nodes: &[NodeId]) -> Value {
    let numbers: Vec<u32> = nodes.iter().map(|node| node.0).collect();
    json(&numbers)
}

fn json<T: Serialize>(list: &[T]) -> Value {
    Value::Text(serde_json::to_string(list).expect("numbers and text can be written as JSON"))
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 2] =
    [(NODES, "nodes_by_farm"), (CREDITS, "sla_months_by_farmer")];
