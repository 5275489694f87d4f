//! A farmer's nodes: registered, offered, and looked after.

use domain::id::{AccountId, NodeId};
use domain::money::Usd;
use domain::node::{Capacity, NodeReport, Refusal};
use domain::offering::Locker;
use domain::slice::SliceState;
use domain::time::Timestamp;
use serde::Deserialize;

use crate::accounts::Identity;
use crate::db::{Db, Row, StoreError, Value, only};
use crate::offers::{OFFER_COLUMNS, Offer, offer_columns, read_offer};
use crate::refusal;

/// A node as its farmer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarmNode {
    /// What the market sees of it.
    pub offer: Offer,
    /// What its last report allows.
    pub capacity: Capacity,
    /// Whether the grid's last check reached it.
    pub healthy: Option<bool>,
    /// Why its last document could not be used, if it could not.
    pub refused_document: Option<String>,
    /// Who has locked its offer, and why; `None` where it can be changed.
    pub lock: Option<Lock>,
    /// When it leaves the market; `None` where it stays.
    pub leaves_at: Option<Timestamp>,
    /// When it left the market, if it has.
    pub left_at: Option<Timestamp>,
    /// How many slices more are rented than it can carry by its last report.
    pub oversold: u32,
}

/// A lock of a node's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Whose.
    pub by: Locker,
    /// What the operator says about it.
    pub reason: Option<String>,
}

impl FarmNode {
    /// Whether something of it is rented or held.
    pub fn is_used(&self) -> bool {
        let Offer { allocated_slices, reserved_slices, is_rented_whole, .. } = self.offer;
        allocated_slices + reserved_slices > 0 || is_rented_whole
    }
}

/// A slice as its farmer sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FarmSlice {
    /// Its number on the node.
    pub number: u32,
    /// What it is doing.
    pub state: SliceState,
    /// Who rents it, as they chose to be shown: by a name, or by their e-mail address.
    pub renter: Option<String>,
    /// When that rental ends.
    pub ends_at: Option<Timestamp>,
}

/// The columns of a `FarmNode`, of the table `nodes n`, behind those of an `Offer`.
macro_rules! farm_node_columns {
    () => {
        concat!(
            offer_columns!(),
            ", n.capacity, n.by_cpu, n.by_memory, n.by_ssd, n.refusal, n.healthy,
              (SELECT reason FROM refused_documents WHERE node_id = n.id), n.locked_by,
              n.lock_reason, n.leaves_at, n.left_at, n.oversold"
        )
    };
}
pub(crate) use farm_node_columns;

/// How many columns a `FarmNode` has.
pub(crate) const FARM_NODE_COLUMNS: usize = OFFER_COLUMNS + 12;

pub(crate) fn read_farm_node(row: &Row) -> Result<FarmNode, StoreError> {
    let refusal = row
        .optional_text(OFFER_COLUMNS + 4)?
        .map(|_| row.parsed(OFFER_COLUMNS + 4, Refusal::parse))
        .transpose()?;
    Ok(FarmNode {
        offer: read_offer(row)?,
        capacity: Capacity {
            slices: row.number(OFFER_COLUMNS)?,
            by_cpu: row.number(OFFER_COLUMNS + 1)?,
            by_memory: row.number(OFFER_COLUMNS + 2)?,
            by_ssd: row.number(OFFER_COLUMNS + 3)?,
            refusal,
        },
        healthy: row.optional_integer(OFFER_COLUMNS + 5)?.map(|healthy| healthy != 0),
        refused_document: row.optional_text(OFFER_COLUMNS + 6)?.map(str::to_owned),
        lock: match row.optional_text(OFFER_COLUMNS + 7)? {
            None => None,
            Some(_) => Some(Lock {
                by: row.parsed(OFFER_COLUMNS + 7, Locker::parse)?,
                reason: row.optional_text(OFFER_COLUMNS + 8)?.map(str::to_owned),
            }),
        },
        leaves_at: row.optional_integer(OFFER_COLUMNS + 9)?.map(Timestamp::from_seconds),
        left_at: row.optional_integer(OFFER_COLUMNS + 10)?.map(Timestamp::from_seconds),
        oversold: row.number(OFFER_COLUMNS + 11)?,
    })
}

/// Registers a node: the columns of the command view, in order. Fails if the number is taken.
const REGISTER: &str = "
    INSERT INTO register_node
           (id, farmer_id, name, farm_id, farm_name, country, city, status, healthy, certified,
            upload_mbps, download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal,
            created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

/// Who registered the node `?1`.
const FARMER_OF: &str = "SELECT farmer_id FROM nodes WHERE id = ?1";

/// Registers a node as a draft; `false` if somebody, possibly the same farmer, has done so before.
pub fn register(
    db: &dyn Db,
    farmer: AccountId,
    name: &str,
    report: &NodeReport,
    capacity: &Capacity,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        report.id.0.into(),
        Value::text(farmer),
        name.into(),
        report.farm_id.into(),
        report.farm_name.as_str().into(),
        report.country.as_str().into(),
        report.city.as_str().into(),
        report.status.as_str().into(),
        report.healthy.into(),
        report.certified.into(),
        report.upload_mbps.into(),
        report.download_mbps.into(),
        report.reported_at.into(),
        capacity.slices.into(),
        capacity.by_cpu.into(),
        capacity.by_memory.into(),
        capacity.by_ssd.into(),
        capacity.refusal.map(Refusal::as_str).into(),
        now.into(),
    ];
    match db.run(REGISTER, &params) {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(refusal::Refusal::NodeRegistered)) => Ok(false),
        // Of a node that is registered, that is what is said first.
        Err(StoreError::Refused(refusal::Refusal::FarmOfAnotherAccount))
            if farmer_of(db, report.id)?.is_some() =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Who registered a node; `None` if nobody has.
pub fn farmer_of(db: &dyn Db, node: NodeId) -> Result<Option<AccountId>, StoreError> {
    let row = only(db.run(FARMER_OF, &[node.0.into()])?);
    row.map(|row| row.parsed(0, AccountId::parse)).transpose()
}

/// Whose nodes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Farmer {
    /// The account.
    pub account: AccountId,
    /// The only farm of it that may be touched, by the grid's number; `None` for any.
    pub farm: Option<u32>,
}

