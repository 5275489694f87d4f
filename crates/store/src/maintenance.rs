//! Maintenance: announced to who rents on the node, canceled, and recalled a day before.

use domain::id::{MaintenanceId, NodeId};
use domain::maintenance::{AHEAD_SECONDS, MaintenanceError, OPEN_WINDOWS_MAX, Window, fits};
use domain::offering::{self, OfferingError};
use domain::recurring::NOTIFY_OF_MAINTENANCE;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::nodes::{self, Farmer};
use crate::row::{row, select};

/// How often an announcement is decided again because another one came first.
const SAVE_ATTEMPTS: u32 = 5;

row! {
    /// Maintenance of a node.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Maintenance {
        /// Its id.
        pub id: MaintenanceId = "m.id",
        /// When, and what for.
        pub window: Window,
        /// When it was announced.
        pub announced_at: Timestamp = "m.announced_at",
        /// When it was canceled, if it was.
        pub canceled_at: Option<Timestamp> = "m.canceled_at",
    }
}

row! {
    impl Window {
        starts_at: Timestamp = "m.starts_at",
        ends_at: Timestamp = "m.ends_at",
        note: String = "m.note",
    }
}

/// The windows of the node `?1` that are open at `?2`, the next first: at most `?3`. No window is
/// longer than `?4`, so that the index `maintenance_by_node` serves it.
const OPEN: &str = select!(
    Maintenance,
    "FROM maintenance m
     WHERE m.node_id = ?1 AND m.starts_at > ?2 - ?4 AND m.ends_at > ?2
       AND m.canceled_at IS NULL
     ORDER BY m.starts_at LIMIT ?3"
);

/// The windows of a node that are announced and not over, the next first.
pub fn open(db: &dyn Db, node: NodeId, now: Timestamp) -> Result<Vec<Maintenance>, StoreError> {
    let limit = i64::try_from(OPEN_WINDOWS_MAX).unwrap_or(i64::MAX);
    let longest = domain::maintenance::WINDOW_SECONDS_MAX;
    let params = [node.0.into(), now.into(), limit.into(), longest.into()];
    db.all(OPEN, &params)
}

/// Where a page of windows ended: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The start of its last window, in POSIX seconds.
    pub starts_at: i64,
    /// Its last window.
    pub id: MaintenanceId,
}

/// A page of the windows of the node `?2` of the farmer `?1`, and of the only farm `?3` or any: the
/// latest first, before the start `?4` and the id `?5`, up to `?6`. Served by the index
/// `maintenance_by_node`.
const LIST: &str = select!(
    Maintenance,
    "FROM nodes n JOIN maintenance m ON m.node_id = n.id
     WHERE n.id = ?2 AND n.farmer_id = ?1 AND n.farm_id = coalesce(?3, n.farm_id)
       AND (m.starts_at, m.id) < (?4, ?5)
     ORDER BY m.starts_at DESC, m.id DESC LIMIT ?6"
);

/// A page of the windows of a farmer's node, the latest first, those that are over or canceled,
/// too.
pub fn list(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    behind: Option<Cursor>,
    limit: u32,
) -> Result<Vec<Maintenance>, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let starts_at = behind.map_or(i64::MAX, |behind| behind.starts_at);
    let id = behind.map(|behind| behind.id.to_string()).unwrap_or_default();
    let params = [
        Value::text(account),
        node.0.into(),
        farm.into(),
        starts_at.into(),
        id.as_str().into(),
        limit.into(),
    ];
    db.all(LIST, &params)
}

