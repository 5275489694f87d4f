//! The marketplace, `/marketplace/compute`: nodes that have slices on offer.

use super::{Choice, Field, Frame};
use askama::Template;

/// What `compute.html` shows: the filter, and one page of nodes.
#[derive(Clone, Debug, Template)]
#[template(path = "compute.html")]
pub struct Compute {
    /// What surrounds the page.
    pub frame: Frame,
    /// The filter as it was sent, with what is wrong beside each field.
    pub filter: ComputeFilter,
    /// What was found, such as `3 nodes, cheapest first`. Shown when there is any.
    pub summary: String,
    /// One page of nodes.
    pub nodes: Vec<NodeCard>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// The filter form; its names are those of the query string.
#[derive(Clone, Debug, Default)]
pub struct ComputeFilter {
    /// `country`
    pub country: Field,
    /// Countries to suggest while typing; may be empty.
    pub countries: Vec<String>,
    /// `max_price`: US dollars per slice and month.
    pub max_price: Field,
    /// `min_uptime`: percent.
    pub min_uptime: Field,
    /// `min_bandwidth`: Mbit/s.
    pub min_bandwidth: Field,
    /// `certified`: certified nodes only.
    pub certified: bool,
    /// `sort`: every order on offer.
    pub sort: Vec<Choice>,
    /// Whether any filter is set, so that it can be cleared.
    pub is_active: bool,
}

impl ComputeFilter {
    /// Whether a field could not be used, so that nothing was looked for.
    fn has_error(&self) -> bool {
        [&self.country, &self.max_price, &self.min_uptime, &self.min_bandwidth]
            .iter()
            .any(|field| field.error.is_some())
    }
}

/// One node in the list.
#[derive(Clone, Debug)]
pub struct NodeCard {
    /// The page of the node, `/marketplace/compute/{node}`.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// Such as `$25.00`.
    pub price_per_month: String,
    /// Such as `$0.034`.
    pub price_per_hour: String,
    /// The promised uptime, such as `99.5%`.
    pub min_uptime: String,
    /// The promised bandwidth, such as `100 Mbit/s`.
    pub min_bandwidth: String,
    /// What was measured, once there is anything to go by.
    pub measured_uptime: Option<MeasuredUptime>,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// All slices of the node.
    pub total_slices: u32,
    /// Whether the grid lists the node as certified hardware.
    pub is_certified: bool,
}

/// The uptime that we saw ourselves, and how much it is worth.
#[derive(Clone, Debug)]
pub struct MeasuredUptime {
    /// Such as `99.31%`.
    pub percent: String,
    /// The uptime that it is at least, with a confidence of 95 %, such as `99.02%`.
    pub at_least: String,
    /// How many checks it rests on, such as `2,016`.
    pub observations: String,
    /// The result in words while there are too few checks for a percentage.
    pub new_node: Option<String>,
}
