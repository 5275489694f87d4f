//! The farmer's pages, `/dashboard/farm` and `/dashboard/farm/nodes/{node}`.

use super::{
    Badge, Choice, CostConsent, FarmOffer, FarmRevenue, Field, Frame, Moment, NodeRecord,
    NodeRevenue, Notice, OfferLock, SliceGrid,
};
use askama::Template;

/// What `farm.html` shows: the farmer's nodes, and the form that adds one.
#[derive(Clone, Debug, Template)]
#[template(path = "farm.html")]
pub struct Farm {
    /// What surrounds the page.
    pub frame: Frame,
    /// `grid_node_id` of the form that adds a node.
    pub grid_node_id: Field,
    /// The sums over all nodes.
    pub summary: FarmSummary,
    /// What it earns; `None` without a node.
    pub revenue: Option<FarmRevenue>,
    /// One page of nodes.
    pub nodes: Vec<FarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// The sums over all nodes of a farmer.
#[derive(Clone, Debug, Default)]
pub struct FarmSummary {
    /// How many nodes.
    pub nodes: u32,
    /// All slices.
    pub total_slices: u32,
    /// Slices that are rented.
    pub allocated_slices: u32,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// Rented of all slices, such as `33%`; `None` without slices.
    pub utilization: Option<String>,
    /// Earned this month, such as `$12.50`.
    pub earned: String,
    /// Paid by renters and not yet due to the farmer, such as `$71.25`.
    pub in_escrow: String,
    /// Earned and not asked for yet.
    pub balance: String,
    /// On its way in payouts; `None` for nothing.
    pub in_payout: Option<String>,
    /// Paid out so far, such as `$0.00`.
    pub paid: String,
}

/// One node in the farmer's list.
#[derive(Clone, Debug)]
pub struct FarmRow {
    /// The page of the node, `/dashboard/farm/nodes/{node}`.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// Its number on the grid.
    pub grid_node_id: String,
    /// City and country.
    pub place: String,
    /// Such as `published`, `draft` or `paused`.
    pub status: Badge,
    /// Such as `up` or `down`, as the grid reports it.
    pub grid_status: Badge,
    /// The price per slice and month, once set.
    pub price_per_month: Option<String>,
    /// Slices that are rented.
    pub allocated_slices: u32,
    /// All slices.
    pub total_slices: u32,
    /// Its slices.
    pub grid: SliceGrid,
    /// Earned this month.
    pub earned: String,
    /// Paid by renters and not earned yet.
    pub pending: String,
    /// Uptime and bandwidth against the promise, once there is one.
    pub record: Option<NodeRecord>,
    /// What needs attention, such as why the node has no slice.
    pub reason: Option<String>,
}

/// What `farm_node.html` shows: one node, as its farmer sees it.
#[derive(Clone, Debug, Template)]
#[template(path = "farm_node.html")]
pub struct FarmNode {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's id, as the routes of its forms carry it.
    pub id: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// Its number on the grid.
    pub grid_node_id: String,
    /// City and country.
    pub place: String,
    /// Such as `published`, `draft` or `paused`.
    pub status: Badge,
    /// `This node can provide 9 slices, up to $225.00 a month at your price.`
    pub headline: String,
    /// Why it can provide none, as a sentence.
    pub reason: Option<String>,
    /// What each resource would allow; the smallest decides. May be empty.
    pub limits: Vec<ResourceLimit>,
    /// What is left of this month's promise.
    pub promise: Option<Notice>,
    /// Price, promise, terms and name.
    pub form: FarmNodeForm,
    /// What is said about the offer around the form.
    pub offer: FarmOffer,
    /// Whether the node can be published now.
    pub can_publish: bool,
    /// Whether the node can be paused now.
    pub can_pause: bool,
    /// What publishing or pausing would do, or what is missing first, as a sentence.
    pub publish_hint: String,
    /// Slices that are rented.
    pub allocated_slices: u32,
    /// All slices.
    pub total_slices: u32,
    /// Every slice, in the order of its number.
    pub slices: Vec<FarmSlice>,
    /// The same in words, with those that are kept back.
    pub grid: SliceGrid,
    /// The agents of its farm, the last seen first.
    pub agents: Vec<AgentRow>,
    /// What it earns.
    pub revenue: NodeRevenue,
    /// What the grid said last, if it ever did.
    pub report: Option<GridReport>,
    /// The node's page in the marketplace, while it is published.
    pub market_url: Option<String>,
}

/// How many slices one resource would allow.
#[derive(Clone, Debug)]
pub struct ResourceLimit {
    /// Such as `SSD`.
    pub resource: String,
    /// What is free, such as `1,863 GB`.
    pub free: String,
    /// What that makes.
    pub slices: u32,
    /// Whether it is what decides.
    pub is_limiting: bool,
}

/// The form that sets what a node is offered for.
#[derive(Clone, Debug, Default)]
pub struct FarmNodeForm {
    /// Hidden field `version`: the configuration that the farmer saw.
    pub version: String,
    /// `price_per_month`: US dollars per slice.
    pub price_per_month: Field,
    /// The allowed range, such as `From $1.00 to $500.00.`
    pub price_hint: String,
    /// What arrives of that price, such as `You receive $22.50 of $25.00 a month and slice.`
    pub payout_hint: Option<String>,
    /// `min_uptime`: percent.
    pub min_uptime: Field,
    /// What the node has shown, such as `Measured: 99.95% in 2,016 observations.`
    pub uptime_hint: String,
    /// `min_bandwidth_mbps`
    pub min_bandwidth_mbps: Field,
    /// Such as `Measured: 810 Mbit/s.`
    pub bandwidth_hint: String,
    /// What a promise costs that is not kept, as a sentence or two.
    pub scale: String,
    /// What a promise above that costs, where it has to be confirmed.
    pub consent: Option<CostConsent>,
    /// `terms`: the terms that are offered.
    pub terms: Vec<Choice>,
    /// What is wrong with them.
    pub terms_error: Option<String>,
    /// `kept_slices`: how many are not offered.
    pub kept_slices: Field,
    /// `name`: what renters read.
    pub name: Field,
    /// Why nothing was saved, when it is not about one field.
    pub error: Option<String>,
}

/// A slice, with whom it is rented to.
#[derive(Clone, Debug)]
pub struct FarmSlice {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// Its number on the node.
    pub number: u32,
    /// Such as `available`, `held` or `rented`.
    pub state: &'static str,
    /// The class that colors its cell.
    pub class: &'static str,
    /// The renter, as they chose to be seen.
    pub renter: Option<String>,
    /// When the rental ends.
    pub until: Option<Moment>,
    /// What is still there of the rental before.
    pub removal: Option<SliceRemoval>,
}

/// The machine of a rental that has ended is being removed from a slice.
#[derive(Clone, Debug)]
pub struct SliceRemoval {
    /// Since when.
    pub since: Moment,
    /// Whether its agent has given up, so that the farmer has to do it.
    pub has_failed: bool,
    /// Where the form posts to that says that it is gone.
    pub url: String,
}

/// An agent that makes machines on the nodes of a farm, and removes them.
#[derive(Clone, Debug)]
pub struct AgentRow {
    /// What it calls itself.
    pub name: String,
    /// When it last asked for work, such as `2 minutes ago`.
    pub seen: String,
    /// Whether that is too long ago for what is rented now.
    pub is_gone: bool,
}

/// What the grid reported last about a node.
#[derive(Clone, Debug)]
pub struct GridReport {
    /// Such as `up` or `down`.
    pub status: Badge,
    /// Such as `healthy`, `not healthy` or `not known`.
    pub health: Badge,
    /// When we read it.
    pub at: Moment,
}
