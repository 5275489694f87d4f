//! The market: search for slices and nodes.

use domain::id::SliceId;
use domain::order::SLICES_PER_ORDER_MAX;
use domain::slice::SliceState;
use domain::time::Timestamp;
use domain::uptime::Bandwidth;
use schemars::JsonSchema;
use serde::Serialize;
use store::maintenance::Maintenance;
use store::offers::{Offer, Sort};
use strum::VariantNames;
use ui::node::{MaintenanceView, Node, Slice};
use web::api::{PAGING, PageOf};
use web::json;
use web::operation::{Form, Operation, Parameter, schema_of};

use crate::market::search::{COUNTRY_CHARS_MAX, PLACES_CHARS_MAX};

const GROUP: &str = "Marketplace";

const SEARCH: [Parameter; 14] = [
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
        name: "place",
        form: Form::Text(PLACES_CHARS_MAX),
        about: "A continent, region, country or city, or the first letters of a country or city, \
                without regard to case and accents. Separate several with semicolons.",
        example: "Western Europe; Cairo, Egypt",
    },
    Parameter {
        name: "count",
        form: Form::Whole(1, SLICES_PER_ORDER_MAX),
        about: "The minimum number of free slices on one node.",
        example: "3",
    },
    Parameter {
        name: "min_measured_uptime",
        form: Form::Decimal(json::PERCENT),
        about: "The minimum measured uptime, in percent: the lower bound at 95% confidence.",
        example: "99",
    },
    Parameter {
        name: "months",
        form: Form::OneOf(&["1", "3", "6", "12"]),
        about: "A term in months that must be offered.",
        example: "3",
    },
    Parameter {
        name: "sort",
        form: Form::OneOf(Sort::VARIANTS),
        about: "`price` (lowest first, the default), `uptime` (highest confidently measured \
                uptime first, then highest guarantee), `newest`, `free` (most free slices first) \
                or `place` (by country and city).",
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
