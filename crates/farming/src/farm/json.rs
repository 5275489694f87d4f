//! A farmer's nodes.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{NodeId, SliceId};
use domain::money::{PriceLimits, Usd};
use domain::node::Refusal;
use domain::offering::{WITHHELD_SLICES_MAX, Wanted};
use domain::term::{Term, Terms};
use domain::text::parse_line;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use store::jobs::SeenAgent;
use store::nodes::{FarmNode, FarmSlice};
use ui::limits::NAME_CHARS_MAX;
use ui::machine::MachineStatusView;
use ui::node::{Node, Slice};
use web::Kind;
use web::api::{PAGING, PageOf};
use web::form::keep;
use web::json::{self, Decimal, ONE_LINE_OF_80};
use web::operation::{Access, Operation, schema_of};

use crate::adding::json::AddedNodesView;

pub(crate) const GROUP: &str = "Farm";

/// `GET /api/farm/nodes`
pub(crate) const LIST_FARM_NODES: Operation = Operation {
    id: "listFarmNodes",
    group: GROUP,
    path: "/api/farm/nodes",
    summary: "Lists your nodes.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of your nodes.",
    answer: Some(schema_of::<PageOf<FarmNodeView>>),
    ..Operation::READ
};

/// `POST /api/farm/nodes`
pub(crate) const ADD_NODE: Operation = Operation {
    id: "addNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes",
    summary: "Registers a grid node as a draft and returns how many slices it can provide.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<AddNodeBody>),
    status: 201,
    about_answer: "The node, or the result for each of several nodes.",
    answer: Some(added_schema),
    problems: &[
        Kind::NoSuchGridNode,
        Kind::NodeTaken,
        Kind::FarmNotVerified,
        Kind::FarmVerifiedByAnother,
        Kind::NothingAdded,
        Kind::UnusableDocument,
        Kind::GridUnreachable,
    ],
    ..Operation::READ
};

/// `GET /api/farm/nodes/{node}`
pub(crate) const SHOW_FARM_NODE: Operation = Operation {
    id: "showFarmNode",
    group: GROUP,
    path: "/api/farm/nodes/{node}",
    summary: "Returns one of your nodes and who rents its slices.",
    access: Access::Account(Scope::Read),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    ..Operation::READ
};

