//! The API of rentals that move to another node.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{NodeId, SliceId};
use domain::uptime::Uptime;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::leaving::Destination;
use store::offers::Offer;
use web::Kind;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};

use crate::rentals::json as rentals;
use crate::rentals::json::RentalView;
use crate::renting::view::DryRunView;

/// `GET /api/rentals/{rental}/alternatives`
pub(crate) const LIST_ALTERNATIVES: Operation = Operation {
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
pub(crate) const MOVE_RENTAL: Operation = Operation {
    id: "moveRental",
    group: rentals::GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/move",
    summary: "Moves a rental whose node is leaving, whose access is overdue, or that has been down \
              for 24 hours, to an equivalent slice at no charge.",
    access: Access::Account(Scope::Rent),
    dry_run: Some(schema_of::<DryRunView>),
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

/// A slice that a rental could go on with.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EquivalentView {
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
    /// The guaranteed uptime, in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth, in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The uptime measured by us, in percent; null before the first observation.
    pub measured_uptime: Option<f64>,
    /// What to send with the move, so that nothing else is agreed to than what is shown.
    pub offer_version: i64,
}

impl EquivalentView {
    /// Shows a slice.
    pub(crate) fn new((slice, offer): &(SliceId, Offer)) -> EquivalentView {
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
pub(crate) struct MoveBody {
    /// The node.
    pub node_id: String,
    /// The slice; left out for any free one of another node.
    #[serde(default)]
    pub slice_id: Option<String>,
    /// The version of the offer that was shown.
    #[serde(deserialize_with = "web::json::whole")]
    pub offer_version: i64,
    /// Whether to tell what would be booked, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl MoveBody {
    /// Reads where it is to go, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<Destination, Vec<FieldError>> {
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
