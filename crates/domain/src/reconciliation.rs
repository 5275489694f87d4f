//! What a look at the grid changes of what is known of a node.
//!
//! What is rented stays rented, whatever the grid says. What is offered is withdrawn at once where
//! it may not be there; whoever sold too much is told so only where that is certain.

use alloc::collections::BTreeMap;
use alloc::string::String;

use crate::id::NodeId;
use crate::node::{Capacity, NodeReport, NodeStatus, Refusal, capacity_with};
use crate::region::region;
use crate::time::Timestamp;

/// How long after a machine was made the grid counts it as in use for certain: contracts appear
/// in its index some time after they were made.
pub const IN_USE_AFTER_SECONDS: i64 = 2 * 60 * 60;

/// A farmer is notified at most once an hour that a node is down.
pub const ALERT_PAUSE_SECONDS: i64 = 60 * 60;

/// What the market knows of a node by the grid, beside the instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The grid's number of its farm; 0 where it was never known.
    pub farm_id: u32,
    /// The farm's name.
    pub farm_name: String,
    /// The country's English name.
    pub country: String,
    /// The city's name.
    pub city: String,
    /// Whether it answers.
    pub status: NodeStatus,
    /// Whether the grid's last check reached it.
    pub healthy: Option<bool>,
    /// Whether its hardware is certified.
    pub certified: bool,
    /// Measured by the grid, in Mbit/s.
    pub upload_mbps: Option<u32>,
    /// Measured by the grid, in Mbit/s.
    pub download_mbps: Option<u32>,
    /// How many slices it carries for certain, those that are rented among them.
    pub capacity: Capacity,
    /// How many slices more are sold than it can carry at most: 0 on a node that is as it should
    /// be.
    pub oversold: u32,
}

/// What of a node is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnUsage {
    /// Slices that are rented.
    pub sold: u32,
    /// Slices whose rental has ended and whose machine is still to be removed.
    pub leaving: u32,
    /// Those of both whose machine the grid counts as in use for certain.
    pub machines: u32,
    /// Whether a machine of it has answered its agent within three minutes.
    pub answers: bool,
}

impl OwnUsage {
    /// Slices that may have a machine on the node.
    fn at_most(self) -> u32 {
        self.sold.saturating_add(self.leaving)
    }
}

/// A node, before somebody looks at it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The grid's number of it.
    pub id: NodeId,
    /// What is known of it by the grid.
    pub standing: Standing,
    /// What of it is ours.
    pub own: OwnUsage,
}

/// What the grid says of a node that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// This.
    Listed(&'a NodeReport),
    /// Nothing: it lists others, and not this one.
    Unlisted,
}

impl Seen<'_> {
    fn is_up(self) -> bool {
        matches!(self, Seen::Listed(report) if report.is_up())
    }

    fn is_stale(self, now: Timestamp) -> bool {
        let is_old =
            |report: &NodeReport| now.seconds_since(report.reported_at) > REPORT_STALE_SECONDS;
        matches!(self, Seen::Listed(report) if is_old(report))
    }
}

/// So many nodes do not go down at once, but an index that fails.
const MASS_NODES_MIN: usize = 5;
/// So many of the nodes that were up, at least. Percent.
const MASS_PERCENT: usize = 80;
/// The index of the grid stands still where its newest report is older than this: each node reports
/// every 40 minutes, and there are thousands. Seconds: an hour.
pub const INDEX_STALE_SECONDS: i64 = 3_600;

/// A node that is up has reported within this time: the index takes one for down after 80 minutes.
/// Seconds: two hours.
const REPORT_STALE_SECONDS: i64 = 2 * 3_600;

/// Whether so many nodes are gone in one look that the index may have failed: nearly all that were
/// up, or all of a region. Gone is what is down, not listed, or up without a report for hours: then
/// what is answered was stored somewhere on the way. Those whose machines answer count too: that
/// an index says that they are down is no reason to trust it.
pub fn is_mass_failure<'a>(
    looks: impl IntoIterator<Item = (&'a Known, Seen<'a>)>,
    now: Timestamp,
) -> bool {
    let mut all = Count::default();
    let mut regions: BTreeMap<&str, Count> = BTreeMap::new();
    for (known, seen) in looks {
        if !known.was_up() {
            continue;
        }
        let is_gone = !seen.is_up() || seen.is_stale(now);
        all.add(is_gone);
        if let Some(region) = region(&known.standing.country) {
            regions.entry(region.name).or_default().add(is_gone);
        }
    }
    let is_whole =
        |region: &Count| region.were_up >= MASS_NODES_MIN && region.gone == region.were_up;
    all.were_up >= MASS_NODES_MIN && all.gone * 100 >= all.were_up * MASS_PERCENT
        || regions.values().any(is_whole)
}

