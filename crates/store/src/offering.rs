//! What farmers set: changes at the version that was seen, raises that wait, locks, and history.

use domain::id::{AccountId, NodeId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::offering::{Locker, Offering, OfferingError, Raise, Seen};
use domain::recurring::APPLY_PRICE_INCREASES;
use domain::term::Terms;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};

use crate::db::{Db, StoreError, Value};
use crate::nodes::{self, FarmNode, Farmer};
use crate::row::{row, select};

/// How often a change is decided again because the node was rented or synced meanwhile.
const SAVE_ATTEMPTS: u32 = 5;

impl FarmNode {
    /// What a change of its offer depends on.
    pub fn seen(&self) -> Seen {
        let offer = &self.offer;
        let held = offer.reserved_slices + offer.allocated_slices;
        Seen {
            offering: Offering {
                name: offer.name.clone(),
                price: offer.price,
                raise: offer.raise,
                min_uptime: offer.min_uptime,
                min_bandwidth: offer.min_bandwidth,
                terms: offer.terms,
                withheld_slices: offer.withheld_slices,
                listing: offer.listing,
            },
            locked_by: self.lock.as_ref().map(|lock| lock.by),
            uptime: offer.measured_uptime(),
            bandwidth: offer.measured_bandwidth(),
            occupied_slices: held.max(offer.is_rented_whole.into()),
            is_leaving: self.leaves_at.is_some(),
        }
    }
}

