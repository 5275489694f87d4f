//! The farmer's dashboard: a farm at a glance in three statements, however many nodes it has.
//!
//! One gives the figures of the whole farm, one a page of nodes with their slices, and one, of
//! `revenue`, what the nodes earned by month.

use domain::id::{AccountId, NodeId};
use domain::money::Usd;
use domain::month::Month;
use serde::Deserialize;

use crate::db::{Db, Row, StoreError, Value, only};
use crate::nodes::{
    FARM_NODE_COLUMNS, FarmNode, FarmSlice, Farmer, farm_node_columns, read_farm_node, read_slices,
};
use crate::offers::offer_columns;
use crate::revenue::{self, Line};

/// A farm in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Registered nodes.
    pub nodes: u32,
    /// Free slices.
    pub available_slices: u32,
    /// Slices that quotes hold.
    pub reserved_slices: u32,
    /// Rented slices.
    pub allocated_slices: u32,
    /// Money.
    pub money: Money,
    /// What was earned on each day of the month that had any, in order: the day, such as
    /// `2026-11-22`, and how much.
    pub days: Vec<(String, Usd)>,
}

/// What a farmer has earned and been paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Earned in the month asked for.
    pub earned: Usd,
    /// Given back to renters in that month for promises that were not kept.
    pub credited: Usd,
    /// The farmer's share of what renters have paid and that is not earned yet.
    pub pending: Usd,
    /// What can be paid out.
    pub balance: Usd,
    /// What is on its way in payouts.
    pub in_payout: Usd,
    /// What has arrived.
    pub paid: Usd,
}

/// The farmer's share of what is neither earned nor refunded of the term `p`, in micro-dollars: in
/// cents, as `domain::period` rounds the fee.
macro_rules! pending {
    () => {
        "coalesce(sum(p.total_micros - p.earned_micros - p.refunded_micros - p.fee_micros
                      + p.earned_micros / 10000 * (p.fee_micros / 10000)
                        / max(1, p.total_micros / 10000) * 10000), 0)"
    };
}

/// The farm of `?1` in figures; the month is `?2`. Served by the primary keys of `farm_months` and
/// `farm_days`, `nodes_by_farmer`, `rentals_by_farmer` and `payouts_by_account`.
const FIGURES: &str = concat!(
    "SELECT count(*), coalesce(sum(n.available_slices), 0), coalesce(sum(n.reserved_slices), 0),
            coalesce(sum(n.allocated_slices), 0),
            (SELECT coalesce(sum(earned_micros), 0) FROM farm_months
              WHERE farmer_id = ?1 AND month = ?2),
            (SELECT coalesce(sum(credited_micros), 0) FROM farm_months
              WHERE farmer_id = ?1 AND month = ?2),
            (SELECT ",
    pending!(),
    "  FROM rentals r JOIN rental_periods p ON p.rental_id = r.id
              WHERE r.farmer_id = ?1 AND r.state <> 'ended'),
            coalesce((SELECT balance_micros FROM ledger_accounts
                       WHERE kind = 'earnings' AND owner_id = ?1), 0),
            (SELECT coalesce(sum(amount_micros), 0) FROM payouts
              WHERE account_id = ?1 AND state IN ('requested', 'approved', 'sent')),
            (SELECT coalesce(sum(amount_micros), 0) FROM payouts
              WHERE account_id = ?1 AND state = 'done'),
            (SELECT json_group_array(json_array(day, earned_micros)) FROM farm_days
              WHERE farmer_id = ?1 AND day BETWEEN ?2 || '-01' AND ?2 || '-31')
       FROM nodes n WHERE n.farmer_id = ?1"
);

#[derive(Deserialize)]
struct DayRow(String, i64);

/// A farm in figures, as of `month`.
pub fn figures(db: &dyn Db, farmer: AccountId, month: Month) -> Result<Figures, StoreError> {
    let rows = db.run(FIGURES, &[Value::text(farmer), Value::text(month)])?;
    let row = only(rows).ok_or_else(|| StoreError::Corrupt("no row of sums".into()))?;
    let usd = |column| row.integer(column).map(Usd::from_micros);
    let days: Vec<DayRow> = serde_json::from_str(row.text(10)?)
        .map_err(|_| StoreError::Corrupt("days of another form".into()))?;
    let mut days: Vec<(String, Usd)> =
        days.into_iter().map(|DayRow(day, micros)| (day, Usd::from_micros(micros))).collect();
    days.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(Figures {
        nodes: row.number(0)?,
        available_slices: row.number(1)?,
        reserved_slices: row.number(2)?,
        allocated_slices: row.number(3)?,
        money: Money {
            earned: usd(4)?,
            credited: usd(5)?,
            pending: usd(6)?,
            balance: usd(7)?,
            in_payout: usd(8)?,
            paid: usd(9)?,
        },
        days,
    })
}

/// A node on the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStanding {
    /// The node.
    pub node: FarmNode,
    /// Its slices, by number.
    pub slices: Vec<FarmSlice>,
    /// What this farmer has earned with it in the month asked for.
    pub earned: Usd,
    /// The farmer's share of what its renters have paid and that is not earned yet.
    pub pending: Usd,
}

/// The columns of a `NodeStanding`, of the table `nodes n`: `?1` farmer, `?2` month.
macro_rules! standing_columns {
    () => {
        concat!(
            farm_node_columns!(),
            ", (SELECT json_group_array(json_array(s.number, s.state,
                                                   coalesce(a.display_name, a.email), r.ends_at))
                  FROM slices s
                  LEFT JOIN rentals r ON r.id = s.rental_id
                  LEFT JOIN accounts a ON a.id = r.renter_id
                 WHERE s.node_id = n.id AND s.state <> 'retired'),
               coalesce((SELECT earned_micros FROM farm_months
                          WHERE farmer_id = ?1 AND month = ?2 AND node_id = n.id), 0),
               (SELECT ",
            pending!(),
            "     FROM rentals r JOIN rental_periods p ON p.rental_id = r.id
                 WHERE r.node_id = n.id AND r.farmer_id = ?1 AND r.state <> 'ended')"
        )
    };
}

fn read_standing(row: &Row) -> Result<NodeStanding, StoreError> {
    Ok(NodeStanding {
        node: read_farm_node(row)?,
        slices: read_slices(row.text(FARM_NODE_COLUMNS)?)?,
        earned: Usd::from_micros(row.integer(FARM_NODE_COLUMNS + 1)?),
        pending: Usd::from_micros(row.integer(FARM_NODE_COLUMNS + 2)?),
    })
}

/// One page of a farmer's nodes with their slices, by number: `?1` farmer, `?2` month, `?3` the
/// last node of the page before, `?4` how many rows, `?5` the only farm or NULL. Served by
/// `nodes_by_farmer`.
const NODES: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM nodes n
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
    db.run(NODES, &params)?.iter().map(read_standing).collect()
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
const NODE: &str = concat!(
    "SELECT ",
    standing_columns!(),
    " FROM nodes n
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
    only(db.run(NODE, &params)?).map(|row| read_standing(&row)).transpose()
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 1] = [(NODES, "nodes_by_farmer")];
