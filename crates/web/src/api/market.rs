//! The market: search for slices and nodes.

use domain::field::FieldError;
use domain::id::SliceId;
use domain::money::Usd;
use domain::promise::{Bandwidth, Uptime};
use domain::slice::SliceState;
use schemars::JsonSchema;
use serde::Serialize;
use store::maintenance::Maintenance;
use store::offers::{Cursor, Filter, Offer, Sort};

use crate::api::offering::MaintenanceView;
use crate::api::{CURRENCY, PAGING, PageOf, cursor, page_size};
use crate::context::Context;
use crate::form::keep;
use crate::json;
use crate::operation::{Form, Operation, Parameter, schema_of};
use crate::problem::Problem;

const GROUP: &str = "Marketplace";

/// The vCPUs of a slice.
pub const CPU_CORES: u32 = 1;
/// The memory of a slice in GB (GiB on the machine).
pub const MEMORY_GB: u32 = 4;
/// The SSD storage of a slice in GB (GiB on the machine).
pub const STORAGE_GB: u32 = 200;

const SEARCH: [Parameter; 8] = [
    Parameter {
        name: "country",
        form: Form::Text(COUNTRY_CHARS_MAX),
        about: "The country's English name, in any case.",
        example: "Belgium",
    },
    Parameter {
        name: "max_price",
        form: Form::Decimal(json::DOLLARS),
        about: "The maximum price per slice per month, in dollars.",
        example: "30",
    },
    Parameter {
        name: "min_uptime",
        form: Form::Decimal(json::PERCENT),
        about: "The minimum guaranteed uptime, in percent.",
        example: "99.5",
    },
    Parameter {
        name: "min_bandwidth",
        form: Form::Whole(0, Bandwidth::MAX_MBPS),
        about: "The minimum guaranteed bandwidth, in Mbit/s.",
        example: "100",
    },
    Parameter {
        name: "certified",
        form: Form::OneOf(&["true", "false"]),
        about: "`true` for certified hardware only.",
        example: "true",
    },
    Parameter {
        name: "sort",
        form: Form::OneOf(&["price", "uptime"]),
        about: "`price` (lowest first, the default) or `uptime` (highest confidently measured \
                uptime first, then highest guarantee).",
        example: "uptime",
    },
    PAGING[0],
    PAGING[1],
];

/// `GET /api/marketplace/slices`
pub const SEARCH_SLICES: Operation = Operation {
    id: "searchSlices",
    group: GROUP,
    path: "/api/marketplace/slices",
    summary: "Lists free slices with their node's price and SLA.",
    query: &SEARCH,
    about_answer: "A page of free slices.",
    answer: Some(schema_of::<PageOf<SliceOffer>>),
    ..Operation::READ
};

/// `GET /api/marketplace/nodes`
pub const LIST_NODES: Operation = Operation {
    id: "listNodes",
    group: GROUP,
    path: "/api/marketplace/nodes",
    summary: "Lists nodes with free slices.",
    query: &SEARCH,
    about_answer: "A page of nodes.",
    answer: Some(schema_of::<PageOf<Node>>),
    ..Operation::READ
};

/// `GET /api/marketplace/nodes/{node}`
pub const SHOW_NODE: Operation = Operation {
    id: "showNode",
    group: GROUP,
    path: "/api/marketplace/nodes/{node}",
    summary: "Returns a node and all its slices.",
    about_answer: "The node.",
    answer: Some(schema_of::<NodeWithSlices>),
    ..Operation::READ
};