/// How many nodes were up, and how many of these are gone.
#[derive(Clone, Copy, Default)]
struct Count {
    were_up: usize,
    gone: usize,
}

impl Count {
    fn add(&mut self, is_gone: bool) {
        self.were_up += 1;
        self.gone += usize::from(is_gone);
    }
}

impl Known {
    fn was_up(&self) -> bool {
        let standing = &self.standing;
        standing.status == NodeStatus::Up && standing.healthy != Some(false) && !is_unlisted(self)
    }
}

/// What a look at a node leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The grid's number of it.
    pub id: NodeId,
    /// What is known of it from now on; `None` where that is what was known before.
    pub change: Option<Standing>,
    /// Whether it was up, for its measured uptime; `None` where that was not observed.
    pub is_up: Option<bool>,
    /// Whether it is down; `None` where nobody knows.
    pub is_down: Option<bool>,
    /// When it last reported to the grid; `None` where that is not known.
    pub reported_at: Option<Timestamp>,
}

/// What a look at a node leaves, at `now`.
pub fn reconcile(known: &Known, seen: Seen<'_>, now: Timestamp) -> Observation {
    let is_up = match seen {
        Seen::Listed(report) => Some(report.is_up()),
        // An index that lacks a node once is no observation of the node; one that goes on
        // lacking it is.
        Seen::Unlisted => is_unlisted(known).then_some(false),
    };
    let reported_at = match seen {
        // A node whose clock is ahead reports now, and not in the future.
        Seen::Listed(report) => Some(report.reported_at.min(now)),
        Seen::Unlisted => None,
    };
    let id = known.id;
    // A node whose machines answer is not down, whatever the grid says.
    if known.own.answers && !seen.is_up() {
        return Observation { id, change: None, is_up: None, is_down: Some(false), reported_at };
    }
    let standing = match seen {
        Seen::Listed(report) => listed(known, report),
        Seen::Unlisted => unlisted(known),
    };
    let change = (standing != known.standing).then_some(standing);
    Observation { id, change, is_up, is_down: is_up.map(|is_up| !is_up), reported_at }
}

fn is_unlisted(known: &Known) -> bool {
    known.standing.capacity.refusal == Some(Refusal::Unlisted)
}

fn listed(known: &Known, report: &NodeReport) -> Standing {
    let before = &known.standing;
    // A document that does not say of which farm a node is moves nothing.
    let is_same_farm = report.farm_id == 0 || report.farm_id == before.farm_id;
    Standing {
        farm_id: if is_same_farm { before.farm_id } else { report.farm_id },
        farm_name: if is_same_farm && report.farm_name.is_empty() {
            before.farm_name.clone()
        } else {
            report.farm_name.clone()
        },
        country: report.country.clone(),
        city: report.city.clone(),
        status: report.status,
        healthy: report.healthy,
        certified: report.certified,
        upload_mbps: report.upload_mbps,
        download_mbps: report.download_mbps,
        capacity: capacity_with(report, known.own.machines),
        oversold: oversold(known, report),
    }
}

/// How many slices more are sold than the node can carry, where that is certain: all of them where
/// somebody else has the whole node; otherwise by its resources, if everything that may be ours
/// were in use already. Of a node that does not run nobody knows.
fn oversold(known: &Known, report: &NodeReport) -> u32 {
    if report.status != NodeStatus::Up {
        return known.standing.oversold;
    }
    if report.rented_whole {
        return known.own.sold;
    }
    let Capacity { by_cpu, by_memory, by_ssd, .. } = capacity_with(report, known.own.at_most());
    known.own.at_most().saturating_sub(by_cpu.min(by_memory).min(by_ssd)).min(known.own.sold)
}

/// It offers nothing until it is back; the rest stays as it was last known.
fn unlisted(known: &Known) -> Standing {
    let before = &known.standing;
    Standing {
        status: NodeStatus::Down,
        capacity: Capacity { slices: 0, refusal: Some(Refusal::Unlisted), ..before.capacity },
        ..before.clone()
    }
}

/// How many slices a node offers to whoever comes, where it carries `capacity`, its farmer keeps
/// `kept` back and `occupied` are rented, held or being removed.
///
/// The database does this in the statement that changes one of them; a test compares both.
pub fn offered(capacity: u32, kept: u32, occupied: u32) -> u32 {
    capacity.saturating_sub(kept).saturating_sub(occupied)
}

#[cfg(test)]
mod tests;
