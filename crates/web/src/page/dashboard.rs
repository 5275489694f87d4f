//! What the farmer's pages show of slices and revenue, beside the nodes themselves.

use super::UptimeRecord;
use crate::plot::bars::{Columns, Rows};

/// What a farm earns, in two plots.
#[derive(Clone, Debug)]
pub struct FarmRevenue {
    /// By month; `None` where nothing was earned in any of them.
    pub by_month: Option<Columns>,
    /// By node, those that earned most first.
    pub by_node: Rows,
}

/// What a node earns and how it stands against its promise.
#[derive(Clone, Debug)]
pub struct NodeRevenue {
    /// Earned this month, such as `$4.20`.
    pub earned: String,
    /// Paid by renters and not earned yet.
    pub pending: String,
    /// Rented of all slices, such as `33%`; `None` without slices.
    pub utilization: Option<String>,
    /// Uptime and bandwidth against the promise; `None` before there is one.
    pub record: Option<NodeRecord>,
    /// By month; `None` where nothing was earned in any of them.
    pub by_month: Option<Columns>,
}

/// What was measured of a node against what its farmer promises.
#[derive(Clone, Debug)]
pub struct NodeRecord {
    /// Uptime.
    pub uptime: UptimeRecord,
    /// Bandwidth.
    pub bandwidth: BandwidthRecord,
}

/// A measured bandwidth against a promised one.
#[derive(Clone, Debug)]
pub struct BandwidthRecord {
    /// The lesser of what the grid measured each way, such as `940 Mbit/s`.
    pub measured: Option<String>,
    /// Such as `1,000 Mbit/s`.
    pub promised: String,
    /// Whether less was measured than promised.
    pub is_below: bool,
}

/// The slices of a node, a cell for each, and the same in words.
#[derive(Clone, Debug, Default)]
pub struct SliceGrid {
    /// In the order of their numbers; those that are kept back have none, and come last.
    pub cells: Vec<GridCell>,
    /// Such as `3 rented, 1 held, 4 available, 2 kept back`.
    pub words: String,
    /// Who rents which slices, and until when.
    pub rented: Vec<RentedSlices>,
}

/// A slice as a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridCell {
    /// Its number; empty for one that is kept back.
    pub number: String,
    /// The class that colors it: `cell-rented`, `cell-held`, `cell-open` or `cell-kept`.
    pub class: &'static str,
}

/// Slices that one renter has until one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RentedSlices {
    /// Such as `Slices 1, 2 and 7`.
    pub slices: String,
    /// The renter, as they chose to be seen.
    pub renter: String,
    /// When the rental ends.
    pub until: super::Moment,
}
