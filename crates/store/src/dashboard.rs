//! The farmer's dashboard: a farm at a glance in three statements, however many nodes it has.
//!
//! One gives the figures of the whole farm, one a page of nodes with their slices, and one, of
//! `revenue`, what the nodes earned by month.

use domain::id::{AccountId, NodeId};
use domain::money::Usd;
use domain::month::Month;

use crate::db::{Db, StoreError, Value};
use crate::nodes::{FarmNode, FarmSlice, Farmer, PENDING, SLICES};
use crate::revenue::{self, Line};
use crate::row::{FromJson, row, select};

row! {
    /// A farm in figures.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Figures {
        /// Registered nodes.
        pub nodes: u32 = "count(*)",
        /// Free slices.
        pub available_slices: u32 = "coalesce(sum(n.available_slices), 0)",
        /// Slices that quotes hold.
        pub reserved_slices: u32 = "coalesce(sum(n.reserved_slices), 0)",
        /// Rented slices.
        pub allocated_slices: u32 = "coalesce(sum(n.allocated_slices), 0)",
        /// Money.
        pub money: Money,
        /// What was earned on each day of the month that had any, in order: the day, such as
        /// `2026-11-22`, and how much.
        pub days: Vec<(String, Usd)> =
            "(SELECT json_group_array(json_array(day, earned_micros)) FROM farm_days
               WHERE farmer_id = ?1 AND day BETWEEN ?2 || '-01' AND ?2 || '-31')",
    }
}

row! {
    /// What a farmer has earned and been paid.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Money {
        /// Earned in the month asked for.
        pub earned: Usd =
            "(SELECT coalesce(sum(earned_micros), 0) FROM farm_months
               WHERE farmer_id = ?1 AND month = ?2)",
        /// Refunded to renters in that month for missed SLAs.
        pub credited: Usd =
            "(SELECT coalesce(sum(credited_micros), 0) FROM farm_months
               WHERE farmer_id = ?1 AND month = ?2)",
        /// The farmer's share of what renters have paid and that is not earned yet.
        pub pending: Usd =
            constcat::concat!(PENDING, " WHERE r.farmer_id = ?1 AND r.state <> 'ended')"),
        /// What was earned and not asked for yet.
        pub balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'earnings' AND owner_id = ?1), 0)",
        /// What is on its way in payouts.
        pub in_payout: Usd =
            "(SELECT coalesce(sum(amount_micros), 0) FROM payouts
               WHERE account_id = ?1 AND state IN ('requested', 'approved', 'sent'))",
        /// What has arrived.
        pub paid: Usd =
            "(SELECT coalesce(sum(amount_micros), 0) FROM payouts
               WHERE account_id = ?1 AND state = 'done')",
    }
}

/// The farm of `?1` in figures; the month is `?2`. Served by the primary keys of `farm_months` and
/// `farm_days`, `nodes_by_farmer`, `rentals_by_farmer` and `payouts_by_account`.
const FIGURES: &str = select!(Figures, "FROM nodes n WHERE n.farmer_id = ?1");

impl FromJson for (String, Usd) {
    type Json = (String, i64);

    fn from_json((day, micros): Self::Json) -> Option<Self> {
        Some((day, Usd::from_micros(micros)))
    }
}

/// A farm in figures, as of `month`.
pub fn figures(db: &dyn Db, farmer: AccountId, month: Month) -> Result<Figures, StoreError> {
    db.one(FIGURES, &[Value::text(farmer), Value::text(month)])
}

row! {
    /// A node on the dashboard.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct NodeStanding {
        /// The node.
        pub node: FarmNode,
        /// Its slices, by number.
        pub slices: Vec<FarmSlice> = SLICES,
        /// What this farmer has earned with it in the month asked for.
        pub earned: Usd =
            "coalesce((SELECT earned_micros FROM farm_months
                        WHERE farmer_id = ?1 AND month = ?2 AND node_id = n.id), 0)",
        /// The farmer's share of what its renters have paid and that is not earned yet.
        pub pending: Usd =
            constcat::concat!(
                PENDING,
                " WHERE r.node_id = n.id AND r.farmer_id = ?1 AND r.state <> 'ended')"
            ),
    }
}

/// One page of a farmer's nodes with their slices, by number: `?1` farmer, `?2` month, `?3` the
/// last node of the page before, `?4` how many rows, `?5` the only farm or NULL. Served by
/// `nodes_by_farmer`.
const NODES: &str = select!(
    NodeStanding,
    "FROM nodes n
     WHERE n.farmer_id = ?1 AND n.id > ?3 AND n.farm_id = coalesce(?5, n.farm_id)
     ORDER BY n.id LIMIT ?4"
);

/// A page of a farmer's nodes behind `behind`, with their slices and what they earn.
pub fn nodes(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    month: Month,
    behind: Option<NodeId>,
    limit: u32,
) -> Result<Vec<NodeStanding>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let behind = behind.map_or(0, |node| node.0);
    let params =
        [Value::text(account), Value::text(month), behind.into(), limit.into(), farm.into()];
    db.all(NODES, &params)
}

/// A farm at a glance.
pub struct Dashboard {
    /// Its figures.
    pub figures: Figures,
    /// One page of its nodes.
    pub nodes: Vec<NodeStanding>,
    /// The months that are looked at, in order.
    pub months: Vec<Month>,
    /// What all its nodes earned in them.
    pub lines: Vec<Line>,
}

/// A farm at a glance as of `month`, over `months` months, with up to `limit` nodes behind
/// `behind`: three statements, whatever the farm.
pub fn load(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    month: Month,
    months: u32,
    behind: Option<NodeId>,
    limit: u32,
) -> Result<Dashboard, StoreError> {
    let farmer = farmer.into();
    let months: Vec<Month> = month.last(months).collect();
    let first = months.first().copied().unwrap_or(month);
    Ok(Dashboard {
        figures: figures(db, farmer.account, month)?,
        nodes: nodes(db, farmer, month, behind, limit)?,
        lines: revenue::of_farm(db, farmer.account, first, month)?,
        months,
    })
}

/// The node `?3` of the farmer `?1`, with what it earned in the month `?2`. `?4` the only farm or
/// NULL.
const NODE: &str = select!(
    NodeStanding,
    "FROM nodes n
     WHERE n.id = ?3 AND n.farmer_id = ?1 AND n.farm_id = coalesce(?4, n.farm_id)"
);

/// A farmer's node with its slices and what it earns; `None` if it is not this farmer's.
pub fn node(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    month: Month,
    node: NodeId,
) -> Result<Option<NodeStanding>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let params = [Value::text(account), Value::text(month), node.0.into(), farm.into()];
    db.first(NODE, &params)
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 1] = [(NODES, "nodes_by_farmer")];
