//! A node, what the grid reports of it, and how many slices that makes.

use alloc::string::String;
use core::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::id::NodeId;
use crate::time::Timestamp;

/// The vCPUs of one slice.
pub const SLICE_CPU_CORES: i64 = 1;
/// The memory of one slice in bytes: 4 GiB, so that nobody gets less under either reading of "GB".
pub const SLICE_MEMORY_BYTES: i64 = 4 * GIB;
/// The SSD storage of one slice in bytes: 200 GiB, for the same reason.
pub const SLICE_SSD_BYTES: i64 = 200 * GIB;
/// The most slices that one node is cut into, whatever it reports. The largest node known has 256
/// hardware threads.
pub const SLICES_PER_NODE_MAX: u32 = 512;

/// What the grid counts as in use of every node for its own system: at least this much memory, or
/// a tenth of it.
const MEMORY_RESERVE_BYTES: i64 = 2 * GIB;
/// What the grid counts as in use of every node's SSD storage for its own system.
const SSD_RESERVE_BYTES: i64 = 20 * GIB;

const GIB: i64 = 1024 * 1024 * 1024;

/// Whether a node answers, as the grid sees and names it.
///
/// "Up" is up to 80 minutes old (`pkg/nodestatus` of the grid's gridproxy); see
/// [`NodeReport::healthy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum NodeStatus {
    /// Running.
    Up,
    /// Not reporting.
    Down,
    /// Asleep to save power; a rental on the grid would wake it.
    Standby,
}

/// What a node has, or what of it is in use. Signed: the grid reports nodes that use more than
/// they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// vCPUs.
    pub cpu_cores: i64,
    /// Bytes of memory.
    pub memory_bytes: i64,
    /// Bytes of SSD storage; hard disks cannot hold a slice and are not counted.
    pub ssd_bytes: i64,
}

/// What the grid reports of a node, parsed. `None` where an old server does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReport {
    /// The grid's number of the node.
    pub id: NodeId,
    /// The grid's number of its farm; 0 where it is not known.
    pub farm_id: u32,
    /// The farm's name; empty where it is not known.
    pub farm_name: String,
    /// The country's English name; empty where it is not known.
    pub country: String,
    /// The city's name; empty where it is not known.
    pub city: String,
    /// Whether it answers.
    pub status: NodeStatus,
    /// Whether the grid's last five-minute check reached it.
    pub healthy: Option<bool>,
    /// Whether its hardware is certified.
    pub certified: bool,
    /// What it has.
    pub total: Resources,
    /// What is in use, the system's own reserve included.
    pub used: Resources,
    /// Whether its farm rents whole nodes only.
    pub in_dedicated_farm: bool,
    /// What its farmer asks on the grid on top, in thousandths of a dollar a month; such a node
    /// can be rented whole only.
    pub extra_fee_musd: u64,
    /// Whether somebody has rented the whole node on the grid.
    pub rented_whole: bool,
    /// Whether it can run virtual machines.
    pub runs_machines: Option<bool>,
    /// Measured by the grid about every six hours, in Mbit/s.
    pub upload_mbps: Option<u32>,
    /// Measured by the grid about every six hours, in Mbit/s.
    pub download_mbps: Option<u32>,
    /// When the node last reported to the grid.
    pub reported_at: Timestamp,
}

impl NodeReport {
    /// Whether this report counts as "up" in the measured uptime.
    pub fn is_up(&self) -> bool {
        self.status == NodeStatus::Up && self.healthy != Some(false)
    }

    /// The lower of both directions, in Mbit/s: what an SLA of bandwidth is held against.
    pub fn bandwidth_mbps(&self) -> Option<u32> {
        Some(self.upload_mbps?.min(self.download_mbps?))
    }
}

/// How many slices a node can carry, and what decides it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// The slices that it can carry now.
    pub slices: u32,
    /// How many its free vCPUs alone would allow.
    pub by_cpu: u32,
    /// How many its free memory alone would allow.
    pub by_memory: u32,
    /// How many its free SSD storage alone would allow.
    pub by_ssd: u32,
    /// Why it carries none, if it carries none.
    pub refusal: Option<Refusal>,
}

