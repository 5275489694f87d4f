//! Disks of the servers on which agents have their machines.

use domain::disk::ServerDisk;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::jobs::Agent;
use crate::row::{row, select};

/// How old what is known of a disk may get before it is written again, in seconds.
const REPORTED_SECONDS: i64 = 60;

row! {
    /// What is known of an agent's disk.
    struct Known {
        is_low: bool = "is_disk_low",
        reported_at: Option<Timestamp> = "disk_reported_at",
    }
}

/// The agent `?3` of the farm `?2` of the farmer `?1`.
const KNOWN: &str =
    select!(Known, "FROM agents WHERE account_id = ?1 AND farm_id = ?2 AND name = ?3");

/// Saves that the disk of the agent `?3` of the farm `?2` of the farmer `?1` has `?4` bytes, `?5`
/// free at `?6`, and that it is low or not, `?7`. One that was otherwise than `?8` before stays as
/// it is: the next report sees it.
const SAVE: &str = "
    UPDATE agents
       SET disk_bytes = ?4, disk_free_bytes = ?5, disk_reported_at = ?6, is_disk_low = ?7
     WHERE account_id = ?1 AND farm_id = ?2 AND name = ?3 AND is_disk_low = ?8";

/// Saves what an agent reports of its server's disk.
pub fn report_disk(
    db: &dyn Db,
    agent: &Agent<'_>,
    disk: ServerDisk,
    now: Timestamp,
) -> Result<(), StoreError> {
    let name = || [Value::text(agent.farmer), agent.farm.into(), agent.name.into()];
    // One agent more than a farm may have is not known.
    let Some(Known { is_low: was, reported_at }) = db.first(KNOWN, &name())? else {
        return Ok(());
    };
    let is_low = disk.is_low(was);
    if is_low == was && reported_at.is_some_and(|at| now.seconds_since(at) < REPORTED_SECONDS) {
        return Ok(());
    }
    let [farmer, farm, name] = name();
    let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let params = [
        farmer,
        farm,
        name,
        whole(disk.bytes).into(),
        whole(disk.free_bytes).into(),
        now.into(),
        is_low.into(),
        was.into(),
    ];
    db.run(SAVE, &params).map(drop)
}
