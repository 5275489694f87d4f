//! Revenue: what a farmer's nodes earned, by month.

use std::collections::BTreeMap;

use domain::id::{AccountId, NodeId};
use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// The most months that are asked for at once: five years.
pub const MONTHS_MAX: u32 = 60;
/// The most lines of revenue that are read at once: five years of 200 nodes.
pub const LINES_MAX: u32 = 12_000;

row! {
    /// What one node earned in one month.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Line {
        /// The month.
        pub month: Month = "m.month",
        /// The node.
        pub node: NodeId = "m.node_id",
        /// The name that it has now.
        pub name: String = "n.name",
        /// How much.
        pub earned: Usd = "m.earned_micros",
        /// What of it, or of earlier earnings, went to renters for missed SLAs.
        pub credited: Usd = "m.credited_micros",
    }
}

/// What the nodes of the farmer `?1` earned in the months `?2` to `?3`, the newest month first; at
/// most `?4` lines. Served by the primary key of `farm_months`.
const OF_FARM: &str = select!(
    Line,
    " FROM farm_months m
      JOIN nodes n ON n.id = m.node_id
     WHERE m.farmer_id = ?1 AND m.month BETWEEN ?2 AND ?3
     ORDER BY m.month DESC, m.node_id DESC
     LIMIT ?4"
);

/// What a farmer's nodes earned in the months from `first` to `last`: the newest month first.
pub fn of_farm(
    db: &dyn Db,
    farmer: AccountId,
    first: Month,
    last: Month,
) -> Result<Vec<Line>, StoreError> {
    let params = [Value::text(farmer), Value::text(first), Value::text(last), LINES_MAX.into()];
    db.all(OF_FARM, &params)
}

/// What the farmer `?1` earned with the node `?2` in the months `?3` to `?4`, the newest first; at
/// most `?5` lines. Served by `farm_months_by_node`; the plus keeps SQLite from reading the
/// farmer's other nodes, too.
const OF_NODE: &str = select!(
    Line,
    " FROM farm_months m
      JOIN nodes n ON n.id = m.node_id
     WHERE m.node_id = ?2 AND +m.farmer_id = ?1 AND m.month BETWEEN ?3 AND ?4
     ORDER BY m.month DESC
     LIMIT ?5"
);

/// What a farmer earned with one node in the months from `first` to `last`, the newest first.
pub fn of_node(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
    first: Month,
    last: Month,
) -> Result<Vec<Line>, StoreError> {
    let params = [
        Value::text(farmer),
        node.0.into(),
        Value::text(first),
        Value::text(last),
        MONTHS_MAX.into(),
    ];
    db.all(OF_NODE, &params)
}

/// What the farmer `?1` earned on the days `?2` to `?3`, in order; at most `?4`. Served by the
/// primary key of `farm_days`.
const BY_DAY: &str = "
    SELECT day, earned_micros FROM farm_days
     WHERE farmer_id = ?1 AND day BETWEEN ?2 AND ?3
     ORDER BY day LIMIT ?4";

/// The most days that are asked for at once.
pub const DAYS_MAX: u32 = 92;

/// What a farmer earned on each of the last so many days, today last.
pub fn by_day(
    db: &dyn Db,
    farmer: AccountId,
    count: u32,
    now: Timestamp,
) -> Result<Vec<(Timestamp, Usd)>, StoreError> {
    let count = count.clamp(1, DAYS_MAX);
    let day = |back: u32| now.plus_seconds(-i64::from(back) * 86_400);
    let params = [
        Value::text(farmer),
        Value::Text(day(count - 1).date()),
        Value::Text(now.date()),
        count.into(),
    ];
    let earned: BTreeMap<String, Usd> = db.all(BY_DAY, &params)?.into_iter().collect();
    let of_day = |at: Timestamp| (at, earned.get(&at.date()).copied().unwrap_or(Usd::ZERO));
    Ok((0..count).rev().map(day).map(of_day).collect())
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 1] = [(OF_NODE, "farm_months_by_node")];