impl From<AccountId> for Farmer {
    fn from(account: AccountId) -> Farmer {
        Farmer { account, farm: None }
    }
}

impl From<&Identity> for Farmer {
    fn from(identity: &Identity) -> Farmer {
        Farmer { account: identity.account, farm: identity.farm() }
    }
}

/// One page of a farmer's nodes, by number. `?1` farmer, `?2` the last node of the page before,
/// `?3` how many rows, `?4` the only farm or NULL. Served by the index `nodes_by_farmer`.
const OF_FARMER: &str = concat!(
    "SELECT ",
    farm_node_columns!(),
    " FROM nodes n WHERE n.farmer_id = ?1 AND n.id > ?2 AND n.farm_id = coalesce(?4, n.farm_id)
      ORDER BY n.id LIMIT ?3"
);

/// A page of a farmer's nodes behind `behind`, by number.
pub fn of_farmer(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    behind: Option<NodeId>,
    limit: u32,
) -> Result<Vec<FarmNode>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let behind = behind.map_or(0, |node| node.0);
    let params = [Value::text(account), behind.into(), limit.into(), farm.into()];
    db.run(OF_FARMER, &params)?.iter().map(read_farm_node).collect()
}

/// The node `?2` of the farmer `?1`, with its slices as JSON: number, state, renter as they chose
/// to be shown, and end.
/// `?3` the only farm or NULL.
const FIND: &str = concat!(
    "SELECT ",
    farm_node_columns!(),
    ", (SELECT json_group_array(json_array(s.number, s.state,
                                          coalesce(a.display_name, a.email), r.ends_at))
          FROM slices s
          LEFT JOIN rentals r ON r.id = s.rental_id
          LEFT JOIN accounts a ON a.id = r.renter_id
         WHERE s.node_id = n.id AND s.state <> 'retired')
      FROM nodes n
     WHERE n.id = ?2 AND n.farmer_id = ?1 AND n.farm_id = coalesce(?3, n.farm_id)"
);

#[derive(Deserialize)]
struct SliceRow(u32, String, Option<String>, Option<i64>);

/// A farmer's node and its slices in order; `None` if it is not this farmer's.
pub fn find(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
) -> Result<Option<(FarmNode, Vec<FarmSlice>)>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let params = [Value::text(account), node.0.into(), farm.into()];
    let Some(row) = only(db.run(FIND, &params)?) else {
        return Ok(None);
    };
    let slices = read_slices(row.text(FARM_NODE_COLUMNS)?)?;
    Ok(Some((read_farm_node(&row)?, slices)))
}

/// Reads the slices of a node, as the statements of this module and of `dashboard` give them.
pub(crate) fn read_slices(text: &str) -> Result<Vec<FarmSlice>, StoreError> {
    let corrupt = || StoreError::Corrupt("slices of another form".into());
    let slices: Vec<SliceRow> = serde_json::from_str(text).map_err(|_| corrupt())?;
    let mut slices = slices
        .into_iter()
        .map(|SliceRow(number, state, renter, ends_at)| {
            let state = SliceState::parse(&state).ok_or_else(corrupt)?;
            let ends_at = ends_at.map(Timestamp::from_seconds);
            Ok(FarmSlice { number, state, renter, ends_at })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    slices.sort_unstable_by_key(|slice| slice.number);
    Ok(slices)
}

/// A farm in figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Registered nodes.
    pub nodes: u32,
    /// Free slices.
    pub available_slices: u32,
    /// Slices that quotes hold.
    pub reserved_slices: u32,
    /// Rented slices.
    pub allocated_slices: u32,
    /// The farmer's share of what is in escrow for running rentals.
    pub in_escrow: Usd,
    /// What has been earned.
    pub earned: Usd,
}

/// The farm of `?1` in figures; a node that has left is none of it.
const SUMMARY: &str = "
    SELECT count(*) FILTER (WHERE left_at IS NULL), coalesce(sum(available_slices), 0),
           coalesce(sum(reserved_slices), 0), coalesce(sum(allocated_slices), 0),
           (SELECT coalesce(sum(p.total_micros - p.earned_micros - p.refunded_micros - p.fee_micros
                                + p.earned_micros / 10000 * (p.fee_micros / 10000)
                                  / max(1, p.total_micros / 10000) * 10000), 0)
              FROM rentals r JOIN rental_periods p ON p.rental_id = r.id
             WHERE r.farmer_id = ?1 AND r.state <> 'ended'),
           coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'earnings' AND owner_id = ?1), 0)
      FROM nodes WHERE farmer_id = ?1";

/// A farm in figures.
pub fn summary(db: &dyn Db, farmer: AccountId) -> Result<Summary, StoreError> {
    let rows = db.run(SUMMARY, &[Value::text(farmer)])?;
    let row = only(rows).ok_or_else(|| StoreError::Corrupt("no row of sums".into()))?;
    Ok(Summary {
        nodes: row.number(0)?,
        available_slices: row.number(1)?,
        reserved_slices: row.number(2)?,
        allocated_slices: row.number(3)?,
        in_escrow: Usd::from_micros(row.integer(4)?),
        earned: Usd::from_micros(row.integer(5)?),
    })
}
