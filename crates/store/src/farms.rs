//! Farms whose owner has verified it, and what an owner may do with their nodes.

use std::collections::BTreeMap;

use domain::evaluation;
use domain::event::EventKind;
use domain::id::{AccountId, NodeId};
use domain::recurring::SWEEP_SYNC;
use domain::time::Timestamp;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::row::{names, row, select};

/// How an owner was shown to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum VerificationMethod {
    /// The account of the farm's twin has signed.
    Signature,
    /// The operator has approved it by hand.
    Operator,
}

names! { VerificationMethod }

row! {
    /// A farm, as the grid has it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct GridFarm {
        /// The grid's number.
        pub id: u32 = "f.id",
        /// Its name; it may be empty.
        pub name: String = "f.name",
        /// The twin that it belongs to.
        pub twin: u32 = "f.twin_id",
        /// The address of the account that the twin belongs to.
        pub account: String = "f.twin_account",
    }
}

row! {
    /// A farm that somebody has verified.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct VerifiedFarm {
        /// The farm.
        pub farm: GridFarm,
        /// Whose it is here.
        pub owner: AccountId = "f.owner_id",
        /// That account's address.
        pub email: String = "a.email",
        /// How it was verified.
        pub method: VerificationMethod = "f.verified_by",
        /// When.
        pub verified_at: Timestamp = "f.verified_at",
        /// When the grid was last asked whose it is.
        pub checked_at: Timestamp = "f.checked_at",
    }
}

/// Who has verified the farm `?1`. No row: nobody has. Served by the primary key.
const OWNER: &str = "SELECT owner_id FROM farms WHERE id = ?1";

/// Who has verified a farm; `None` if nobody has.
pub fn owner(db: &dyn Db, farm: u32) -> Result<Option<AccountId>, StoreError> {
    db.first(OWNER, &[farm.into()])
}

/// Whether the account `?1` has nodes or a farm, or has earned something. Served by
/// `nodes_by_farmer`, `farms_by_owner` and the ledger's key.
const IS_FARMER: &str = "
    SELECT EXISTS (SELECT 1 FROM nodes WHERE farmer_id = ?1)
        OR EXISTS (SELECT 1 FROM farms WHERE owner_id = ?1)
        OR EXISTS (SELECT 1 FROM ledger_accounts WHERE kind = 'earnings' AND owner_id = ?1)";

/// Whether an account is, or was, a farmer's.
pub fn is_farmer(db: &dyn Db, account: AccountId) -> Result<bool, StoreError> {
    db.one(IS_FARMER, &[Value::text(account)])
}

/// Who has verified the farm of the node `?1`; NULL if nobody has. No row: it is not
/// registered.
const OWNER_OF_NODE: &str =
    "SELECT f.owner_id FROM nodes n LEFT JOIN farms f ON f.id = n.farm_id WHERE n.id = ?1";

/// Who has verified the farm of a registered node; `None` if nobody has.
pub fn owner_of_node(db: &dyn Db, node: NodeId) -> Result<Option<AccountId>, StoreError> {
    Ok(db.first(OWNER_OF_NODE, &[node.0.into()])?.flatten())
}

/// The farmers of those nodes of the JSON array `?1` that are registered.
const FARMERS: &str =
    "SELECT n.id, n.farmer_id FROM json_each(?1) e JOIN nodes n ON n.id = e.value";

/// Who has registered these nodes; those that nobody has are left out.
pub fn farmers(db: &dyn Db, nodes: &[NodeId]) -> Result<BTreeMap<u32, AccountId>, StoreError> {
    accounts(db, FARMERS, nodes.iter().map(|node| node.0))
}

/// The owners of those farms of the JSON array `?1` that are verified.
const OWNERS: &str = "SELECT f.id, f.owner_id FROM json_each(?1) e JOIN farms f ON f.id = e.value";

/// Who has verified these farms; those that nobody has are left out.
pub fn owners(
    db: &dyn Db,
    farms: impl Iterator<Item = u32>,
) -> Result<BTreeMap<u32, AccountId>, StoreError> {
    accounts(db, OWNERS, farms)
}

fn accounts(
    db: &dyn Db,
    sql: &'static str,
    ids: impl Iterator<Item = u32>,
) -> Result<BTreeMap<u32, AccountId>, StoreError> {
    let ids: Vec<u32> = ids.collect();
    let json = serde_json::to_string(&ids).expect("numbers can be written as JSON");
    Ok(db.all(sql, &[Value::Text(json)])?.into_iter().collect())
}

