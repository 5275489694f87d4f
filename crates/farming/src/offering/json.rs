//! What farmers set besides price and SLA: locks, maintenance, and the history of an offer.

use domain::account::Scope;
use domain::id::MaintenanceId;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::maintenance::{Cursor, Maintenance};
use store::offering::Version;
use web::Kind;
use web::api::{PAGING, PageOf};
use web::json::ONE_LINE_OF_200;
use web::operation::{Access, Operation, schema_of};

use crate::farm::json::FarmNodeWithSlices;

pub(crate) const GROUP: &str = "Farm";

/// `POST /api/farm/nodes/{node}/lock`
pub(crate) const LOCK_NODE: Operation = Operation {
    id: "lockNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/lock",
    summary: "Locks the offer of one of your nodes. It can't be changed until it is unlocked.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NodeLocked],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/unlock`
pub(crate) const UNLOCK_NODE: Operation = Operation {
    id: "unlockNode",
    path: "/api/farm/nodes/{node}/unlock",
    summary: "Removes your own lock from a node. An operator's lock stays.",
    ..LOCK_NODE
};

/// `GET /api/farm/nodes/{node}/history`
pub(crate) const LIST_OFFER_HISTORY: Operation = Operation {
    id: "listOfferHistory",
    group: GROUP,
    path: "/api/farm/nodes/{node}/history",
    summary: "Lists all versions of your node's offer, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of versions.",
    answer: Some(schema_of::<PageOf<VersionView>>),
    ..Operation::READ
};

/// `POST /api/admin/nodes/{node}/lock`
pub(crate) const LOCK_ANY_NODE: Operation = Operation {
    id: "lockAnyNode",
    group: "Operator",
    method: Method::POST,
    path: "/api/admin/nodes/{node}/lock",
    summary: "Locks a node's offer. Its farmer can neither change nor unlock it.",
    access: Access::Operator,
    body: Some(schema_of::<LockBody>),
    status: 204,
    about_answer: "The node was locked. The reason is shown to the farmer.",
    ..Operation::READ
};

/// `POST /api/admin/nodes/{node}/unlock`
pub(crate) const UNLOCK_ANY_NODE: Operation = Operation {
    id: "unlockAnyNode",
    path: "/api/admin/nodes/{node}/unlock",
    summary: "Removes any lock from a node.",
    about_answer: "The node was unlocked.",
    ..LOCK_ANY_NODE
};

/// Why an operator locks a node, or unlocks it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockBody {
    /// One line of 1 to 200 characters, for the farmer and the audit log.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// The place behind a window, for the next page.
pub(crate) fn print_cursor(maintenance: &Maintenance) -> String {
    format!("{}.{}", maintenance.window.starts_at.seconds(), maintenance.id)
}

/// Reads the place behind a window; `None` if it is none.
pub(crate) fn parse_cursor(text: &str) -> Option<Cursor> {
    let (starts_at, id) = text.split_once('.')?;
    Some(Cursor { starts_at: starts_at.parse().ok()?, id: MaintenanceId::parse(id)? })
}

/// A version of an offer.
#[derive(Serialize, JsonSchema)]
pub(crate) struct VersionView {
    /// Counts from 1.
    pub version: i64,
    /// When it was set (RFC 3339).
    pub changed_at: String,
    /// The farmer's name for the node.
    pub name: String,
    /// Per slice, as decimal text; null before there was a price.
    pub price_per_month: Option<String>,
    /// The higher price that waited, as decimal text; null where none did.
    pub pending_price_per_month: Option<String>,
    /// From when on it was to hold (RFC 3339).
    pub pending_price_at: Option<String>,
    /// The guaranteed uptime in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The terms that it was offered for, in months.
    pub terms: Vec<u32>,
    /// How many slices were kept back.
    pub withheld_slices: u32,
    /// `draft`, `published` or `paused`.
    pub listing: &'static str,
}

impl VersionView {
    /// Shows a version.
    pub(crate) fn new(version: &Version) -> VersionView {
        let offering = &version.offering;
        VersionView {
            version: version.number,
            changed_at: version.changed_at.to_string(),
            name: offering.name.clone(),
            price_per_month: offering.price.map(|price| price.to_string()),
            pending_price_per_month: offering.raise.map(|raise| raise.price.to_string()),
            pending_price_at: offering.raise.map(|raise| raise.at.to_string()),
            min_uptime: offering.min_uptime.percent(),
            min_bandwidth_mbps: offering.min_bandwidth.mbps(),
            terms: offering.terms.iter().map(domain::term::Term::months).collect(),
            withheld_slices: offering.withheld_slices,
            listing: offering.listing.into_str(),
        }
    }
}
