//! Observations of nodes by the sync: what they have shown, how much that says, and what becomes of
//! them.
//!
//! A node that was not checked has no observation: it was neither up nor down then.

use domain::confidence::lower_bound;
use domain::evaluation::{MachineTime, Measured};
use domain::id::NodeId;
use domain::maintenance::{self, Excused, WINDOW_SECONDS_MAX};
use domain::month::Month;
use domain::node::NodeStatus;
use domain::outlook::Observations;
use domain::recurring::{AGGREGATE_OBSERVATIONS, RANK_NODES};
use domain::time::Timestamp;
use domain::uptime::Uptime;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::row::{fields, row, select};
use crate::samples::day_of;

/// How long looks are kept one by one, in days; what they come to by day stays.
pub const KEPT_DAYS: i64 = 90;
/// The most looks that are read at once: more than a month has, at one every five minutes.
pub const OBSERVATIONS_MAX: u32 = 10_000;
/// The most days that are read at once.
pub const DAYS_MAX: u32 = 400;
/// The most windows of maintenance that a month is asked for: the shortest take all its allowance.
const WINDOWS_MAX: u32 = 500;

const DAY: i64 = 86_400;

row! {
    /// An observation of a node.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Observation {
        /// When.
        pub at: Timestamp = "l.at",
        /// What the grid said of it.
        pub status: NodeStatus = "l.status",
        /// Whether that counts as up.
        pub is_up: bool = "l.is_up",
        /// Whether the grid's own check reached it; `None` where it does not say.
        pub healthy: Option<bool> = "l.healthy",
        /// As the grid measured it, in Mbit/s.
        pub upload_mbps: Option<u32> = "l.upload_mbps",
        /// As the grid measured it, in Mbit/s.
        pub download_mbps: Option<u32> = "l.download_mbps",
    }
}

/// The observations of the node `?1` from `?2` to before `?3`, in order, at most `?4`. Served by
/// the primary keys: for each time at which somebody looked, the node is looked up.
const OF_NODE: &str = select!(
    Observation,
    "FROM observation_times t
     CROSS JOIN observations l ON l.at = t.at AND l.node_id = ?1
     WHERE t.at >= ?2 AND t.at < ?3
     ORDER BY t.at LIMIT ?4"
);

/// The observations of a node in a month, in order: at most [`OBSERVATIONS_MAX`].
pub fn of_month(db: &dyn Db, node: NodeId, month: Month) -> Result<Vec<Observation>, StoreError> {
    let until = month.last_second().plus_seconds(1);
    let params =
        [node.0.into(), month.first_second().into(), until.into(), OBSERVATIONS_MAX.into()];
    db.all(OF_NODE, &params)
}

row! {
    impl Measured {
        observations: Observations =
            "coalesce(sum(NOT is_excused), 0), coalesce(sum(is_up AND NOT is_excused), 0)",
        excused: u64 = "coalesce(sum(is_excused), 0)",
        speeds: u64 =
            "coalesce(sum(upload_mbps IS NOT NULL AND download_mbps IS NOT NULL
                          AND NOT is_excused), 0)",
        speed_sum: u64 =
            "coalesce(sum(min(upload_mbps, download_mbps)) FILTER (WHERE NOT is_excused), 0)",
        // Those of one rental are in `outages`.
        machines: Option<MachineTime> = "NULL, NULL",
    }
}

/// What the observations of the node `?1` from `?2` to before `?3` come to, without those in the
/// times of the JSON array `?4`, pairs of from and until; and how many those are. Served by the
/// primary keys.
const MEASURED: &str = select!(
    Measured,
    "FROM (SELECT l.is_up, l.upload_mbps, l.download_mbps,
                   EXISTS (SELECT 1 FROM json_each(?4) e
                            WHERE t.at >= e.value ->> 0 AND t.at < e.value ->> 1) AS is_excused
              FROM observation_times t
             CROSS JOIN observations l ON l.at = t.at AND l.node_id = ?1
             WHERE t.at >= ?2 AND t.at < ?3)"
);

/// What the observations of a node from `from` to before `until` come to, without the times that
/// are excused.
pub fn measure(
    db: &dyn Db,
    node: NodeId,
    (from, until): (Timestamp, Timestamp),
    excused: &[Excused],
) -> Result<Measured, StoreError> {
    let excused: Vec<[i64; 2]> =
        excused.iter().map(|(from, until)| [from.seconds(), until.seconds()]).collect();
    let params = [node.0.into(), from.into(), until.into(), Value::Text(json(&excused))];
    db.one(MEASURED, &params)
}

/// The windows of the node `?1` that are open after `?2` and begin before `?3`, as far as they had
/// come when they were canceled, in order: at most `?4`. No window is longer than `?5`, so that
/// the index `maintenance_by_node` serves it.
const WINDOWS: &str = "
    SELECT starts_at, min(ends_at, coalesce(canceled_at, ends_at))
      FROM maintenance
     WHERE node_id = ?1 AND starts_at > ?2 - ?5 AND starts_at < ?3
       AND ends_at > ?2 AND coalesce(canceled_at > starts_at, 1)
     ORDER BY starts_at LIMIT ?4";