/// Records a verification: the columns of the command view, in order.
const VERIFY: &str = "
    INSERT INTO verify_farm (id, name, twin_id, twin_account, owner_id, verified_by, verified_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Records that an account has verified a farm, in place of who did before. Published nodes of
/// it that are not this account's go off the market.
pub fn verify(
    db: &dyn Db,
    farm: &GridFarm,
    owner: AccountId,
    method: VerificationMethod,
    now: Timestamp,
) -> Result<(), StoreError> {
    let params = [
        farm.id.into(),
        farm.name.as_str().into(),
        farm.twin.into(),
        farm.account.as_str().into(),
        Value::text(owner),
        method.into_str().into(),
        now.into(),
    ];
    db.run(VERIFY, &params).map(drop)
}

/// Revokes the verification of the farm `?1` at `?2`, of which the event `?3` tells. Nothing
/// happens where there is none.
const REVOKE: &str = "
    INSERT INTO revoke_farm (id, event, voided_at)
    SELECT id, ?3, ?2 FROM farms WHERE id = ?1";

/// Revokes a verification: its owner is notified, and the owner's nodes of it go off the market.
/// Answers whose it was; `None` if nobody has verified this farm.
pub fn revoke(db: &dyn Db, farm: u32, now: Timestamp) -> Result<Option<AccountId>, StoreError> {
    let had = owner(db, farm)?;
    if had.is_some() {
        db.run(REVOKE, &[farm.into(), now.into(), EventKind::FarmRevoked.into()])?;
    }
    Ok(had)
}

/// One page of the farms of `?1` behind the farm `?2`, `?3` rows, only `?4` unless it is NULL.
/// Served by `farms_by_owner`.
const OF_OWNER: &str = select!(
    VerifiedFarm,
    "FROM farms f JOIN accounts a ON a.id = f.owner_id
      WHERE f.owner_id = ?1 AND f.id > ?2 AND f.id = coalesce(?4, f.id)
      ORDER BY f.id LIMIT ?3"
);

/// A page of an account's farms, by number; only the one of a token that is for one.
pub fn of_owner(
    db: &dyn Db,
    owner: impl Into<crate::nodes::Farmer>,
    behind: Option<u32>,
    limit: u32,
) -> Result<Vec<VerifiedFarm>, StoreError> {
    let crate::nodes::Farmer { account, farm } = owner.into();
    let params = [Value::text(account), behind.unwrap_or(0).into(), limit.into(), farm.into()];
    db.all(OF_OWNER, &params)
}

/// One page of all farms behind the farm `?1`, `?2` rows. Served by the primary key.
const ALL: &str = select!(
    VerifiedFarm,
    "FROM farms f JOIN accounts a ON a.id = f.owner_id WHERE f.id > ?1 ORDER BY f.id LIMIT ?2"
);

/// A page of all verified farms, by number.
pub fn all(db: &dyn Db, behind: Option<u32>, limit: u32) -> Result<Vec<VerifiedFarm>, StoreError> {
    db.all(ALL, &[behind.unwrap_or(0).into(), limit.into()])
}

/// Up to `?2` farms that were not checked since `?1`, the longest first, and their twins. Served by
/// `farms_by_check`.
const UNCHECKED: &str =
    "SELECT id, twin_id FROM farms WHERE checked_at <= ?1 ORDER BY checked_at LIMIT ?2";

/// The same of farms that were lost. Served by `lost_farms_by_check`.
const LOST_UNCHECKED: &str =
    "SELECT id, twin_id FROM lost_farms WHERE checked_at <= ?1 ORDER BY checked_at LIMIT ?2";

/// Farms that were not checked since then, those first that wait the longest, and the twin that
/// each belongs to as far as is known. Up to a fourth of them are farms that the grid has taken
/// from their owners.
pub fn unchecked(db: &dyn Db, since: Timestamp, limit: u32) -> Result<Vec<(u32, u32)>, StoreError> {
    let mut found: Vec<(u32, u32)> = db.all(LOST_UNCHECKED, &[since.into(), (limit / 4).into()])?;
    let left = limit - u32::try_from(found.len()).unwrap_or(limit);
    let verified: Vec<(u32, u32)> = db.all(UNCHECKED, &[since.into(), left.into()])?;
    found.extend(verified);
    Ok(found)
}

/// Forgets up to `?2` farms that were lost before `?1`.
const SWEEP: &str = "
    DELETE FROM lost_farms WHERE id IN (
        SELECT id FROM lost_farms WHERE lost_at < ?1 ORDER BY lost_at LIMIT ?2)";

/// For how long a farm that the grid has taken from its owner can come back, in days.
const LOST_FOR_DAYS: i64 = 30;

/// Forgets farms that were lost long ago; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-LOST_FOR_DAYS * 24 * 60 * 60);
    db.run(SWEEP, &[before.into(), SWEEP_SYNC.limit().into()]).map(drop)
}