/// Why a node can offer no slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Refusal {
    /// The grid says that it is down.
    Down,
    /// The grid says that it sleeps.
    Standby,
    /// The grid no longer lists it.
    Unlisted,
    /// The grid's health check did not reach it.
    Unhealthy,
    /// Somebody has rented it whole on the grid.
    RentedWhole,
    /// Its farm rents whole nodes only.
    DedicatedFarm,
    /// It has an extra fee on the grid, so it can be rented whole only.
    ExtraFee,
    /// It cannot run virtual machines.
    NoMachines,
    /// Too few free vCPUs for one slice.
    Cpu,
    /// Too little free memory for one slice.
    Memory,
    /// Too little free SSD storage for one slice.
    Ssd,
}

impl Refusal {
    /// Whether the node runs, and is merely too full.
    pub fn is_full(self) -> bool {
        matches!(self, Refusal::Cpu | Refusal::Memory | Refusal::Ssd)
    }
}

impl fmt::Display for Refusal {
    /// In words for the farmer: what is wrong, and what would mend it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::Down => "the grid reports the node as down; slices appear once it is up",
            Refusal::Standby => "the node is in standby; wake it on the grid to offer slices",
            Refusal::Unlisted => {
                "the grid no longer lists the node; slices appear once it is \
                                  listed again"
            }
            Refusal::Unhealthy => "the grid's health check can't reach the node; check its network",
            Refusal::RentedWhole => {
                "the whole node is rented on the grid, so it has no free capacity"
            }
            Refusal::DedicatedFarm => {
                "the farm is dedicated on the grid, so its nodes can only be rented whole"
            }
            Refusal::ExtraFee => {
                "the node has an extra fee on the grid, so it can only be rented whole; remove \
                 the fee to offer slices"
            }
            Refusal::NoMachines => "the node cannot run virtual machines (no zmachine feature)",
            Refusal::Cpu => "fewer than 1 vCPU is free",
            Refusal::Memory => "less than 4 GB of memory is free",
            Refusal::Ssd => {
                "less than 200 GB of SSD storage is free; hard disks cannot hold a slice"
            }
        })
    }
}

/// How many slices the node can carry by this report, where nothing of ours is on it yet.
///
/// The smallest of what free vCPUs, memory and SSD storage allow, each in whole slices; nothing
/// unless the node is up, reachable, able to run machines and not reserved as a whole. What an
/// old server does not say is not held against the node.
pub fn capacity(report: &NodeReport) -> Capacity {
    capacity_with(report, 0)
}

/// How many slices the node can carry by this report, with `machines` slices of our own in use on
/// it: what those take is free for them. Never more than the node would carry without anything but
/// its own system.
pub fn capacity_with(report: &NodeReport, machines: u32) -> Capacity {
    let (total, used) = (&report.total, &report.used);
    let by = |total: i64, used: i64, reserve: i64, slice: i64| {
        // What is ours is part of what is in use, beside the system's own.
        let ours = i64::from(machines).saturating_mul(slice);
        let ours = ours.min(used.saturating_sub(reserve)).max(0);
        let free = total.saturating_sub(used).saturating_add(ours);
        let whole = (free / slice).clamp(0, i64::from(SLICES_PER_NODE_MAX));
        u32::try_from(whole).unwrap_or(0)
    };
    let by_cpu = by(total.cpu_cores, used.cpu_cores, 0, SLICE_CPU_CORES);
    let memory_reserve = (total.memory_bytes / 10).max(MEMORY_RESERVE_BYTES);
    let by_memory = by(total.memory_bytes, used.memory_bytes, memory_reserve, SLICE_MEMORY_BYTES);
    let by_ssd = by(total.ssd_bytes, used.ssd_bytes, SSD_RESERVE_BYTES, SLICE_SSD_BYTES);
    let too_small = [(by_ssd, Refusal::Ssd), (by_memory, Refusal::Memory), (by_cpu, Refusal::Cpu)]
        .into_iter()
        .find_map(|(slices, refusal)| (slices == 0).then_some(refusal));
    let refusal = refusal_of_the_whole_node(report).or(too_small);
    let slices = if refusal.is_some() { 0 } else { by_cpu.min(by_memory).min(by_ssd) };
    Capacity { slices, by_cpu, by_memory, by_ssd, refusal }
}

