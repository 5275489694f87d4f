//! What a sync with the grid leaves: what is known of nodes, and quarantine.
//!
//! Who may sync, and how runs went, is in `sync_runs`.

use domain::id::NodeId;
use domain::machine::SILENCE_SECONDS;
use domain::node::{Capacity, NodeReport, NodeStatus};
use domain::outage::{UNSEEN_END_SECONDS, UNSEEN_SECONDS};
use domain::reconciliation::{
    ALERT_PAUSE_SECONDS, IN_USE_AFTER_SECONDS, Known, Observation, OwnUsage, Seen, Standing,
    reconcile,
};
use domain::recurring::SWEEP_SYNC;
use domain::time::Timestamp;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// How long a document stays in quarantine after it was last seen: 30 days.
const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

row! {
    impl Known {
        id: NodeId = "n.id",
        standing: Standing,
        own: OwnUsage,
    }
}

row! {
    impl Standing {
        farm_id: u32 = "n.farm_id",
        farm_name: String = "n.farm_name",
        country: String = "n.country",
        city: String = "n.city",
        status: NodeStatus = "n.status",
        healthy: Option<bool> = "n.healthy",
        certified: bool = "n.certified",
        upload_mbps: Option<u32> = "n.upload_mbps",
        download_mbps: Option<u32> = "n.download_mbps",
        capacity: Capacity,
        oversold: u32 = "n.oversold",
    }
}

row! {
    impl OwnUsage {
        sold: u32 = "n.allocated_slices",
        leaving: u32 =
            "(SELECT count(*) FROM slices WHERE node_id = n.id AND removing_job IS NOT NULL)",
        // Those that were made before `?3`.
        machines: u32 =
            "(SELECT count(*)
                FROM slices s
                JOIN jobs j ON j.rental_id = s.rental_id AND j.slice_number = s.number
               WHERE s.node_id = n.id AND s.state = 'allocated' AND j.node_id = n.id
                 AND j.kind = 'create' AND j.state = 'done' AND j.changed_at <= ?3)
           + (SELECT count(*)
                FROM slices s
                JOIN jobs r ON r.id = s.removing_job
                JOIN jobs j ON j.rental_id = r.rental_id AND j.slice_number = r.slice_number
               WHERE s.node_id = n.id AND j.node_id = n.id
                 AND j.kind = 'create' AND j.state = 'done' AND j.changed_at <= ?3)",
        // Those that were reported after `?4`.
        answers: bool =
            "EXISTS (SELECT 1 FROM machines
                      WHERE node_id = n.id AND state = 'running' AND silent_since IS NULL
                        AND reported_at > ?4)",
    }
}

/// One page of registered nodes by number. `?1` the last node of the page before, `?2` how many
/// rows, `?3` before when machines were made that are in use on the grid for certain, `?4` after
/// when a machine was reported that answers. Served by `jobs_by_rental`, `machines_by_node` and by
/// the primary key of `slices`.
const REGISTERED: &str = select!(Known, "FROM nodes n WHERE n.id > ?1 ORDER BY n.id LIMIT ?2");

/// The nodes of the JSON array `?1`, of which there are at most `?2`; `?3` and `?4` as above.
const THESE: &str = select!(
    Known,
    "FROM nodes n WHERE n.id IN (SELECT value FROM json_each(?1)) ORDER BY n.id LIMIT ?2"
);

/// A page of registered nodes behind `behind`, by number, as they are known at `now`.
pub fn registered(
    db: &dyn Db,
    behind: Option<NodeId>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let behind = behind.map_or(0, |node| node.0);
    read_all(db, REGISTERED, behind.into(), limit, now)
}