/// A node as the market shows it.
#[derive(Serialize, JsonSchema)]
pub struct Node {
    /// Such as `node32`.
    pub id: String,
    /// The grid's number.
    pub grid_node_id: u32,
    /// The farmer's name for it.
    pub name: String,
    /// The name of its farm.
    pub farm_name: String,
    /// English name; empty where it is not known.
    pub country: String,
    /// Empty where it is not known.
    pub city: String,
    /// The grid's last word: `up`, `down` or `standby`.
    pub status: String,
    /// Whether its hardware is certified.
    pub certified: bool,
    /// Per slice, as decimal text; null for a draft without a price.
    pub price_per_month: Option<String>,
    /// The monthly price by 730 hours, as decimal text; nothing is charged by the hour.
    pub price_per_hour: Option<String>,
    /// The higher price that comes, per slice, as decimal text; null where none is set.
    pub pending_price_per_month: Option<String>,
    /// From when on (RFC 3339).
    pub pending_price_at: Option<String>,
    /// Of every amount here.
    pub currency: &'static str,
    /// The promised uptime in percent.
    pub min_uptime: f64,
    /// The promised bandwidth in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The uptime measured by us, in percent; null before the first observation.
    pub measured_uptime: Option<f64>,
    /// The uptime that it has at least, with a confidence of 95 %, in percent; null before the
    /// first observation. `sort=uptime` goes by this.
    pub measured_uptime_at_least: Option<f64>,
    /// How many observations the measured uptime rests on.
    pub uptime_observations: u64,
    /// Free slices.
    pub available_slices: u32,
    /// Free and rented slices.
    pub total_slices: u32,
    /// How many slices its farmer keeps back; they are not counted above.
    pub kept_slices: u32,
    /// The terms that it is offered for, in months.
    pub terms: Vec<u32>,
    /// Whether the whole node is rented as one.
    pub rented_whole: bool,
    /// Counts the changes of price and promise; send it with a request to rent.
    pub offer_version: i64,
    /// When the grid was last asked about it (RFC 3339).
    pub synced_at: String,
}

impl Node {
    /// Shows an offer.
    pub fn new(offer: &Offer) -> Node {
        Node {
            id: offer.node.to_string(),
            grid_node_id: offer.node.0,
            name: offer.name.clone(),
            farm_name: offer.farm_name.clone(),
            country: offer.country.clone(),
            city: offer.city.clone(),
            status: offer.status.as_str().to_owned(),
            certified: offer.certified,
            price_per_month: offer.price.map(|price| price.to_string()),
            price_per_hour: offer.price.map(|price| price.per_hour().to_string()),
            pending_price_per_month: offer.raise.map(|raise| raise.price.to_string()),
            pending_price_at: offer.raise.map(|raise| raise.at.to_string()),
            currency: CURRENCY,
            min_uptime: offer.min_uptime.percent(),
            min_bandwidth_mbps: offer.min_bandwidth.mbps(),
            measured_uptime: offer.measured_uptime().map(Uptime::percent),
            measured_uptime_at_least: offer.proven_uptime().map(Uptime::percent),
            uptime_observations: offer.observed,
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            kept_slices: offer.kept_slices,
            terms: offer.terms.iter().map(domain::term::Term::months).collect(),
            rented_whole: offer.is_rented_whole,
            offer_version: offer.version,
            synced_at: offer.synced_at.to_string(),
        }
    }
}

/// A slice.
#[derive(Serialize, JsonSchema)]
pub struct Slice {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// The node that it is a part of.
    pub node_id: String,
    /// `available` or `allocated`.
    pub state: &'static str,
    /// vCPUs.
    pub cpu_cores: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// SSD storage in GB.
    pub storage_gb: u32,
}

impl Slice {
    /// Shows a slice.
    pub fn new(id: SliceId, state: SliceState) -> Slice {
        Slice {
            id: id.to_string(),
            node_id: id.node.to_string(),
            state: state.as_str(),
            cpu_cores: CPU_CORES,
            memory_gb: MEMORY_GB,
            storage_gb: STORAGE_GB,
        }
    }
}

/// A free slice and its node.
#[derive(Serialize, JsonSchema)]
pub struct SliceOffer {
    /// The slice.
    #[serde(flatten)]
    pub slice: Slice,
    /// The node that it is a part of.
    pub node: Node,
}

impl SliceOffer {
    /// Shows a free slice.
    pub fn new((id, offer): &(SliceId, Offer)) -> SliceOffer {
        SliceOffer { slice: Slice::new(*id, SliceState::Available), node: Node::new(offer) }
    }
}