/// What the grid says of a farm that is or was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The farm's number.
    pub id: u32,
    /// Its name; `None` where the grid lists no such farm.
    pub name: Option<String>,
    /// Its twin; `None` where the grid lists no such farm.
    pub twin: Option<u32>,
}

/// Takes over what the grid says of farms, a JSON array `?1`, asked at `?2`.
const CHECK: &str = "
    INSERT INTO check_farm (id, name, twin_id, checked_at)
    SELECT value ->> 'id', value ->> 'name', value ->> 'twin', ?2 FROM json_each(?1)";

/// Takes over what the grid said of farms at `at`. A verification for another twin, or of a farm
/// that was not listed for a day, is lost; a farm that has its twin again is its owner's again.
pub fn check(db: &dyn Db, farms: &[Checked], at: Timestamp) -> Result<(), StoreError> {
    let json = serde_json::to_string(farms).expect("numbers and text can be written as JSON");
    db.run(CHECK, &[Value::Text(json), at.into()]).map(drop)
}

row! {
    /// A node of an owner's farm that somebody else has registered.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ForeignNode {
        /// The node.
        pub node: NodeId = "n.id",
        /// What its farmer calls it.
        pub name: String = "n.name",
        /// Its farm.
        pub farm: u32 = "n.farm_id",
        /// How many of its slices are rented.
        pub allocated_slices: u32 = "n.allocated_slices",
    }
}

/// Up to `?2` nodes of farms of `?1` that others have registered, by farm and number. Served by
/// `farms_by_owner` and `nodes_by_farm`.
const FOREIGN: &str = select!(
    ForeignNode,
    "FROM farms f JOIN nodes n ON n.farm_id = f.id AND n.farmer_id <> f.owner_id
     WHERE f.owner_id = ?1 ORDER BY f.id, n.id LIMIT ?2"
);

/// Nodes of an account's farms that others have registered.
pub fn foreign(db: &dyn Db, owner: AccountId, limit: u32) -> Result<Vec<ForeignNode>, StoreError> {
    db.all(FOREIGN, &[Value::text(owner), limit.into()])
}

/// What came of taking a node over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakeOver {
    /// It is the new farmer's, or was already.
    Done,
    /// It is not registered, or its farm is not verified by this account.
    NotOwned,
    /// The new farmer rents on it.
    Renting,
    /// It changed meanwhile: try again.
    Changed,
}

row! {
    /// A node as an account may take it over.
    struct Standing {
        farmer: AccountId = "n.farmer_id",
        version: i64 = "n.offer_version",
        is_renting: bool =
            "EXISTS (SELECT 1 FROM rentals
                      WHERE node_id = n.id AND renter_id = ?2 AND state <> 'ended')",
    }
}

/// The node `?1` as the account `?2` may take it over; `?3` the only farm or NULL. No row: its farm
/// is not verified by the account.
const SEEN: &str = select!(
    Standing,
    "FROM nodes n JOIN farms f ON f.id = n.farm_id
     WHERE n.id = ?1 AND f.owner_id = ?2 AND f.id = coalesce(?3, f.id)"
);

/// Takes a node over: the columns of the command view, in order.
const TAKE_OVER: &str = "
    INSERT INTO take_over_node (id, farmer_id, offer_version, evaluate_at, taken_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Takes over a node of a verified farm that somebody else has registered, with what is rented on
/// it.
pub fn take_over(
    db: &dyn Db,
    node: NodeId,
    farmer: impl Into<crate::nodes::Farmer>,
    now: Timestamp,
) -> Result<TakeOver, StoreError> {
    let crate::nodes::Farmer { account, farm } = farmer.into();
    let seen = db.first(SEEN, &[node.0.into(), Value::text(account), farm.into()])?;
    let Some(Standing { farmer, version, is_renting }) = seen else {
        return Ok(TakeOver::NotOwned);
    };
    if farmer == account {
        return Ok(TakeOver::Done);
    }
    if is_renting {
        return Ok(TakeOver::Renting);
    }
    let params = [
        node.0.into(),
        Value::text(account),
        version.into(),
        evaluation::settled_at(now).into(),
        now.into(),
    ];
    match db.run(TAKE_OVER, &params) {
        Ok(_) => Ok(TakeOver::Done),
        Err(StoreError::Refused(Refusal::NodeTakeoverOutdated | Refusal::FarmerRentsOnNode)) => {
            Ok(TakeOver::Changed)
        }
        Err(error) => Err(error),
    }
}

/// Statements and the index that serves each.
pub const INDEXED: [(&str, &str); 6] = [
    (IS_FARMER, "nodes_by_farmer"),
    (OF_OWNER, "farms_by_owner"),
    (UNCHECKED, "farms_by_check"),
    (LOST_UNCHECKED, "lost_farms_by_check"),
    (SWEEP, "lost_farms_by_age"),
    (FOREIGN, "nodes_by_farm"),
];