/// When a node may be down in a month without it counting: announced maintenance, as far as the
/// month's allowance goes.
pub fn excused(db: &dyn Db, node: NodeId, month: Month) -> Result<Vec<Excused>, StoreError> {
    let until = month.last_second().plus_seconds(1);
    let params = [
        node.0.into(),
        month.first_second().into(),
        until.into(),
        WINDOWS_MAX.into(),
        WINDOW_SECONDS_MAX.into(),
    ];
    Ok(maintenance::excused(&db.all::<Excused>(WINDOWS, &params)?, month))
}

/// What the observations of a node come to over a while, none left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// How often it was looked at, and how often it was up.
    pub observations: Observations,
    /// How many observations knew the speed.
    pub speeds: u64,
    /// The average upload over these, in Mbit/s; 0 where none knew it.
    pub upload_mbps: u32,
    /// The average download over these, in Mbit/s; 0 where none knew it.
    pub download_mbps: u32,
}

impl Record {
    /// The share of the looks at which it was up; `None` where there were none.
    pub fn uptime(&self) -> Option<Uptime> {
        Uptime::measured(self.observations.up, self.observations.observed)
    }

    /// The uptime that it has at least, with a confidence of 95 %.
    pub fn uptime_lower_bound(&self) -> Option<Uptime> {
        lower_bound(self.observations.up, self.observations.observed)
    }
}

/// The last 24 hours of the node `?1` before `?3`, from after `?2`. Served by the primary keys.
const LAST_DAY: &str = "
    SELECT count(*), coalesce(sum(l.is_up), 0), count(l.upload_mbps + l.download_mbps),
           coalesce(sum(l.upload_mbps), 0), coalesce(sum(l.download_mbps), 0)
      FROM observation_times t
     CROSS JOIN observations l ON l.at = t.at AND l.node_id = ?1
     WHERE t.at > ?2 AND t.at <= ?3";

/// The sums of the days of the node `?1` from `?2` to `?3`. Served by the primary key, day by day.
const DAYS_SUM: &str = "
    WITH RECURSIVE days (day) AS (
        SELECT ?2 UNION ALL SELECT day + 1 FROM days WHERE day < ?3 LIMIT 400)
    SELECT coalesce(sum(d.observed), 0), coalesce(sum(d.observed_up), 0),
           coalesce(sum(d.measured), 0), coalesce(sum(d.upload_mbps), 0),
           coalesce(sum(d.download_mbps), 0)
      FROM days
     CROSS JOIN observation_days d ON d.day = days.day AND d.node_id = ?1";

/// What `LAST_DAY` and others sum up.
struct Sums {
    observations: Observations,
    speeds: u64,
    upload_mbps: u64,
    download_mbps: u64,
}

fields! { Sums { observations: Observations, speeds: u64, upload_mbps: u64, download_mbps: u64 } }

impl From<Sums> for Record {
    fn from(Sums { observations, speeds, upload_mbps, download_mbps }: Sums) -> Record {
        let mean =
            |sum: u64| u32::try_from(sum.checked_div(speeds).unwrap_or(0)).unwrap_or(u32::MAX);
        Record {
            observations,
            speeds,
            upload_mbps: mean(upload_mbps),
            download_mbps: mean(download_mbps),
        }
    }
}

fn record(db: &dyn Db, sql: &'static str, params: &[Value]) -> Result<Record, StoreError> {
    db.one::<Sums>(sql, params).map(Record::from)
}

/// The last 24 hours of a node.
pub fn last_day(db: &dyn Db, node: NodeId, now: Timestamp) -> Result<Record, StoreError> {
    record(db, LAST_DAY, &[node.0.into(), now.plus_seconds(-DAY).into(), now.into()])
}

/// The last so many days of a node, today's observations and all: at most [`DAYS_MAX`].
pub fn last_days(
    db: &dyn Db,
    node: NodeId,
    count: u32,
    now: Timestamp,
) -> Result<Record, StoreError> {
    let today = day_of(now);
    let first = today + 1 - i64::from(count.clamp(1, DAYS_MAX));
    record(db, DAYS_SUM, &[node.0.into(), first.into(), today.into()])
}

row! {
    /// A month of a node.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MonthRecord {
        /// The month.
        pub month: Month = "month",
        /// What was seen.
        pub observations: Observations = "observed, observed_up",
    }
}

/// The last `?2` months of the node `?1`, the newest first. Served by the primary key.
const MONTHS: &str = select!(
    MonthRecord,
    "FROM node_months
     WHERE node_id = ?1 ORDER BY month DESC LIMIT ?2"
);

