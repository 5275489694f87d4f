//! How machines are: what agents report of them, and what is shown of it.

use domain::capability::Capabilities;
use domain::id::{JobId, RentalId, SliceId};
use domain::machine::{Machine, MachineState, Observation, Usage};
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::db::{Db, StoreError, Value};
use crate::jobs::Agent;
use crate::row::{FromJson, column, row, select};

/// The most machines of one agent: as many as a node has slices.
const MACHINES_MAX: u32 = 512;

row! {
    impl Machine {
        state: MachineState = "m.state",
        since: Timestamp = "m.since",
        silent_since: Option<Timestamp> = "m.silent_since",
        reported_at: Timestamp = "m.reported_at",
        is_outage: bool = "m.is_outage",
    }
}

column! { Capabilities: text(read_capabilities) }

/// Reads a JSON array of names. One that is not known is of a later version, which shows it.
fn read_capabilities(json: &str) -> Option<Capabilities> {
    let names: Vec<String> = serde_json::from_str(json).ok()?;
    Some(names.iter().filter_map(|name| name.parse().ok()).collect())
}

row! {
    impl Usage {
        cpu_percent: Option<u32> = "m.cpu_percent",
        memory_bytes: Option<u64> = "m.memory_bytes",
        disk_bytes: Option<u64> = "m.disk_bytes",
        network_in_bytes: Option<u64> = "m.network_in_bytes",
        network_out_bytes: Option<u64> = "m.network_out_bytes",
        file_system_bytes: Option<u64> = "m.file_system_bytes",
        file_system_used_bytes: Option<u64> = "m.file_system_used_bytes",
    }
}

row! {
    /// A machine that an agent reports.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Watched {
        /// The job that created it.
        pub job: JobId = "m.job_id",
        /// The rental.
        pub rental: RentalId = "j.rental_id",
        /// The slice.
        pub slice: SliceId = "j.node_id, j.slice_number",
        /// Whether its renter wants it to run.
        pub should_run: bool = "m.should_run",
        /// Whether it was last to be started, and could not be.
        pub start_failed: bool =
            "coalesce((SELECT kind <> 'shutdown' AND state = 'failed' FROM machine_actions
                        WHERE job_id = m.job_id
                          AND kind IN ('start', 'shutdown', 'restart', 'reset', 'rebuild')
                        ORDER BY id DESC LIMIT 1), 0)",
        /// How it is reached, encrypted.
        pub sealed: Option<Vec<u8>> = "j.sealed",
        /// Whether a file system in it was almost full.
        pub is_disk_filling: bool = "m.is_disk_filling",
        /// What is known of it.
        pub machine: Machine,
    }
}

/// What a list in JSON says of a machine, if there is one: its state, since when, when it was
/// reported, and whether that is an outage.
impl FromJson for Option<Machine> {
    type Json = (Option<String>, Option<i64>, Option<i64>, Option<u8>);

    fn from_json((state, since, reported_at, is_outage): Self::Json) -> Option<Option<Machine>> {
        let Some(state) = state else { return Some(None) };
        Some(Some(Machine {
            state: state.parse().ok()?,
            since: Timestamp::from_seconds(since?),
            silent_since: None,
            reported_at: Timestamp::from_seconds(reported_at?),
            is_outage: is_outage? != 0,
        }))
    }
}

/// Up to `?4` machines of the agent `?3` on nodes of the farm `?2` of the farmer `?1`. Served by
/// the indexes `nodes_by_farm` and `machines_by_node`.
const WATCHED: &str = select!(
    Watched,
    "FROM nodes n
     JOIN machines m ON m.node_id = n.id AND m.agent = ?3
     JOIN jobs j ON j.id = m.job_id
     WHERE n.farmer_id = ?1 AND n.farm_id = ?2
     LIMIT ?4"
);

/// The machines that an agent has.
pub fn watched(db: &dyn Db, agent: &Agent<'_>) -> Result<Vec<Watched>, StoreError> {
    let params =
        [Value::text(agent.farmer), agent.farm.into(), agent.name.into(), MACHINES_MAX.into()];
    db.all(WATCHED, &params)
}

/// What an agent says of one of its machines.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The machine, which is one of [`watched`].
    pub watched: &'a Watched,
    /// How it is.
    pub observation: Observation,
    /// What can be done with it; `None` where the agent does not say.
    pub can: Option<Capabilities>,
    /// What it uses.
    pub usage: Usage,
}

/// Saves what is known of machines at `?2`: the JSON array `?1` of objects with `job`, `was`,
/// `state`, `since`, `silent_since`, `is_outage`, `can`, `is_disk_filling` and what it uses. One
/// that has changed meanwhile stays as it is: the next report sees it.
const SAVE: &str = "
    UPDATE machines
       SET state = r.value ->> 'state', since = r.value ->> 'since',
           silent_since = r.value ->> 'silent_since', is_outage = r.value ->> 'is_outage',
           reported_at = ?2,
           can = coalesce(r.value ->> 'can', can), cpu_percent = r.value ->> 'cpu_percent',
           memory_bytes = r.value ->> 'memory_bytes', disk_bytes = r.value ->> 'disk_bytes',
           network_in_bytes = r.value ->> 'network_in_bytes',
           network_out_bytes = r.value ->> 'network_out_bytes',
           file_system_bytes = r.value ->> 'file_system_bytes',
           file_system_used_bytes = r.value ->> 'file_system_used_bytes',
           is_disk_filling = r.value ->> 'is_disk_filling'
      FROM json_each(?1) r
     WHERE job_id = r.value ->> 'job' AND state = r.value ->> 'was' AND reported_at <= ?2";

/// Saves what an agent reports of its machines.
pub fn report(db: &dyn Db, reports: &[Report<'_>], now: Timestamp) -> Result<(), StoreError> {
    if reports.is_empty() {
        return Ok(());
    }
    let next = |Report { watched, observation, can, usage }: &Report<'_>| {
        let next = watched.machine.observe(*observation, watched.start_failed, now);
        let was = watched.is_disk_filling;
        // Without a word of it, it is as it was.
        let is_disk_filling = usage.file_system().map_or(was, |it| it.is_almost_full(was));
        let names = |can: Capabilities| can.iter().map(|it| it.into_str()).collect::<Vec<_>>();
        json!({
            "job": watched.job.to_string(),
            "was": watched.machine.state.into_str(),
            "state": next.state.into_str(),
            "since": next.since.seconds(),
            "silent_since": next.silent_since.map(Timestamp::seconds),
            "is_outage": u8::from(next.is_outage),
            "can": can.map(names),
            "cpu_percent": usage.cpu_percent,
            "memory_bytes": usage.memory_bytes,
            "disk_bytes": usage.disk_bytes,
            "network_in_bytes": usage.network_in_bytes,
            "network_out_bytes": usage.network_out_bytes,
            "file_system_bytes": usage.file_system_bytes,
            "file_system_used_bytes": usage.file_system_used_bytes,
            "is_disk_filling": u8::from(is_disk_filling),
        })
    };
    let machines: Vec<Json> = reports.iter().map(next).collect();
    db.run(SAVE, &[Value::Text(Json::from(machines).to_string()), now.into()]).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(WATCHED, "machines_by_node")];