/// `PATCH /api/farm/nodes/{node}`
pub(crate) const CHANGE_NODE: Operation = Operation {
    id: "changeNode",
    group: GROUP,
    method: Method::PATCH,
    path: "/api/farm/nodes/{node}",
    summary: "Sets price, SLA, terms, withheld slices and name. Omitted fields stay unchanged. \
              Existing rentals keep their terms, and while there are any, a price increase takes \
              effect after a day.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<ChangeNodeBody>),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::OfferChanged, Kind::SlaAboveMeasured, Kind::PriceMissing, Kind::NodeLocked],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/publish`
pub(crate) const PUBLISH_NODE: Operation = Operation {
    id: "publishNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/publish",
    summary: "Puts the node's free slices on the market.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[
        Kind::PriceMissing,
        Kind::NodeLeaving,
        Kind::NodeLocked,
        Kind::OfferChanged,
        Kind::FarmNotVerified,
        Kind::FarmVerifiedByAnother,
    ],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/pause`
pub(crate) const PAUSE_NODE: Operation = Operation {
    id: "pauseNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/pause",
    summary: "Takes the node's free slices off the market. Rentals continue.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NeverPublished, Kind::OfferChanged, Kind::NodeLocked],
    ..Operation::READ
};

/// What adding one node, or several, answers.
fn added_schema(generator: &mut SchemaGenerator) -> Schema {
    let one = schema_of::<FarmNodeWithSlices>(generator);
    let several = schema_of::<AddedNodesView>(generator);
    json_schema!({ "anyOf": [one, several] })
}

/// What registers a node, or several: one of both fields.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddNodeBody {
    /// The grid's number of the node.
    #[schemars(with = "i64", range(min = 1, max = 4_294_967_295_u32))]
    #[serde(default, deserialize_with = "present_whole")]
    pub grid_node_id: Option<i64>,
    /// The grid's numbers of several nodes.
    #[schemars(length(min = 1, max = 200), inner(range(min = 1, max = 4_294_967_295_u32)))]
    #[serde(default, deserialize_with = "web::json::optional_wholes")]
    pub grid_node_ids: Option<Vec<i64>>,
}

/// A whole number: the field can be left out, but not be null.
fn present_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    json::whole(deserializer).map(Some)
}

/// Reads a grid node id.
pub(crate) fn grid_node_id(number: i64) -> Result<NodeId, FieldError> {
    let id = u32::try_from(number).ok().filter(|id| *id > 0);
    let rule = "a positive whole number, such as 32";
    id.map(NodeId).ok_or_else(|| FieldError::new("grid_node_id", rule))
}

/// What a farmer changes; what is left out stays.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangeNodeBody {
    /// Per slice, in dollars.
    #[schemars(schema_with = "web::json::optional_dollars")]
    pub price_per_month: Option<Decimal>,
    /// The guaranteed uptime in percent.
    #[schemars(schema_with = "web::json::optional_percent")]
    pub min_uptime: Option<Decimal>,
    /// The guaranteed bandwidth in Mbit/s.
    #[schemars(schema_with = "web::json::optional_mbps")]
    pub min_bandwidth_mbps: Option<Decimal>,
    /// Your name for the node.
    #[schemars(regex(pattern = ONE_LINE_OF_80))]
    pub name: Option<String>,
    /// The terms that the node is offered for, in months: any of 1, 3, 6 and 12.
    #[schemars(length(min = 1, max = 4), inner(range(min = 1, max = 12)))]
    #[serde(deserialize_with = "web::json::optional_wholes")]
    #[schemars(with = "Option<Vec<u8>>")]
    pub terms: Option<Vec<i64>>,
    /// How many slices you keep back, of those that the node could carry.
    #[schemars(range(min = 0, max = 512))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub withheld_slices: Option<i64>,
    /// The `cost_per_month` of an SLA above what was measured, as `sla-above-measured` says
    /// it: with it, the SLA is set all the same.
    #[schemars(schema_with = "optional_cost")]
    pub confirm_cost_per_month: Option<Decimal>,
    /// The `offer_version` that you saw: if somebody has changed the node since, nothing is set.
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub offer_version: Option<i64>,
}

impl ChangeNodeBody {
    /// What the farmer wants, or every field that is wrong.
    pub(crate) fn wanted(&self, limits: PriceLimits) -> Result<Wanted, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = self.name.as_deref().map(node_name);
        let price = &self.price_per_month;
        let price = price.as_ref().map(|price| limits.parse("price_per_month", &price.text()));
        let uptime = &self.min_uptime;
        let uptime = uptime.as_ref().map(|uptime| Uptime::parse("min_uptime", &uptime.text()));
        let bandwidth = self
            .min_bandwidth_mbps
            .as_ref()
            .map(|mbps| Bandwidth::parse("min_bandwidth_mbps", &mbps.text()));
        let cost = self.confirm_cost_per_month.as_ref().map(|cost| read_cost(&cost.text()));
        let wanted = Wanted {
            name: keep_given(&mut wrong, name),
            price: keep_given(&mut wrong, price),
            min_uptime: keep_given(&mut wrong, uptime),
            min_bandwidth: keep_given(&mut wrong, bandwidth),
            terms: keep_given(&mut wrong, self.terms.as_deref().map(terms_of)),
            withheld_slices: keep_given(&mut wrong, self.withheld_slices.map(withheld_slices)),
            confirmed_cost: keep_given(&mut wrong, cost),
        };
        if wrong.is_empty() { Ok(wanted) } else { Err(wrong) }
    }
}

/// Keeps what is wrong with a field that was given, and goes on.
fn keep_given<T>(wrong: &mut Vec<FieldError>, given: Option<Result<T, FieldError>>) -> Option<T> {
    given.and_then(|read| keep(wrong, read))
}

/// Reads a cost in credits, which may be nothing.
fn read_cost(text: &str) -> Result<Usd, FieldError> {
    let is_nothing = text.trim().bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if is_nothing && !text.trim().is_empty() {
        return Ok(Usd::ZERO);
    }
    Usd::parse("confirm_cost_per_month", text)
}

fn optional_cost(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "Dollars and cents, as text.",
        "type": "string",
        "pattern": "^(0|[1-9][0-9]{0,5})(\\.[0-9]{2})?$",
        "nullable": true,
    })
}

fn withheld_slices(count: i64) -> Result<u32, FieldError> {
    let count = u32::try_from(count).ok().filter(|count| *count <= WITHHELD_SLICES_MAX);
    count.ok_or_else(|| FieldError::new("withheld_slices", "a whole number, 0 to 512"))
}

fn terms_of(months: &[i64]) -> Result<Terms, FieldError> {
    let read = |months: &i64| Term::from_months(*months).ok();
    let terms: Option<Vec<Term>> = months.iter().map(read).collect();
    terms
        .and_then(Terms::of)
        .ok_or_else(|| FieldError::new("terms", "at least one of 1, 3, 6 and 12"))
}

fn node_name(text: &str) -> Result<String, FieldError> {
    parse_line("name", text, 1..=NAME_CHARS_MAX)
}

/// A node as its farmer sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FarmNodeView {
    /// What the market sees of it.
    #[serde(flatten)]
    pub node: Node,
    /// `draft`, `published` or `paused`.
    pub listing: &'static str,
    /// How many slices the grid's last report allows.
    pub capacity: u32,
    /// How many slices more are rented than it can carry: nothing new is sold while it is not 0.
    pub oversold_slices: u32,
    /// Why nothing of it can be sold, in words; null where something can.
    pub reason: Option<String>,
    /// Rented slices.
    pub allocated_slices: u32,
    /// What all its slices would earn a month at its price, as decimal text, before the platform's
    /// fee; null without a price.
    pub potential_per_month: Option<String>,
    /// When it leaves the market (RFC 3339); null where it stays.
    pub leaves_at: Option<String>,
    /// When it left the market (RFC 3339); null where it has not.
    pub left_at: Option<String>,
    /// Who has locked its offer: `farmer` or `operator`; null where it can be changed.
    pub locked_by: Option<&'static str>,
    /// Why the operator has.
    pub lock_reason: Option<String>,
}

impl FarmNodeView {
    /// Shows a farmer's node.
    pub(crate) fn new(farm_node: &FarmNode, now: Timestamp) -> FarmNodeView {
        FarmNodeView {
            node: Node::new(&farm_node.offer, now),
            listing: farm_node.offer.listing.into_str(),
            capacity: farm_node.capacity.slices,
            oversold_slices: farm_node.oversold,
            reason: reason(farm_node),
            allocated_slices: farm_node.offer.allocated_slices,
            potential_per_month: potential(farm_node).map(|usd| usd.to_string()),
            leaves_at: farm_node.leaves_at.map(|at| at.to_string()),
            left_at: farm_node.left_at.map(|at| at.to_string()),
            locked_by: farm_node.lock.as_ref().map(|lock| lock.by.into_str()),
            lock_reason: farm_node.lock.as_ref().and_then(|lock| lock.reason.clone()),
        }
    }
}

/// Why a node offers nothing, in words; the document that could not be used comes first.
pub(crate) fn reason(node: &FarmNode) -> Option<String> {
    let refused = node.refused_document.as_ref();
    refused
        .map(|reason| format!("the grid's latest data for this node is invalid: {reason}"))
        .or_else(|| oversold(node))
        .or_else(|| node.capacity.refusal.map(|refusal| refusal.to_string()))
}

/// That more of a node is rented than it can carry, and what would mend it.
fn oversold(node: &FarmNode) -> Option<String> {
    let (over, sold) = (node.oversold, node.offer.allocated_slices);
    if over == 0 {
        return None;
    }
    Some(if node.capacity.refusal == Some(Refusal::RentedWhole) {
        format!(
            "the whole node is rented on the grid while {sold} of its slices are rented here; end \
             the grid rental, or leave the market so these renters can move"
        )
    } else {
        format!(
            "{over} of {sold} rented slices no longer fit on the node; restore its capacity, or \
             leave the market so these renters can move. Existing rentals continue, and no more \
             slices are sold"
        )
    })
}

/// What all slices of a node would earn a month at its price.
pub(crate) fn potential(node: &FarmNode) -> Option<Usd> {
    node.offer.price.map(|price| price.times(node.offer.total_slices()))
}

/// A slice as its farmer sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FarmSliceView {
    /// The slice.
    #[serde(flatten)]
    pub slice: Slice,
    /// Who rents it: an email address; null where it is free.
    pub renter: Option<String>,
    /// When that rental ends (RFC 3339); null where it is free.
    pub rented_until: Option<String>,
    /// How its machine is; null where none was set up.
    pub machine: Option<MachineStatusView>,
}

/// A farmer's node and its slices.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FarmNodeWithSlices {
    /// The node.
    #[serde(flatten)]
    pub node: FarmNodeView,
    /// Every slice of it, by number.
    pub slices: Vec<FarmSliceView>,
    /// The agents of its farm, the last seen first.
    pub agents: Vec<AgentView>,
    /// What leaving the market costs you at most by now, as decimal text: the term discounts that
    /// renters lose who paid beyond the day.
    pub leaving_cost: String,
}

/// An agent of a farm.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AgentView {
    /// What it calls itself.
    pub name: String,
    /// When it last asked for jobs, to the minute.
    pub seen_at: String,
    /// The size of its server's disk, in bytes; null if that is not known.
    pub disk_bytes: Option<u64>,
    /// What is free of it.
    pub disk_free_bytes: Option<u64>,
    /// Whether that is low: then you were notified.
    pub is_disk_low: bool,
}

impl AgentView {
    fn new(agent: &SeenAgent) -> AgentView {
        AgentView {
            name: agent.name.clone(),
            seen_at: agent.seen_at.to_string(),
            disk_bytes: agent.disk_bytes,
            disk_free_bytes: agent.disk_free_bytes,
            is_disk_low: agent.is_disk_low,
        }
    }
}

impl FarmNodeWithSlices {
    /// Shows a farmer's node.
    pub(crate) fn new(
        node: &FarmNode,
        slices: &[FarmSlice],
        agents: &[SeenAgent],
        leaving_cost: Usd,
        now: Timestamp,
    ) -> FarmNodeWithSlices {
        let slice = |slice: &FarmSlice| FarmSliceView {
            slice: Slice::new(SliceId { node: node.offer.node, number: slice.number }, slice.state),
            renter: slice.renter.clone(),
            rented_until: slice.ends_at.map(|end| end.to_string()),
            machine: slice.machine.map(|machine| MachineStatusView::new(machine.status(now))),
        };
        FarmNodeWithSlices {
            node: FarmNodeView::new(node, now),
            slices: slices.iter().map(slice).collect(),
            agents: agents.iter().map(AgentView::new).collect(),
            leaving_cost: leaving_cost.to_string(),
        }
    }
}