/// A node and its slices.
#[derive(Serialize, JsonSchema)]
pub struct NodeWithSlices {
    /// The node.
    #[serde(flatten)]
    pub node: Node,
    /// Every slice of it, by number.
    pub slices: Vec<Slice>,
    /// The maintenance that is announced and not over, the next first.
    pub maintenance: Vec<MaintenanceView>,
}

impl NodeWithSlices {
    /// Shows a node.
    pub fn new(
        offer: &Offer,
        slices: &[(u32, SliceState)],
        maintenance: &[Maintenance],
    ) -> NodeWithSlices {
        let slice = |(number, state): &(u32, SliceState)| {
            Slice::new(SliceId { node: offer.node, number: *number }, *state)
        };
        NodeWithSlices {
            node: Node::new(offer),
            slices: slices.iter().map(slice).collect(),
            maintenance: maintenance.iter().map(MaintenanceView::new).collect(),
        }
    }
}

/// A search, read from the query of a page or of the API.
#[derive(Default)]
pub struct Search {
    /// What it is narrowed by.
    pub filter: Filter,
    /// In which order it answers.
    pub sort: Sort,
    /// Behind which place it goes on.
    pub behind: Option<Cursor>,
    /// How many items a page has.
    pub limit: u32,
}

/// The longest name of a country that is looked for.
const COUNTRY_CHARS_MAX: usize = 80;

impl Search {
    /// Reads a search, or every field that is wrong with it.
    pub fn read(cx: &Context<'_>) -> Result<Search, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let filter = Filter {
            country: cx.query("country").and_then(|name| keep(&mut wrong, country(name))),
            max_price: cx
                .query("max_price")
                .and_then(|text| keep(&mut wrong, Usd::parse("max_price", &text))),
            min_uptime: cx
                .query("min_uptime")
                .and_then(|text| keep(&mut wrong, Uptime::parse("min_uptime", &text))),
            min_bandwidth: cx
                .query("min_bandwidth")
                .and_then(|text| keep(&mut wrong, Bandwidth::parse("min_bandwidth", &text))),
            certified_only: cx
                .query("certified")
                .and_then(|text| keep(&mut wrong, certified(&text)))
                .unwrap_or(false),
        };
        let sort = cx.query("sort").and_then(|text| keep(&mut wrong, sort(&text)));
        let behind = keep(&mut wrong, cursor(cx, parse_cursor));
        let limit = keep(&mut wrong, page_size(cx));
        match (behind, limit) {
            (Some(behind), Some(limit)) if wrong.is_empty() => {
                Ok(Search { filter, sort: sort.unwrap_or_default(), behind, limit })
            }
            _ => Err(wrong),
        }
    }

    /// Reads a search of the API.
    pub fn of_api(cx: &Context<'_>) -> Result<Search, Problem> {
        Search::read(cx).map_err(Problem::fields)
    }
}

fn country(name: String) -> Result<String, FieldError> {
    if name.chars().count() > COUNTRY_CHARS_MAX {
        return Err(FieldError::new("country", "at most 80 characters"));
    }
    Ok(name)
}

fn certified(text: &str) -> Result<bool, FieldError> {
    text.parse().map_err(|_| FieldError::new("certified", "true or false"))
}

fn sort(text: &str) -> Result<Sort, FieldError> {
    match text {
        "price" => Ok(Sort::Price),
        "uptime" => Ok(Sort::Uptime),
        _ => Err(FieldError::new("sort", "price or uptime")),
    }
}

/// The place that a cursor names, as text.
pub fn print_cursor(cursor: Cursor) -> String {
    let Cursor { uptime_rank, price_micros, node, slice } = cursor;
    format!("{uptime_rank}.{price_micros}.{node}.{slice}")
}

fn parse_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let cursor = Cursor {
        uptime_rank: parts.next()?.parse().ok()?,
        price_micros: parts.next()?.parse().ok()?,
        node: parts.next()?.parse().ok()?,
        slice: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(cursor)
}