fn refusal_of_the_whole_node(report: &NodeReport) -> Option<Refusal> {
    match report.status {
        NodeStatus::Down => return Some(Refusal::Down),
        NodeStatus::Standby => return Some(Refusal::Standby),
        NodeStatus::Up => {}
    }
    if report.healthy == Some(false) {
        Some(Refusal::Unhealthy)
    } else if report.rented_whole {
        Some(Refusal::RentedWhole)
    } else if report.in_dedicated_farm {
        Some(Refusal::DedicatedFarm)
    } else if report.extra_fee_musd > 0 {
        Some(Refusal::ExtraFee)
    } else if report.runs_machines == Some(false) {
        Some(Refusal::NoMachines)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(cpu_cores: i64, memory_gib: i64, ssd_gib: i64) -> NodeReport {
        NodeReport {
            id: NodeId(1),
            farm_id: 1,
            farm_name: "Freefarm".into(),
            country: "Belgium".into(),
            city: "Ghent".into(),
            status: NodeStatus::Up,
            healthy: Some(true),
            certified: false,
            total: Resources {
                cpu_cores,
                memory_bytes: memory_gib * GIB,
                ssd_bytes: ssd_gib * GIB,
            },
            used: Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 },
            in_dedicated_farm: false,
            extra_fee_musd: 0,
            rented_whole: false,
            runs_machines: Some(true),
            upload_mbps: Some(940),
            download_mbps: Some(810),
            reported_at: Timestamp::from_seconds(0),
        }
    }

    #[test]
    fn a_node_carries_what_its_scarcest_resource_allows() {
        for (cpu, memory, ssd, slices) in
            [(32, 64, 1000, 5), (16, 64, 4000, 16), (8, 32, 10_000, 8), (32, 128, 2000, 10)]
        {
            assert_eq!(capacity(&report(cpu, memory, ssd)).slices, slices, "{cpu}/{memory}/{ssd}");
        }
    }

    #[test]
    fn the_first_reason_is_the_one_told() {
        let check = |expected: Option<Refusal>, change: fn(&mut NodeReport)| {
            let mut report = report(32, 128, 2000);
            change(&mut report);
            let capacity = capacity(&report);
            assert_eq!(capacity.refusal, expected);
            assert_eq!(capacity.slices == 0, expected.is_some());
        };
        check(None, |_| {});
        check(None, |r| r.healthy = None);
        check(None, |r| r.runs_machines = None);
        check(Some(Refusal::Down), |r| r.status = NodeStatus::Down);
        check(Some(Refusal::Standby), |r| r.status = NodeStatus::Standby);
        check(Some(Refusal::Unhealthy), |r| r.healthy = Some(false));
        check(Some(Refusal::RentedWhole), |r| r.rented_whole = true);
        check(Some(Refusal::DedicatedFarm), |r| r.in_dedicated_farm = true);
        check(Some(Refusal::ExtraFee), |r| r.extra_fee_musd = 30_000);
        check(Some(Refusal::NoMachines), |r| r.runs_machines = Some(false));
        check(Some(Refusal::Cpu), |r| r.used.cpu_cores = 52);
        check(Some(Refusal::Memory), |r| r.used.memory_bytes = i64::MAX);
        check(Some(Refusal::Ssd), |r| r.total.ssd_bytes = i64::MIN);
    }

    #[test]
    fn names_are_read_back() {
        for &refusal in Refusal::VARIANTS {
            assert_eq!(refusal.into_str().parse(), Ok(refusal));
        }
        for &status in NodeStatus::VARIANTS {
            assert_eq!(status.into_str().parse(), Ok(status));
        }
    }

    proptest! {
        /// The slices of a node fit into what is free of it, whatever the grid reports.
        #[test]
        fn slices_fit_into_what_is_free(
            total in any::<[i64; 3]>(),
            used in any::<[i64; 3]>(),
        ) {
            let mut report = report(0, 0, 0);
            let resources = |[cpu_cores, memory_bytes, ssd_bytes]: [i64; 3]| {
                Resources { cpu_cores, memory_bytes, ssd_bytes }
            };
            (report.total, report.used) = (resources(total), resources(used));
            let slices = i128::from(capacity(&report).slices);
            let fits = |index: usize, slice: i64| {
                let free = i128::from(total[index]) - i128::from(used[index]);
                slices == 0 || slices * i128::from(slice) <= free
            };
            prop_assert!(fits(0, SLICE_CPU_CORES));
            prop_assert!(fits(1, SLICE_MEMORY_BYTES));
            prop_assert!(fits(2, SLICE_SSD_BYTES));
            prop_assert!(slices <= i128::from(SLICES_PER_NODE_MAX));
        }
    }
}
