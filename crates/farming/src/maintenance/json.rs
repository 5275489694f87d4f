//! The API of scheduled maintenance.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::MaintenanceId;
use domain::maintenance::Window;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use ui::node::MaintenanceView;
use web::api::{PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

use crate::offering::json::GROUP;

/// `GET /api/farm/nodes/{node}/maintenance`
pub(crate) const LIST_MAINTENANCE: Operation = Operation {
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
pub(crate) const ANNOUNCE_MAINTENANCE: Operation = Operation {
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
pub(crate) const CANCEL_MAINTENANCE: Operation = Operation {
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

/// When a farmer works on a node.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaintenanceBody {
    /// From when (RFC 3339): at least 24 hours and at most 90 days from now.
    #[schemars(length(max = 40))]
    pub starts_at: String,
    /// Until when (RFC 3339): at most eight hours later.
    #[schemars(length(max = 40))]
    pub ends_at: String,
    /// What for: at most 200 visible characters on one line. Who rents there reads it.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub note: String,
}

impl MaintenanceBody {
    /// The window that is announced at `now`, or every field that is wrong.
    pub(crate) fn read(&self, now: Timestamp) -> Result<Window, Vec<FieldError>> {
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

/// The id of a window in a path; what is not one does not exist.
pub(crate) fn maintenance_id(text: &str) -> Result<MaintenanceId, Problem> {
    MaintenanceId::parse(text).ok_or_else(Problem::not_found)
}