/// Why an offer was not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferingFailure {
    /// The farmer has no such node.
    #[error("there is no such node")]
    NoSuchNode,
    /// It is at another version than the one that was seen.
    #[error("the offer has changed since it was shown")]
    Changed,
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] OfferingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes an offer as `decide` says, if it is at `version`, or at any where that is `None`.
pub fn change(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    version: Option<i64>,
    decide: impl Fn(&Seen) -> Result<Offering, OfferingError>,
    now: Timestamp,
) -> Result<(), OfferingFailure> {
    let farmer = farmer.into();
    for _ in 0..SAVE_ATTEMPTS {
        let found = nodes::find(db, farmer, node)?;
        let (found, _) = found.ok_or(OfferingFailure::NoSuchNode)?;
        let current = found.offer.version;
        if version.is_some_and(|version| version != current) {
            return Err(OfferingFailure::Changed);
        }
        let seen = found.seen();
        let after = decide(&seen)?;
        if after == seen.offering {
            return Ok(());
        }
        match save(db, farmer.account, node, current, &after, now) {
            Ok(true) => return Ok(()),
            // Somebody was faster, or has just verified its farm: the next decision says which.
            Ok(false) => {}
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(OfferingFailure::Changed)
}

/// Sets what a farmer offers, if the offer is still at the version that the caller read.
///
/// `?1` farmer, `?2` node, `?3` version read, `?4` name, `?5` price, `?6` uptime, `?7` bandwidth,
/// `?8` listing, `?9` now, `?10` terms, `?11` slices to keep back, `?12` the price of a raise that
/// waits and `?13` from when on. No row comes back if it has changed meanwhile, is locked, or if
/// the price would rise at once while anything is rented or held.
const SAVE: &str = "
    UPDATE nodes
       SET name = ?4, price_micros = ?5, min_uptime = ?6, min_bandwidth_mbps = ?7, listing = ?8,
           terms = ?10, kept_slices = ?11, pending_price_micros = ?12, pending_price_at = ?13,
           offer_version = offer_version + 1, offer_changed_at = ?9
     WHERE farmer_id = ?1 AND id = ?2 AND offer_version = ?3 AND locked_by IS NULL
       AND (price_micros IS NULL OR ?5 <= price_micros
            OR (allocated_slices = 0 AND reserved_slices = 0 AND whole_rental_id IS NULL))
 RETURNING offer_version";

/// Sets what a farmer offers; `false` if the offer is no longer at the version `seen`, is locked,
/// is rented where the price would rise, or is not this farmer's.
pub fn save(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
    seen: i64,
    offering: &Offering,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        Value::text(farmer),
        node.0.into(),
        seen.into(),
        offering.name.as_str().into(),
        offering.price.map(Usd::micros).into(),
        offering.min_uptime.hundredths().into(),
        offering.min_bandwidth.mbps().into(),
        offering.listing.into_str().into(),
        now.into(),
        offering.terms.bits().into(),
        offering.withheld_slices.into(),
        offering.raise.map(|raise| raise.price.micros()).into(),
        offering.raise.map(|raise| raise.at.seconds()).into(),
    ];
    db.has_row(SAVE, &params)
}

/// Up to `?2` nodes whose raise is due at `?1`, with the version of their offer; what is locked
/// waits on. Served by the index `nodes_by_raise`.
const RAISES_DUE: &str = "
    SELECT id, offer_version FROM nodes
     WHERE pending_price_at <= ?1 AND locked_by IS NULL
     ORDER BY pending_price_at LIMIT ?2";

/// Raises the price of the node `?1`, if its offer is at the version `?2`, at `?3`.
const RAISE: &str = "
    UPDATE nodes
       SET price_micros = pending_price_micros, pending_price_micros = NULL,
           pending_price_at = NULL, offer_version = offer_version + 1, offer_changed_at = ?3
     WHERE id = ?1 AND offer_version = ?2 AND pending_price_at <= ?3 AND locked_by IS NULL";

/// Raises the prices whose time has come: a bounded number, each in a statement of its own.
pub fn apply_raises(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let due =
        db.all::<(NodeId, i64)>(RAISES_DUE, &[now.into(), APPLY_PRICE_INCREASES.limit().into()])?;
    for (node, version) in due {
        db.run(RAISE, &[node.0.into(), version.into(), now.into()])?;
    }
    Ok(())
}

/// Locks the offer of the node `?2` of the farmer `?1`, at `?3`; no row where it is locked.
const LOCK: &str = "
    UPDATE nodes SET locked_by = 'farmer', lock_changed_at = ?3
     WHERE farmer_id = ?1 AND id = ?2 AND locked_by IS NULL
 RETURNING id";

/// Lifts the farmer's own lock of the node `?2` of the farmer `?1`, at `?3`.
const UNLOCK: &str = "
    UPDATE nodes SET locked_by = NULL, lock_changed_at = ?3
     WHERE farmer_id = ?1 AND id = ?2 AND locked_by = 'farmer'
 RETURNING id";

/// Locks a farmer's node, so that nothing of its offer can be changed; `false` if it was so
/// already. The operator's lock is another one.
pub fn lock(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    now: Timestamp,
) -> Result<bool, OfferingFailure> {
    turn(db, farmer.into(), node, LOCK, now)
}

/// Lifts the farmer's own lock; `false` if there was none. The operator's stays.
pub fn unlock(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    now: Timestamp,
) -> Result<bool, OfferingFailure> {
    turn(db, farmer.into(), node, UNLOCK, now)
}

fn turn(
    db: &dyn Db,
    farmer: Farmer,
    node: NodeId,
    sql: &'static str,
    now: Timestamp,
) -> Result<bool, OfferingFailure> {
    let found = nodes::find(db, farmer, node)?;
    let (found, _) = found.ok_or(OfferingFailure::NoSuchNode)?;
    if found.lock.is_some_and(|lock| lock.by == Locker::Operator) {
        return Err(OfferingError::Locked(Locker::Operator).into());
    }
    let params = [Value::text(farmer.account), node.0.into(), now.into()];
    Ok(db.has_row(sql, &params)?)
}

/// Locks the node `?1` for the operator, with the reason `?2`, at `?3`.
const LOCK_BY_OPERATOR: &str = "
    UPDATE nodes SET locked_by = 'operator', lock_reason = ?2, lock_changed_at = ?3
     WHERE id = ?1
 RETURNING farmer_id";

/// Lifts whatever lock the node `?1` has, at `?2`.
const UNLOCK_BY_OPERATOR: &str = "
    UPDATE nodes SET locked_by = NULL, lock_reason = NULL, lock_changed_at = ?2
     WHERE id = ?1
 RETURNING farmer_id";

/// Locks a node for the operator, who alone can unlock it then. Answers whose node it is; `None`
/// if there is none.
pub fn lock_by_operator(
    db: &dyn Db,
    node: NodeId,
    reason: &str,
    now: Timestamp,
) -> Result<Option<AccountId>, StoreError> {
    db.first(LOCK_BY_OPERATOR, &[node.0.into(), reason.into(), now.into()])
}

/// Lifts the lock of a node, whoever's it is. Answers whose node it is; `None` if there is none.
pub fn unlock_by_operator(
    db: &dyn Db,
    node: NodeId,
    now: Timestamp,
) -> Result<Option<AccountId>, StoreError> {
    db.first(UNLOCK_BY_OPERATOR, &[node.0.into(), now.into()])
}

row! {
    /// A version of an offer.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Version {
        /// Counts from 1.
        pub number: i64 = "h.version",
        /// When it was set.
        pub changed_at: Timestamp = "h.changed_at",
        /// What was set.
        pub offering: Offering,
    }
}

row! {
    impl Offering {
        name: String = "h.name",
        price: Option<Usd> = "h.price_micros",
        raise: Option<Raise> = "h.pending_price_micros, h.pending_price_at",
        min_uptime: Uptime = "h.min_uptime",
        min_bandwidth: Bandwidth = "h.min_bandwidth_mbps",
        terms: Terms = "h.terms",
        withheld_slices: u32 = "h.kept_slices",
        listing: Listing = "h.listing",
    }
}

/// The newest of the versions before `?4` of the node `?2` of the farmer `?1`, and of the only farm
/// `?3` or any: up to `?5`. Served by the primary key.
const HISTORY: &str = select!(
    Version,
    "FROM nodes n JOIN offer_history h ON h.node_id = n.id
     WHERE n.id = ?2 AND n.farmer_id = ?1 AND n.farm_id = coalesce(?3, n.farm_id)
       AND h.version < ?4
     ORDER BY h.version DESC LIMIT ?5"
);

/// A page of the versions of a farmer's offer, the newest first, before `before`.
pub fn history(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Version>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let before = before.unwrap_or(i64::MAX);
    let params = [Value::text(account), node.0.into(), farm.into(), before.into(), limit.into()];
    db.all(HISTORY, &params)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(RAISES_DUE, "nodes_by_raise")];
