//! What farmers set besides price and promise: locks, maintenance, and the history of an offer.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::MaintenanceId;
use domain::maintenance::Window;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::maintenance::{Cursor, Maintenance};
use store::offering::Version;

use crate::api::farm::FarmNodeWithSlices;
use crate::api::{PAGING, PageOf};
use crate::json::ONE_LINE_OF_200;
use crate::operation::{Access, Operation, schema_of};
use crate::problem::{Kind, Problem};

const GROUP: &str = "Farm";

/// `POST /api/farm/nodes/{node}/lock`
pub const LOCK_NODE: Operation = Operation {
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
pub const UNLOCK_NODE: Operation = Operation {
    id: "unlockNode",
    path: "/api/farm/nodes/{node}/unlock",
    summary: "Removes your own lock from a node. An operator's lock stays.",
    ..LOCK_NODE
};

/// `GET /api/farm/nodes/{node}/history`
pub const LIST_OFFER_HISTORY: Operation = Operation {
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

/// `GET /api/farm/nodes/{node}/maintenance`
pub const LIST_MAINTENANCE: Operation = Operation {
    id: "listMaintenance",
    group: GROUP,
    path: "/api/farm/nodes/{node}/maintenance",
    summary: "Lists the maintenance windows of one of your nodes, latest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of maintenance windows, including past and canceled ones.",
    answer: Some(schema_of::<PageOf<MaintenanceView>>),
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/maintenance`
pub const ANNOUNCE_MAINTENANCE: Operation = Operation {
    id: "announceMaintenance",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/maintenance",
    summary: "Schedules maintenance for a node and notifies its renters.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<MaintenanceBody>),
    status: 201,
    about_answer: "The maintenance window. Renters are reminded a day before it starts.",
    answer: Some(schema_of::<MaintenanceView>),
    problems: &[Kind::MaintenanceOverlaps, Kind::TooManyWindows, Kind::NodeLocked],
    ..Operation::READ
};

/// `DELETE /api/farm/nodes/{node}/maintenance/{maintenance}`
pub const CANCEL_MAINTENANCE: Operation = Operation {
    id: "cancelMaintenance",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/farm/nodes/{node}/maintenance/{maintenance}",
    summary: "Cancels upcoming or current maintenance and notifies the renters.",
    access: Access::Account(Scope::Farm),
    status: 204,
    about_answer: "The maintenance was canceled.",
    problems: &[Kind::NodeLocked],
    ..Operation::READ
};

/// `POST /api/admin/nodes/{node}/lock`
pub const LOCK_ANY_NODE: Operation = Operation {
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
pub const UNLOCK_ANY_NODE: Operation = Operation {
    id: "unlockAnyNode",
    path: "/api/admin/nodes/{node}/unlock",
    summary: "Removes any lock from a node.",
    about_answer: "The node was unlocked.",
    ..LOCK_ANY_NODE
};

/// Why an operator locks a node, or unlocks it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LockBody {
    /// One line of 1 to 200 characters, for the farmer and the audit log.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// When a farmer works on a node.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MaintenanceBody {
    /// From when (RFC 3339): at least 24 hours and at most 90 days from now.
    #[schemars(length(max = 40))]
    pub starts_at: String,
    /// Until when (RFC 3339): at most eight hours later.
    #[schemars(length(max = 40))]
    pub ends_at: String,
    /// What for: at most 200 characters on one line. Who rents there reads it.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub note: String,
}

impl MaintenanceBody {
    /// The window that is announced at `now`, or every field that is wrong.
    pub fn read(&self, now: Timestamp) -> Result<Window, Vec<FieldError>> {
        let instant = |field: &'static str, text: &str| {
            let rule = "an RFC 3339 timestamp, such as 2026-11-22T19:30:00Z";
            Timestamp::parse(text).ok_or_else(|| FieldError::new(field, rule))
        };
        match (instant("starts_at", &self.starts_at), instant("ends_at", &self.ends_at)) {
            (Ok(starts_at), Ok(ends_at)) => Window::announce(starts_at, ends_at, &self.note, now),
            (starts_at, ends_at) => {
                Err([starts_at.err(), ends_at.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// Maintenance of a node.
#[derive(Serialize, JsonSchema)]
pub struct MaintenanceView {
    /// Its id.
    pub id: String,
    /// From when (RFC 3339).
    pub starts_at: String,
    /// Until when (RFC 3339).
    pub ends_at: String,
    /// What for, in the farmer's words; may be empty.
    pub note: String,
    /// When it was announced (RFC 3339).
    pub announced_at: String,
    /// When it was canceled (RFC 3339); null where it was not.
    pub canceled_at: Option<String>,
}

impl MaintenanceView {
    /// Shows a window.
    pub fn new(maintenance: &Maintenance) -> MaintenanceView {
        MaintenanceView {
            id: maintenance.id.to_string(),
            starts_at: maintenance.window.starts_at.to_string(),
            ends_at: maintenance.window.ends_at.to_string(),
            note: maintenance.window.note.clone(),
            announced_at: maintenance.announced_at.to_string(),
            canceled_at: maintenance.canceled_at.map(|at| at.to_string()),
        }
    }
}

/// The id of a window in a path; what is not one does not exist.
pub fn maintenance_id(text: &str) -> Result<MaintenanceId, Problem> {
    MaintenanceId::parse(text).ok_or_else(Problem::not_found)
}

/// The place behind a window, for the next page.
pub fn print_cursor(maintenance: &Maintenance) -> String {
    format!("{}.{}", maintenance.window.starts_at.seconds(), maintenance.id)
}

/// Reads the place behind a window; `None` if it is none.
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let (starts_at, id) = text.split_once('.')?;
    Some(Cursor { starts_at: starts_at.parse().ok()?, id: MaintenanceId::parse(id)? })
}

/// A version of an offer.
#[derive(Serialize, JsonSchema)]
pub struct VersionView {
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
    /// The promised uptime in percent.
    pub min_uptime: f64,
    /// The promised bandwidth in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The terms that it was offered for, in months.
    pub terms: Vec<u32>,
    /// How many slices were kept back.
    pub kept_slices: u32,
    /// `draft`, `published` or `paused`.
    pub listing: &'static str,
}

impl VersionView {
    /// Shows a version.
    pub fn new(version: &Version) -> VersionView {
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
            kept_slices: offering.kept_slices,
            listing: offering.listing.as_str(),
        }
    }
}
