//! What a page of the market shows of its nodes beside their offers: each day's uptime, and how
//! long machines took to be set up.

use std::collections::BTreeMap;

use domain::id::NodeId;
use domain::outlook::Observations;
use domain::time::Timestamp;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};
use crate::samples::day_of;

/// The most nodes that are asked for at once.
pub const NODES_MAX: usize = 100;
/// The most days that are asked for at once.
pub const DAYS_MAX: u32 = 90;
/// Of how many rentals of a node, the newest, the times of their setups count.
const RENTALS_OF_NODE: u32 = 5;
/// The most setups that are read of all nodes together.
const SETUPS_MAX: u32 = 5_000;
/// Fewer setups than this say too little to go by.
const SETUPS_MIN: usize = 3;

row! {
    /// A day of a node.
    struct Day {
        node: u32 = "d.node_id",
        day: i64 = "d.day",
        observations: Observations = "d.observed, d.observed_up",
    }
}

/// The days `?2` of the nodes `?1`, both JSON arrays. Served by the primary key, day by day and
/// node by node: at most 90 days of 100 nodes.
const DAYS: &str = select!(
    Day,
    "FROM json_each(?2) days CROSS JOIN json_each(?1) n
     CROSS JOIN observation_days d ON d.day = days.value AND d.node_id = n.value
     LIMIT 9000"
);

/// The last days of some nodes, the oldest first, today last; `None` for a day at which nobody
/// looked.
pub type Days = BTreeMap<NodeId, Vec<Option<Observations>>>;

fn json<T: Serialize>(numbers: impl Iterator<Item = T>) -> Value {
    let numbers: Vec<T> = numbers.collect();
    Value::Text(serde_json::to_string(&numbers).expect("numbers can be written as JSON"))
}

fn numbers(nodes: &[NodeId]) -> Value {
    json(nodes.iter().take(NODES_MAX).map(|node| node.0))
}

/// The last so many days of some nodes: at most [`DAYS_MAX`] days and [`NODES_MAX`] nodes.
pub fn days(db: &dyn Db, nodes: &[NodeId], count: u32, now: Timestamp) -> Result<Days, StoreError> {
    let count = count.clamp(1, DAYS_MAX);
    let today = day_of(now);
    let first = today + 1 - i64::from(count);
    let none = vec![None; usize::try_from(count).unwrap_or_default()];
    let mut days: Days = nodes.iter().take(NODES_MAX).map(|node| (*node, none.clone())).collect();
    for Day { node, day, observations } in
        db.all::<Day>(DAYS, &[numbers(nodes), json(first..=today)])?
    {
        let nth = usize::try_from(day - first).ok();
        let days = days.get_mut(&NodeId(node));
        if let Some(seen) = nth.zip(days).and_then(|(nth, days)| days.get_mut(nth)) {
            *seen = Some(observations);
        }
    }
    Ok(days)
}

/// How long the agents of the nodes `?1`, a JSON array, took from the first step of a setup to the
/// last, in seconds, for the last `?2` rentals of each: at most `?3`. Served by the indexes
/// `rentals_by_node` and `jobs_by_rental`.
const SETUPS: &str = "
    SELECT n.value,
           coalesce(j.steps ->> 'checked', j.steps ->> 'reachable') - (j.steps ->> 'accepted')
      FROM json_each(?1) n
     CROSS JOIN rentals r ON r.node_id = n.value
       AND r.id IN (SELECT id FROM rentals WHERE node_id = n.value ORDER BY id DESC LIMIT ?2)
     CROSS JOIN jobs j ON j.rental_id = r.id
     WHERE j.kind = 'create' AND j.state = 'done' AND j.is_by_hand = 0
       AND j.steps ->> 'accepted' IS NOT NULL
       AND coalesce(j.steps ->> 'checked', j.steps ->> 'reachable') IS NOT NULL
     LIMIT ?3";

/// How long a machine took to be set up by the farm's agent, in seconds: the median of the last
/// rentals of each node. Nodes that have too few of them are left out.
pub fn setup_seconds(db: &dyn Db, nodes: &[NodeId]) -> Result<BTreeMap<NodeId, u32>, StoreError> {
    let params = [numbers(nodes), RENTALS_OF_NODE.into(), SETUPS_MAX.into()];
    let mut by_node = BTreeMap::<NodeId, Vec<u32>>::new();
    for (node, seconds) in db.all::<(u32, i64)>(SETUPS, &params)? {
        let seconds = u32::try_from(seconds.max(0)).unwrap_or(u32::MAX);
        by_node.entry(NodeId(node)).or_default().push(seconds);
    }
    let median = |(node, mut seconds): (NodeId, Vec<u32>)| {
        seconds.sort_unstable();
        let middle = seconds.get(seconds.len() / 2).copied()?;
        (seconds.len() >= SETUPS_MIN).then_some((node, middle))
    };
    Ok(by_node.into_iter().filter_map(median).collect())
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(SETUPS, "rentals_by_node")];
