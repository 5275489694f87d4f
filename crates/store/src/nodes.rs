//! A farmer's nodes: registered, offered, and looked after.

use domain::id::{AccountId, NodeId};
use domain::machine::Machine;
use domain::money::Usd;
use domain::node::{Capacity, NodeReport, Refusal};
use domain::offering::Locker;
use domain::slice::SliceState;
use domain::time::Timestamp;

use crate::accounts::Identity;
use crate::db::{Db, StoreError, Value};
use crate::offers::Offer;
use crate::refusal;
use crate::row::{FromJson, fields, row, select};

row! {
    /// A node as its farmer sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct FarmNode {
        /// What the market sees of it.
        pub offer: Offer,
        /// What its last report allows.
        pub capacity: Capacity,
        /// Whether the grid's last check reached it.
        pub healthy: Option<bool> = "n.healthy",
        /// Why its last document could not be used, if it could not.
        pub refused_document: Option<String> =
            "(SELECT reason FROM refused_documents WHERE node_id = n.id)",
        /// Who has locked its offer, and why; `None` where it can be changed.
        pub lock: Option<Lock> = "n.locked_by, n.lock_reason",
        /// When it leaves the market; `None` where it stays.
        pub leaves_at: Option<Timestamp> = "n.leaves_at",
        /// When it left the market, if it has.
        pub left_at: Option<Timestamp> = "n.left_at",
        /// How many slices more are rented than it can carry by its last report.
        pub oversold: u32 = "n.oversold",
    }
}

/// A lock of a node's offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Whose.
    pub by: Locker,
    /// What the operator says about it.
    pub reason: Option<String>,
}

row! {
    impl Capacity {
        slices: u32 = "n.capacity",
        by_cpu: u32 = "n.by_cpu",
        by_memory: u32 = "n.by_memory",
        by_ssd: u32 = "n.by_ssd",
        refusal: Option<Refusal> = "n.refusal",
    }
}

fields! { Lock { by: Locker, reason: Option<String> } }

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
    /// Who rents it, as they chose to be shown: by a name, or by their email address.
    pub renter: Option<String>,
    /// When that rental ends.
    pub ends_at: Option<Timestamp>,
    /// How its machine is, where one was set up.
    pub machine: Option<Machine>,
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
        report.status.into_str().into(),
        report.healthy.into(),
        report.certified.into(),
        report.upload_mbps.into(),
        report.download_mbps.into(),
        report.reported_at.into(),
        capacity.slices.into(),
        capacity.by_cpu.into(),
        capacity.by_memory.into(),
        capacity.by_ssd.into(),
        capacity.refusal.map(|refusal| refusal.into_str()).into(),
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
    db.first(FARMER_OF, &[node.0.into()])
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
const OF_FARMER: &str = select!(
    FarmNode,
    "FROM nodes n WHERE n.farmer_id = ?1 AND n.id > ?2 AND n.farm_id = coalesce(?4, n.farm_id)
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
    db.all(OF_FARMER, &params)
}

/// The slices of the node `n`, with who rents them, as they chose to be shown.
pub(crate) const SLICES: &str = "
    (SELECT json_group_array(json_array(s.number, s.state, coalesce(a.display_name, a.email),
                                        r.ends_at, m.state, m.since, m.reported_at, m.is_outage))
       FROM slices s
       LEFT JOIN rentals r ON r.id = s.rental_id
       LEFT JOIN accounts a ON a.id = r.renter_id
       LEFT JOIN machines m
         ON m.job_id = s.rental_id || '_' || s.node_id || '_' || s.number || '_create'
      WHERE s.node_id = n.id AND s.state <> 'retired')";

impl FromJson for FarmSlice {
    type Json = (
        u32,
        String,
        Option<String>,
        Option<i64>,
        Option<String>,
        Option<i64>,
        Option<i64>,
        Option<u8>,
    );

    fn from_json(json: Self::Json) -> Option<FarmSlice> {
        let (number, state, renter, ends_at, machine, since, reported_at, is_outage) = json;
        Some(FarmSlice {
            number,
            state: state.parse().ok()?,
            renter,
            ends_at: ends_at.map(Timestamp::from_seconds),
            machine: FromJson::from_json((machine, since, reported_at, is_outage))?,
        })
    }
}

row! {
    /// A node with its slices.
    struct WithSlices {
        node: FarmNode,
        slices: Vec<FarmSlice> = SLICES,
    }
}

/// The node `?2` of the farmer `?1`, with its slices. `?3` the only farm or NULL.
const FIND: &str = select!(
    WithSlices,
    "FROM nodes n
     WHERE n.id = ?2 AND n.farmer_id = ?1 AND n.farm_id = coalesce(?3, n.farm_id)"
);

/// A farmer's node and its slices in order; `None` if it is not this farmer's.
pub fn find(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
) -> Result<Option<(FarmNode, Vec<FarmSlice>)>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let params = [Value::text(account), node.0.into(), farm.into()];
    let found: Option<WithSlices> = db.first(FIND, &params)?;
    Ok(found.map(|WithSlices { node, slices }| (node, slices)))
}

row! {
    /// A farm in figures.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Summary {
        /// Registered nodes.
        pub nodes: u32 = "count(*) FILTER (WHERE left_at IS NULL)",
        /// Free slices.
        pub available_slices: u32 = "coalesce(sum(available_slices), 0)",
        /// Slices that quotes hold.
        pub reserved_slices: u32 = "coalesce(sum(reserved_slices), 0)",
        /// Rented slices.
        pub allocated_slices: u32 = "coalesce(sum(allocated_slices), 0)",
        /// The farmer's share of what is in escrow for running rentals.
        pub in_escrow: Usd =
            constcat::concat!(PENDING, " WHERE r.farmer_id = ?1 AND r.state <> 'ended')"),
        /// What has been earned.
        pub earned: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'earnings' AND owner_id = ?1), 0)",
    }
}

/// The farmer's share of what is neither earned nor refunded of rentals `r`, in micro-dollars: in
/// cents, as `domain::period` rounds the fee. To be narrowed and closed.
pub(crate) const PENDING: &str = "
    (SELECT coalesce(sum(p.total_micros - p.earned_micros - p.refunded_micros - p.fee_micros
                         + p.earned_micros / 10000 * (p.fee_micros / 10000)
                           / max(1, p.total_micros / 10000) * 10000), 0)
       FROM rentals r JOIN rental_periods p ON p.rental_id = r.id";

/// The farm of `?1` in figures; a node that has left is none of it.
const SUMMARY: &str = select!(Summary, "FROM nodes WHERE farmer_id = ?1");

/// A farm in figures.
pub fn summary(db: &dyn Db, farmer: AccountId) -> Result<Summary, StoreError> {
    db.one(SUMMARY, &[Value::text(farmer)])
}