/// Why a window was not announced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MaintenanceFailure {
    /// The farmer has no such node.
    #[error("there is no such node")]
    NoSuchNode,
    /// It does not fit in with the others.
    #[error(transparent)]
    Rule(#[from] MaintenanceError),
    /// The node is locked.
    #[error(transparent)]
    Locked(#[from] OfferingError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Announces the window `?3` of the node `?2` of the farmer `?1`, from `?4` to `?5` with the note
/// `?6`, at `?7`. It aborts where it overlaps with another one; no row comes back where `?8` are
/// open, the node is locked, or it is not the farmer's.
const ANNOUNCE: &str = "
    INSERT INTO maintenance (id, node_id, starts_at, ends_at, note, announced_at)
    SELECT ?3, id, ?4, ?5, ?6, ?7 FROM nodes
     WHERE farmer_id = ?1 AND id = ?2 AND locked_by IS NULL
       AND (SELECT count(*) FROM maintenance
             WHERE node_id = ?2 AND canceled_at IS NULL AND ends_at > ?7) < ?8
 RETURNING id";

/// Announces a window, and tells who rents on the node.
pub fn announce(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    id: MaintenanceId,
    window: Window,
    now: Timestamp,
) -> Result<Maintenance, MaintenanceFailure> {
    let farmer = farmer.into();
    let params = [
        Value::text(farmer.account),
        node.0.into(),
        Value::text(id),
        window.starts_at.into(),
        window.ends_at.into(),
        window.note.as_str().into(),
        now.into(),
        u32::try_from(OPEN_WINDOWS_MAX).unwrap_or(u32::MAX).into(),
    ];
    for _ in 0..SAVE_ATTEMPTS {
        let found = nodes::find(db, farmer, node)?;
        let (found, _) = found.ok_or(MaintenanceFailure::NoSuchNode)?;
        offering::unlocked(&found.seen())?;
        let others: Vec<Window> = open(db, node, now)?.into_iter().map(|it| it.window).collect();
        fits(&others, &window)?;
        match db.run(ANNOUNCE, &params) {
            Ok(rows) if rows.is_empty() => {}
            Ok(_) => return Ok(Maintenance { id, window, announced_at: now, canceled_at: None }),
            // Another window came first: the next look says which rule it breaks.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// Cancels the window `?3` of the node `?2` of the farmer `?1`, at `?4`, unless it is over. No row
/// comes back where there is none to cancel, or the node is locked.
const CANCEL: &str = "
    UPDATE maintenance SET canceled_at = ?4
     WHERE id = ?3 AND node_id = ?2 AND canceled_at IS NULL AND ends_at > ?4
       AND node_id IN (SELECT id FROM nodes WHERE farmer_id = ?1 AND locked_by IS NULL)
 RETURNING id";

/// Cancels a window that is not over, and tells who rents on the node; `false` if there is no such
/// window.
pub fn cancel(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    id: MaintenanceId,
    now: Timestamp,
) -> Result<bool, MaintenanceFailure> {
    let farmer = farmer.into();
    let found = nodes::find(db, farmer, node)?;
    let (found, _) = found.ok_or(MaintenanceFailure::NoSuchNode)?;
    offering::unlocked(&found.seen())?;
    let params = [Value::text(farmer.account), node.0.into(), Value::text(id), now.into()];
    Ok(db.has_row(CANCEL, &params)?)
}

/// Writes down that up to `?3` windows were recalled at `?1`: those that begin within `?2` seconds.
/// Triggers emit an event for each. Served by the index `maintenance_by_reminder`.
const REMIND: &str = "
    UPDATE maintenance SET reminded_at = ?1
     WHERE id IN (SELECT id FROM maintenance
                   WHERE canceled_at IS NULL AND reminded_at IS NULL AND starts_at <= ?1 + ?2
                   ORDER BY starts_at LIMIT ?3)";

/// Tells farmers and renters of maintenance a day before it: once, and a bounded number at a time.
pub fn remind(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(REMIND, &[now.into(), AHEAD_SECONDS.into(), NOTIFY_OF_MAINTENANCE.limit().into()])
        .map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] = [
    (OPEN, "maintenance_by_node"),
    (LIST, "maintenance_by_node"),
    (REMIND, "maintenance_by_reminder"),
];
