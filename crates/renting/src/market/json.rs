//! The market: search for slices and nodes.

use domain::field::FieldError;
use domain::id::SliceId;
use domain::money::Usd;
use domain::region;
use domain::slice::SliceState;
use domain::text::fold;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use schemars::JsonSchema;
use serde::Serialize;
use store::maintenance::Maintenance;
use store::offers::{self, Cursor, Filter, Offer, Sort};
use ui::node::{MaintenanceView, Node, Slice};
use web::api::{PAGING, PageOf, cursor, page_size};
use web::form::keep;
use web::operation::{Form, Operation, Parameter, schema_of};
use web::{Context, Problem, json};

const GROUP: &str = "Marketplace";

const SEARCH: [Parameter; 10] = [
    Parameter {
        name: "country",
        form: Form::Text(COUNTRY_CHARS_MAX),
        about: "The country's English name or code (ISO 3166-1), without regard to case and \
                accents.",
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
        name: "automatic_setup",
        form: Form::OneOf(&["true", "false"]),
        about: "`true` only for slices that the farm's agent sets up automatically.",
        example: "true",
    },
    Parameter {
        name: "verified_farm",
        form: Form::OneOf(&["true", "false"]),
        about: "`true` only for farms whose farmer has shown that they own it.",
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
pub(crate) const SEARCH_SLICES: Operation = Operation {
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
pub(crate) const LIST_NODES: Operation = Operation {
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
pub(crate) const SHOW_NODE: Operation = Operation {
    id: "showNode",
    group: GROUP,
    path: "/api/marketplace/nodes/{node}",
    summary: "Returns a node and all its slices.",
    about_answer: "The node.",
    answer: Some(schema_of::<NodeWithSlices>),
    ..Operation::READ
};

/// A free slice and its node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SliceOffer {
    /// The slice.
    #[serde(flatten)]
    pub slice: Slice,
    /// The node that it is a part of.
    pub node: Node,
}

impl SliceOffer {
    /// Shows a free slice.
    pub(crate) fn new((id, offer): &(SliceId, Offer), now: Timestamp) -> SliceOffer {
        SliceOffer { slice: Slice::new(*id, SliceState::Available), node: Node::new(offer, now) }
    }
}

/// A node and its slices.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NodeWithSlices {
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
    pub(crate) fn new(
        offer: &Offer,
        slices: &[(u32, SliceState)],
        maintenance: &[Maintenance],
        now: Timestamp,
    ) -> NodeWithSlices {
        let slice = |(number, state): &(u32, SliceState)| {
            Slice::new(SliceId { node: offer.node, number: *number }, *state)
        };
        NodeWithSlices {
            node: Node::new(offer, now),
            slices: slices.iter().map(slice).collect(),
            maintenance: maintenance.iter().map(MaintenanceView::new).collect(),
        }
    }
}

/// A search, read from the query of a page or of the API.
#[derive(Default)]
pub(crate) struct Search {
    /// What it is narrowed by.
    pub filter: Filter,
    /// In which order it answers.
    pub sort: Sort,
    /// Behind which place it goes on.
    pub behind: Option<Cursor>,
    /// How many items a page has.
    pub limit: u32,
}

impl Search {
    /// Reads a search, or every field that is wrong with it.
    pub(crate) fn read(cx: &Context<'_>) -> Result<Search, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let filter = Filter {
            country: cx.query("country").and_then(|name| keep(&mut wrong, country(&name))),
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
                .and_then(|text| keep(&mut wrong, flag("certified", &text)))
                .unwrap_or(false),
            automatic_setup: cx
                .query("automatic_setup")
                .and_then(|text| keep(&mut wrong, flag("automatic_setup", &text)))
                .unwrap_or(false),
            verified_farm: cx
                .query("verified_farm")
                .and_then(|text| keep(&mut wrong, flag("verified_farm", &text)))
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
    pub(crate) fn of_api(cx: &Context<'_>) -> Result<Search, Problem> {
        let mut search = Search::read(cx).map_err(Problem::fields)?;
        search.filter.country = match search.filter.country {
            Some(name) if region::country(&name).is_none() => {
                Some(as_offered(name, &offers::countries(cx.db)?))
            }
            known => known,
        };
        Ok(search)
    }
}

/// A country that only the grid knows, as it is on offer, in any case and with any accents.
pub(crate) fn as_offered(name: String, countries: &[String]) -> String {
    let wanted = fold(&name);
    countries.iter().find(|country| fold(country) == wanted).cloned().unwrap_or(name)
}

/// The longest name of a country that is looked for.
const COUNTRY_CHARS_MAX: usize = 80;

fn country(name: &str) -> Result<String, FieldError> {
    if name.chars().count() > COUNTRY_CHARS_MAX {
        return Err(FieldError::new("country", "at most 80 characters"));
    }
    Ok(region::country(name).unwrap_or(name).to_owned())
}

pub(crate) fn flag(field: &'static str, text: &str) -> Result<bool, FieldError> {
    text.parse().map_err(|_| FieldError::new(field, "true or false"))
}

fn sort(text: &str) -> Result<Sort, FieldError> {
    match text {
        "price" => Ok(Sort::Price),
        "uptime" => Ok(Sort::Uptime),
        _ => Err(FieldError::new("sort", "price or uptime")),
    }
}

/// The place that a cursor names, as text.
pub(crate) fn print_cursor(cursor: Cursor) -> String {
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