/// The last months of a node at which somebody looked, the newest first.
pub fn months(db: &dyn Db, node: NodeId, limit: u32) -> Result<Vec<MonthRecord>, StoreError> {
    db.all(MONTHS, &[node.0.into(), limit.into()])
}

/// A day of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRecord {
    /// Its first second.
    pub day: Timestamp,
    /// What was seen.
    pub record: Record,
}

/// The days of the node `?1` from `?2` to `?3` at which somebody looked, in order. Served by the
/// primary key, day by day.
const DAYS: &str = "
    WITH RECURSIVE days (day) AS (
        SELECT ?2 UNION ALL SELECT day + 1 FROM days WHERE day < ?3 LIMIT 400)
    SELECT d.day, d.observed, d.observed_up, d.measured, d.upload_mbps, d.download_mbps
      FROM days
     CROSS JOIN observation_days d ON d.day = days.day AND d.node_id = ?1
     ORDER BY d.day";

/// The last so many days of a node at which somebody looked, in order: at most [`DAYS_MAX`].
pub fn days(
    db: &dyn Db,
    node: NodeId,
    count: u32,
    now: Timestamp,
) -> Result<Vec<DayRecord>, StoreError> {
    let today = day_of(now);
    let first = today + 1 - i64::from(count.clamp(1, DAYS_MAX));
    let day = |(day, sums): (i64, Sums)| {
        let day = Timestamp::from_seconds(day * DAY);
        DayRecord { day, record: sums.into() }
    };
    let params = [node.0.into(), first.into(), today.into()];
    Ok(db.all(DAYS, &params)?.into_iter().map(day).collect())
}

/// Whether there are observations from before `?1`: a read, so that most runs write nothing.
const HAS_OLD: &str = "SELECT 1 FROM observation_times WHERE at < ?1 LIMIT 1";

/// Deletes up to `?2` observations from before `?1`, the oldest first: what they come to is in the
/// days since they were made. Served by the primary key.
const FOLD: &str = "
    DELETE FROM observations WHERE (at, node_id) IN (
        SELECT at, node_id FROM observations WHERE at < ?1 ORDER BY at, node_id LIMIT ?2)";

/// Deletes the times from before `?1` of which no observation is left. Served by the primary keys.
const FOLD_TIMES: &str = "
    DELETE FROM observation_times
     WHERE at < ?1 AND at < coalesce((SELECT min(at) FROM observations), ?1)";

/// Folds observations that are 90 days old into their days, a bounded number each time.
pub fn fold(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    fold_at_once(db, now, AGGREGATE_OBSERVATIONS.limit())
}

/// The same, so many observations.
pub fn fold_at_once(db: &dyn Db, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    // Whole days, so that what is left of a day is all of it.
    let before = Timestamp::from_seconds((day_of(now) - KEPT_DAYS) * DAY);
    if !db.has_row(HAS_OLD, &[before.into()])? {
        return Ok(());
    }
    db.run(FOLD, &[before.into(), limit.into()])?;
    db.run(FOLD_TIMES, &[before.into()]).map(drop)
}

/// The node up to which the ranking has come.
const CURSOR: &str = "SELECT node_id FROM rank_cursor WHERE id = 1";

/// The next `?2` nodes behind `?1`, by number: what was seen of them, and as what they rank.
const TO_RANK: &str = "
    SELECT id, observed, observed_up, proven_uptime FROM nodes
     WHERE id > ?1 ORDER BY id LIMIT ?2";

/// Keeps what was found; the columns of the command view, in order.
const RANK: &str = "INSERT INTO rank_nodes (seen_id, node_id, ranks) VALUES (?1, ?2, ?3)";

/// Ranks the next page of nodes by the uptime that they have at least, by all looks at them.
pub fn rank(db: &dyn Db) -> Result<(), StoreError> {
    rank_at_once(db, RANK_NODES.limit())
}

/// The same, so many nodes.
pub fn rank_at_once(db: &dyn Db, limit: u32) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct Rank {
        node: u32,
        uptime: i64,
    }
    let seen: u32 = db.first(CURSOR, &[])?.unwrap_or(0);
    let nodes = db.all::<(u32, Observations, i64)>(TO_RANK, &[seen.into(), limit.into()])?;
    let mut ranks = Vec::new();
    for (node, observations, ranked) in &nodes {
        let uptime =
            lower_bound(observations.up, observations.observed).map_or(0, Uptime::hundredths);
        if uptime != *ranked {
            ranks.push(Rank { node: *node, uptime });
        }
    }
    // The last page: the next run begins again.
    let is_last = nodes.len() < usize::try_from(limit).unwrap_or(usize::MAX);
    let last = nodes.last().filter(|_| !is_last).map_or(0, |(node, ..)| *node);
    if seen == last && ranks.is_empty() {
        return Ok(());
    }
    db.run(RANK, &[seen.into(), last.into(), Value::Text(json(&ranks))]).map(drop)
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers can be written as JSON")
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(WINDOWS, "maintenance_by_node")];