fn read_all(
    db: &dyn Db,
    sql: &'static str,
    which: Value,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Known>, StoreError> {
    let in_use = now.plus_seconds(-IN_USE_AFTER_SECONDS);
    let reported = now.plus_seconds(-SILENCE_SECONDS);
    db.all(sql, &[which, limit.into(), in_use.into(), reported.into()])
}

/// Takes over a page of observations, given as a JSON array `?1`, at `?2`, of the run with the
/// fence `?3`. Farmers who were notified before `?4` that a node is down are notified again. What
/// was last seen to be down before `?5` was not down in between, and before `?6` not until now.
const SAVE: &str = "
    INSERT INTO observe_node
           (id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
            download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, oversold,
            synced_at, is_up, is_down, fence, alerted_before, seen_before, end_seen_before)
    SELECT value ->> 'id', value ->> 'farm_id', value ->> 'farm_name', value ->> 'country',
           value ->> 'city', value ->> 'status', value ->> 'healthy', value ->> 'certified',
           value ->> 'upload_mbps', value ->> 'download_mbps', value ->> 'reported_at',
           value ->> 'capacity', value ->> 'by_cpu', value ->> 'by_memory', value ->> 'by_ssd',
           value ->> 'refusal', value ->> 'oversold', ?2, value ->> 'is_up',
           value ->> 'is_down', ?3, ?4, ?5, ?6
      FROM json_each(?1)";

/// An observation, with nothing but what it changes.
#[derive(Serialize)]
struct ObservationRow<'a> {
    id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    reported_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_up: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_down: Option<u8>,
    #[serde(flatten)]
    change: Option<ChangeRow<'a>>,
}

#[derive(Serialize)]
struct ChangeRow<'a> {
    farm_id: u32,
    farm_name: &'a str,
    country: &'a str,
    city: &'a str,
    status: &'static str,
    healthy: Option<u8>,
    certified: u8,
    upload_mbps: Option<u32>,
    download_mbps: Option<u32>,
    capacity: u32,
    by_cpu: u32,
    by_memory: u32,
    by_ssd: u32,
    refusal: Option<&'static str>,
    oversold: u32,
}

