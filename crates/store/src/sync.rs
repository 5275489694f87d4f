//! What a sync with the grid leaves: reports, misses, quarantine, and its own history.

use domain::id::NodeId;
use domain::node::{Capacity, NodeReport, Refusal};
use domain::time::Timestamp;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};

/// One page of registered nodes by number. `?1` the last node of the page before, `?2` how many
/// rows.
const REGISTERED: &str = "SELECT id FROM nodes WHERE id > ?1 ORDER BY id LIMIT ?2";

/// A page of registered nodes behind `behind`, by number.
pub fn registered(
    db: &impl Db,
    behind: Option<NodeId>,
    limit: u32,
) -> Result<Vec<NodeId>, StoreError> {
    let params = [behind.map_or(0, |node| node.0).into(), limit.into()];
    db.run(REGISTERED, &params)?.iter().map(|row| row.number(0).map(NodeId)).collect()
}

/// Takes over a page of reports, given as a JSON array `?1`, at `?2`.
const SAVE_REPORTS: &str = "
    INSERT INTO sync_node
           (id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
            download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, synced_at,
            is_up)
    SELECT value ->> 'id', value ->> 'farm_id', value ->> 'farm_name', value ->> 'country',
           value ->> 'city', value ->> 'status', value ->> 'healthy', value ->> 'certified',
           value ->> 'upload_mbps', value ->> 'download_mbps', value ->> 'reported_at',
           value ->> 'capacity', value ->> 'by_cpu', value ->> 'by_memory', value ->> 'by_ssd',
           value ->> 'refusal', ?2, value ->> 'is_up'
      FROM json_each(?1)";

#[derive(Serialize)]
struct ReportRow<'a> {
    id: u32,
    farm_id: u32,
    farm_name: &'a str,
    country: &'a str,
    city: &'a str,
    status: &'static str,
    healthy: Option<u8>,
    certified: u8,
    upload_mbps: Option<u32>,
    download_mbps: Option<u32>,
    reported_at: i64,
    capacity: u32,
    by_cpu: u32,
    by_memory: u32,
    by_ssd: u32,
    refusal: Option<&'static str>,
    is_up: u8,
}

/// Takes over a page of reports in one statement. Slices follow the capacity; rented ones stay.
pub fn save_reports(
    db: &impl Db,
    reports: &[(NodeReport, Capacity)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = |(report, capacity): &'_ (NodeReport, Capacity)| {
        json(&ReportRow {
            id: report.id.0,
            farm_id: report.farm_id,
            farm_name: &report.farm_name,
            country: &report.country,
            city: &report.city,
            status: report.status.as_str(),
            healthy: report.healthy.map(u8::from),
            certified: report.certified.into(),
            upload_mbps: report.upload_mbps,
            download_mbps: report.download_mbps,
            reported_at: report.reported_at.seconds(),
            capacity: capacity.slices,
            by_cpu: capacity.by_cpu,
            by_memory: capacity.by_memory,
            by_ssd: capacity.by_ssd,
            refusal: capacity.refusal.map(Refusal::as_str),
            is_up: report.is_up().into(),
        })
    };
    let rows = reports.iter().map(row).collect::<Vec<_>>().join(",");
    db.run(SAVE_REPORTS, &[Value::Text(format!("[{rows}]")), now.into()]).map(drop)
}

/// Marks the nodes of the JSON array `?1` as no longer listed, at `?2`.
const SAVE_MISSING: &str =
    "INSERT INTO miss_node (id, synced_at) SELECT value, ?2 FROM json_each(?1)";

/// Marks nodes as no longer listed by the grid.
pub fn save_missing(db: &impl Db, nodes: &[NodeId], now: Timestamp) -> Result<(), StoreError> {
    let ids: Vec<u32> = nodes.iter().map(|node| node.0).collect();
    db.run(SAVE_MISSING, &[Value::Text(json(&ids)), now.into()]).map(drop)
}

/// A document that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RefusedDocument {
    /// The node that it is of.
    pub node_id: u32,
    /// Why it could not be used.
    pub reason: String,
    /// Its beginning.
    pub excerpt: String,
}

/// Puts the documents of the JSON array `?1` into quarantine, at `?2`, if their node is registered.
const SAVE_REFUSED: &str = "
    INSERT INTO refused_documents (node_id, reason, excerpt, seen_at)
    SELECT n.id, d.value ->> 'reason', d.value ->> 'excerpt', ?2
      FROM json_each(?1) d JOIN nodes n ON n.id = d.value ->> 'node_id'
     WHERE true
        ON CONFLICT (node_id) DO UPDATE
       SET reason = excluded.reason, excerpt = excluded.excerpt, seen_at = excluded.seen_at";

/// Puts documents into quarantine.
pub fn save_refused(
    db: &impl Db,
    documents: &[RefusedDocument],
    now: Timestamp,
) -> Result<(), StoreError> {
    db.run(SAVE_REFUSED, &[Value::Text(json(&documents)), now.into()]).map(drop)
}

/// A run of the sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// When it began.
    pub started_at: Timestamp,
    /// When it was done.
    pub finished_at: Timestamp,
    /// The base URL that answered last.
    pub upstream: Option<String>,
    /// Nodes whose report was taken over.
    pub updated: u32,
    /// Nodes that the grid no longer lists.
    pub missing: u32,
    /// Documents that could not be used.
    pub refused: u32,
    /// What went wrong, if something did.
    pub failure: Option<String>,
}

/// Records a run: the columns of `Run`, in order.
const RECORD_RUN: &str = "
    INSERT INTO sync_runs (started_at, finished_at, upstream, updated, missing, refused, failure)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Records a run.
pub fn record_run(db: &impl Db, run: &Run) -> Result<(), StoreError> {
    let params = [
        run.started_at.into(),
        run.finished_at.into(),
        run.upstream.as_deref().into(),
        run.updated.into(),
        run.missing.into(),
        run.refused.into(),
        run.failure.as_deref().into(),
    ];
    db.run(RECORD_RUN, &params).map(drop)
}

/// The last `?1` runs.
const RUNS: &str = "
    SELECT started_at, finished_at, upstream, updated, missing, refused, failure
      FROM sync_runs ORDER BY id DESC LIMIT ?1";

/// The last runs, the newest first.
pub fn runs(db: &impl Db, limit: u32) -> Result<Vec<Run>, StoreError> {
    db.run(RUNS, &[limit.into()])?
        .iter()
        .map(|row| {
            Ok(Run {
                started_at: row.timestamp(0)?,
                finished_at: row.timestamp(1)?,
                upstream: row.optional_text(2)?.map(str::to_owned),
                updated: row.number(3)?,
                missing: row.number(4)?,
                refused: row.number(5)?,
                failure: row.optional_text(6)?.map(str::to_owned),
            })
        })
        .collect()
}

/// The quarantine: up to `?1` documents, by node.
const REFUSED: &str =
    "SELECT node_id, reason, excerpt FROM refused_documents ORDER BY node_id LIMIT ?1";

/// The documents in quarantine, by node.
pub fn refused(db: &impl Db, limit: u32) -> Result<Vec<RefusedDocument>, StoreError> {
    db.run(REFUSED, &[limit.into()])?
        .iter()
        .map(|row| {
            Ok(RefusedDocument {
                node_id: row.number(0)?,
                reason: row.text(1)?.to_owned(),
                excerpt: row.text(2)?.to_owned(),
            })
        })
        .collect()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and text can be written as JSON")
}
