//! Nodes that leave the market, and rentals that go on elsewhere.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{NodeId, SliceId};
use domain::promise::Uptime;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::leaving::Destination;
use store::offers::Offer;

use crate::api::farm::FarmNodeWithSlices;
use crate::api::rentals::RentalView;
use crate::api::{farm, rentals};
use crate::form::keep;
use crate::json;
use crate::operation::{Access, Operation, schema_of};
use crate::problem::Kind;

/// `POST /api/farm/nodes/{node}/withdraw`
pub const WITHDRAW_NODE: Operation = Operation {
    id: "withdrawNode",
    group: farm::GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/withdraw",
    summary: "Takes the node off the market now and schedules it to leave at least 30 days later.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<WithdrawBody>),
    about_answer: "The node. Its renters are notified and can move, end or keep their rentals \
                   until then.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NodeLeaving],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/stay`
pub const KEEP_NODE: Operation = Operation {
    id: "keepNode",
    group: farm::GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/stay",
    summary: "Cancels leaving, even after the node has left. The node is then paused.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NotLeaving],
    ..Operation::READ
};

/// `GET /api/rentals/{rental}/alternatives`
pub const LIST_ALTERNATIVES: Operation = Operation {
    id: "listAlternatives",
    group: rentals::GROUP,
    path: "/api/rentals/{rental}/alternatives",
    summary: "Lists free slices that cost no more and guarantee at least as much as the rental.",
    access: Access::Account(Scope::Read),
    about_answer: "Up to 10 slices on different nodes. If access is overdue, one on the same node \
                   comes first, then those in the same country.",
    answer: Some(schema_of::<Vec<EquivalentView>>),
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/move`
pub const MOVE_RENTAL: Operation = Operation {
    id: "moveRental",
    group: rentals::GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/move",
    summary: "Moves a rental whose node is leaving or whose access is overdue to an equivalent \
              slice at no charge.",
    access: Access::Account(Scope::Rent),
    takes_dry_run: true,
    body: Some(schema_of::<MoveBody>),
    about_answer: "The rental on its new slice. Data is not moved.",
    answer: Some(schema_of::<RentalView>),
    problems: &[
        Kind::NotFound,
        Kind::NotLeaving,
        Kind::NotMovable,
        Kind::NotEquivalent,
        Kind::NotOffered,
        Kind::OfferChanged,
        Kind::OwnSlice,
        Kind::SliceTaken,
        Kind::SoldOut,
        Kind::NodeDown,
    ],
    ..Operation::READ
};

/// A day, as it is written.
const DAY: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// When a node is to leave.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WithdrawBody {
    /// The day at whose beginning (UTC) it leaves, at least 30 days ahead where something of it is
    /// rented or held; left out for as early as can be.
    #[schemars(regex(pattern = DAY), extend("format" = "date"))]
    pub leaves_at: Option<String>,
}

impl WithdrawBody {
    /// Reads the day.
    pub fn read(&self) -> Result<Option<Timestamp>, FieldError> {
        self.leaves_at.as_deref().map(leaving_day).transpose()
    }
}

/// Reads the day on which a node is to leave.
pub fn leaving_day(text: &str) -> Result<Timestamp, FieldError> {
    let day = Timestamp::of_day(text.trim());
    day.ok_or_else(|| FieldError::new("leaves_at", "a date, such as 2027-03-31"))
}

/// A slice that a rental could go on with.
#[derive(Serialize, JsonSchema)]
pub struct EquivalentView {
    /// The slice.
    pub slice_id: String,
    /// Its node.
    pub node_id: String,
    /// The farmer's name for the node.
    pub name: String,
    /// The node's country.
    pub country: String,
    /// The node's city.
    pub city: String,
    /// Per slice, as decimal text: what extensions cost from then on.
    pub price_per_month: String,
    /// The promised uptime, in percent.
    pub min_uptime: f64,
    /// The promised bandwidth, in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The uptime measured by us, in percent; null before the first observation.
    pub measured_uptime: Option<f64>,
    /// What to send with the move, so that nothing else is agreed to than what is shown.
    pub offer_version: i64,
}

impl EquivalentView {
    /// Shows a slice.
    pub fn new((slice, offer): &(SliceId, Offer)) -> EquivalentView {
        EquivalentView {
            slice_id: slice.to_string(),
            node_id: offer.node.to_string(),
            name: offer.name.clone(),
            country: offer.country.clone(),
            city: offer.city.clone(),
            price_per_month: offer.price.map(|price| price.to_string()).unwrap_or_default(),
            min_uptime: offer.min_uptime.percent(),
            min_bandwidth_mbps: offer.min_bandwidth.mbps(),
            measured_uptime: offer.measured_uptime().map(Uptime::percent),
            offer_version: offer.version,
        }
    }
}

/// Where a rental is to go on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveBody {
    /// The node.
    pub node_id: String,
    /// The slice; left out for any free one of another node.
    #[serde(default)]
    pub slice_id: Option<String>,
    /// The version of the offer that was shown.
    #[serde(deserialize_with = "json::whole")]
    pub offer_version: i64,
    /// Whether to tell what would be booked, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl MoveBody {
    /// Reads where it is to go, or every field that is wrong.
    pub fn read(&self) -> Result<Destination, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let node = NodeId::parse(&self.node_id)
            .ok_or_else(|| FieldError::new("node_id", "the id of a node, such as node32"));
        let node = keep(&mut wrong, node);
        let of_node = |slice: &SliceId| node.is_none_or(|node| slice.node == node);
        let slice = self.slice_id.as_deref().map(|text| {
            SliceId::parse(text).filter(of_node).ok_or_else(|| {
                FieldError::new(
                    "slice_id",
                    "the id of a slice of that node, such as node32_slice_1",
                )
            })
        });
        let slice = slice.and_then(|slice| keep(&mut wrong, slice)).map(|slice| slice.number);
        match node {
            Some(node) if wrong.is_empty() => {
                Ok(Destination { node, slice, offer_version: self.offer_version })
            }
            _ => Err(wrong),
        }
    }
}