impl<'a> ObservationRow<'a> {
    fn new(observation: &'a Observation) -> ObservationRow<'a> {
        ObservationRow {
            id: observation.id.0,
            reported_at: observation.reported_at.map(Timestamp::seconds),
            is_up: observation.is_up.map(u8::from),
            is_down: observation.is_down.map(u8::from),
            change: observation.change.as_ref().map(ChangeRow::new),
        }
    }
}

impl<'a> ChangeRow<'a> {
    fn new(standing: &'a Standing) -> ChangeRow<'a> {
        ChangeRow {
            farm_id: standing.farm_id,
            farm_name: &standing.farm_name,
            country: &standing.country,
            city: &standing.city,
            status: standing.status.into_str(),
            healthy: standing.healthy.map(u8::from),
            certified: standing.certified.into(),
            upload_mbps: standing.upload_mbps,
            download_mbps: standing.download_mbps,
            capacity: standing.capacity.slices,
            by_cpu: standing.capacity.by_cpu,
            by_memory: standing.capacity.by_memory,
            by_ssd: standing.capacity.by_ssd,
            refusal: standing.capacity.refusal.map(|refusal| refusal.into_str()),
            oversold: standing.oversold,
        }
    }
}

/// Takes over a page of observations in one statement: what has changed is written, and each
/// observation is counted. Slices follow the capacity; rented ones stay. `fence` is that of the
/// run, and refused where another one has begun since; `None` is for what is no run.
pub fn save(
    db: &dyn Db,
    observations: &[Observation],
    fence: Option<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows: Vec<ObservationRow<'_>> = observations.iter().map(ObservationRow::new).collect();
    let alerted_before = now.plus_seconds(-ALERT_PAUSE_SECONDS);
    let params = [
        Value::Text(json(&rows)),
        now.into(),
        fence.into(),
        alerted_before.into(),
        now.plus_seconds(-UNSEEN_SECONDS).into(),
        now.plus_seconds(-UNSEEN_END_SECONDS).into(),
    ];
    db.run(SAVE, &params).map(drop)
}

/// Takes over reports with what they allow, outside of a run.
pub fn save_reports(
    db: &dyn Db,
    reports: &[(NodeReport, Capacity)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let observation = |(report, capacity): &(NodeReport, Capacity)| Observation {
        id: report.id,
        change: Some(Standing {
            farm_id: report.farm_id,
            farm_name: report.farm_name.clone(),
            country: report.country.clone(),
            city: report.city.clone(),
            status: report.status,
            healthy: report.healthy,
            certified: report.certified,
            upload_mbps: report.upload_mbps,
            download_mbps: report.download_mbps,
            capacity: *capacity,
            oversold: 0,
        }),
        is_up: Some(report.is_up()),
        is_down: Some(!report.is_up()),
        reported_at: Some(report.reported_at),
    };
    let observations: Vec<Observation> = reports.iter().map(observation).collect();
    save(db, &observations, None, now)
}

/// Marks nodes as not listed by the grid, outside of a run.
pub fn save_missing(db: &dyn Db, nodes: &[NodeId], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<u32> = nodes.iter().map(|node| node.0).collect();
    let limit = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    let known = read_all(db, THESE, Value::Text(json(&ids)), limit, now)?;
    let observations: Vec<Observation> =
        known.iter().map(|known| reconcile(known, Seen::Unlisted, now)).collect();
    save(db, &observations, None, now)
}

row! {
    /// A document that could not be used.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct RefusedDocument {
        /// The node that it is of.
        pub node_id: u32 = "node_id",
        /// Why it could not be used.
        pub reason: String = "reason",
        /// Its beginning.
        pub excerpt: String = "excerpt",
    }
}

/// Puts the documents of the JSON array `?1` into quarantine, at `?2`, if their node is registered.
/// Nothing is done where `?3` is a fence and another run has begun since.
const SAVE_REFUSED: &str = "
    INSERT INTO refused_documents (node_id, reason, excerpt, seen_at)
    SELECT n.id, d.value ->> 'reason', d.value ->> 'excerpt', ?2
      FROM json_each(?1) d JOIN nodes n ON n.id = d.value ->> 'node_id'
     WHERE ?3 IS NULL OR ?3 = (SELECT fence FROM sync_state WHERE id = 1)
        ON CONFLICT (node_id) DO UPDATE
       SET reason = excluded.reason, excerpt = excluded.excerpt, seen_at = excluded.seen_at";

/// Puts documents into quarantine. `fence` is as for `save`.
pub fn quarantine(
    db: &dyn Db,
    documents: &[RefusedDocument],
    fence: Option<i64>,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.run(SAVE_REFUSED, &[Value::Text(json(&documents)), now.into(), fence.into()]).map(drop)
}

/// Puts documents into quarantine, outside of a run.
pub fn save_refused(
    db: &dyn Db,
    documents: &[RefusedDocument],
    now: Timestamp,
) -> Result<(), StoreError> {
    quarantine(db, documents, None, now)
}

/// Removes up to `?2` documents from quarantine that were not seen again since `?1`. Served by
/// `refused_documents_by_age`.
const SWEEP: &str = "
    DELETE FROM refused_documents WHERE node_id IN (
        SELECT node_id FROM refused_documents WHERE seen_at < ?1 ORDER BY seen_at LIMIT ?2)";

/// Removes documents from quarantine that were not seen for long; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-KEPT_SECONDS);
    db.run(SWEEP, &[before.into(), SWEEP_SYNC.limit().into()]).map(drop)
}

/// The quarantine: up to `?1` documents, by node.
const REFUSED: &str = select!(RefusedDocument, "FROM refused_documents ORDER BY node_id LIMIT ?1");

/// The documents in quarantine, by node.
pub fn refused(db: &dyn Db, limit: u32) -> Result<Vec<RefusedDocument>, StoreError> {
    db.all(REFUSED, &[limit.into()])
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and text can be written as JSON")
}

row! {
    /// A node on which more is rented than it can carry.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Oversold {
        /// The node.
        pub node: NodeId = "n.id",
        /// What its farmer calls it.
        pub name: String = "n.name",
        /// The farmer's address.
        pub farmer: String = "a.email",
        /// How many slices are rented.
        pub sold: u32 = "n.allocated_slices",
        /// How many of them too many.
        pub over: u32 = "n.oversold",
        /// When the grid last said so.
        pub synced_at: Timestamp = "n.synced_at",
    }
}

/// Up to `?1` nodes on which too much is rented, by number. Served by `nodes_by_oversold`.
const OVERSOLD: &str = select!(
    Oversold,
    "FROM nodes n JOIN accounts a ON a.id = n.farmer_id
     WHERE n.oversold > 0 ORDER BY n.id LIMIT ?1"
);

/// The nodes on which more is rented than they can carry, by number.
pub fn oversold(db: &dyn Db, limit: u32) -> Result<Vec<Oversold>, StoreError> {
    db.all(OVERSOLD, &[limit.into()])
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] = [
    (REGISTERED, "jobs_by_rental"),
    (SWEEP, "refused_documents_by_age"),
    (OVERSOLD, "nodes_by_oversold"),
];
