//! The API of incidents, for operators. Everybody reads them with the status.

use domain::evaluation::parse_words;
use domain::field::FieldError;
use domain::id::IncidentId;
use domain::text::parse_line;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::incidents::Incident;
use web::Problem;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};

const OPERATOR: &str = "Operator";
/// The longest title, in characters.
const TITLE_CHARS_MAX: usize = 120;

/// `GET /api/admin/incidents`
pub(crate) const LIST_INCIDENTS: Operation = Operation {
    id: "listIncidents",
    group: OPERATOR,
    path: "/api/admin/incidents",
    summary: "Lists all incidents that you have published, latest first.",
    access: Access::Operator,
    about_answer: "The incidents.",
    answer: Some(schema_of::<IncidentsView>),
    ..Operation::READ
};

/// `POST /api/admin/incidents`
pub(crate) const CREATE_INCIDENT: Operation = Operation {
    id: "createIncident",
    group: OPERATOR,
    method: Method::POST,
    path: "/api/admin/incidents",
    summary: "Publishes an incident on the status page. At most 200 are kept; remove old ones to \
              make room.",
    access: Access::Operator,
    body: Some(schema_of::<IncidentBody>),
    status: 201,
    about_answer: "The incident.",
    answer: Some(schema_of::<IncidentView>),
    ..Operation::READ
};

/// `PUT /api/admin/incidents/{incident}`
pub(crate) const CHANGE_INCIDENT: Operation = Operation {
    id: "changeIncident",
    group: OPERATOR,
    method: Method::PUT,
    path: "/api/admin/incidents/{incident}",
    summary: "Rewrites an incident, for example to say that it is over.",
    access: Access::Operator,
    body: Some(schema_of::<IncidentBody>),
    about_answer: "The incident.",
    answer: Some(schema_of::<IncidentView>),
    ..Operation::READ
};

/// `DELETE /api/admin/incidents/{incident}`
pub(crate) const REMOVE_INCIDENT: Operation = Operation {
    id: "removeIncident",
    group: OPERATOR,
    method: Method::DELETE,
    path: "/api/admin/incidents/{incident}",
    summary: "Removes an incident from the status page.",
    access: Access::Operator,
    status: 204,
    about_answer: "The incident was removed.",
    ..Operation::READ
};

/// What an operator says of something that went wrong.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IncidentBody {
    /// What, in 1 to 120 visible characters on one line.
    #[schemars(length(min = 1, max = 120))]
    pub title: String,
    /// What it means for people, and what is done about it: 1 to 1,000 characters.
    #[schemars(length(min = 1, max = 1000))]
    pub text: String,
    /// Since when (RFC 3339).
    #[schemars(length(max = 40))]
    pub started_at: String,
    /// Until when (RFC 3339); null while it goes on.
    #[serde(default)]
    #[schemars(length(max = 40))]
    pub ended_at: Option<String>,
}

impl IncidentBody {
    /// The incident of this id as it is written at `now`, or every field that is wrong.
    pub(crate) fn read(&self, id: IncidentId, now: Timestamp) -> Result<Incident, Problem> {
        let instant = |field: &'static str, text: &str| {
            let rule = "an RFC 3339 timestamp, such as 2026-11-22T19:30:00Z";
            Timestamp::parse(text).ok_or_else(|| FieldError::new(field, rule))
        };
        let mut wrong = Vec::new();
        let title = keep(&mut wrong, parse_line("title", &self.title, 1..=TITLE_CHARS_MAX));
        let text = keep(&mut wrong, parse_words("text", &self.text));
        let started_at = keep(&mut wrong, instant("started_at", &self.started_at));
        let ended_at = self.ended_at.as_deref().map(|text| instant("ended_at", text)).transpose();
        let ended_at = keep(&mut wrong, ended_at);
        if let (Some(started_at), Some(Some(ended_at))) = (started_at, ended_at)
            && ended_at < started_at
        {
            wrong.push(FieldError::new("ended_at", "not before the start"));
        }
        match (title, text, started_at, ended_at) {
            (Some(title), Some(text), Some(started_at), Some(ended_at)) if wrong.is_empty() => {
                Ok(Incident { id, title, text, started_at, ended_at, changed_at: now })
            }
            _ => Err(Problem::fields(wrong)),
        }
    }
}

/// Every incident.
#[derive(Serialize, JsonSchema)]
pub(crate) struct IncidentsView {
    /// The latest first.
    pub items: Vec<IncidentView>,
}

/// Something that went wrong.
#[derive(Serialize, JsonSchema)]
pub(crate) struct IncidentView {
    /// Its id.
    pub id: String,
    /// What, on one line.
    pub title: String,
    /// What it means for people, and what is done about it.
    pub text: String,
    /// Since when (RFC 3339).
    pub started_at: String,
    /// Until when (RFC 3339); null while it goes on.
    pub ended_at: Option<String>,
    /// When this was last written (RFC 3339).
    pub changed_at: String,
}

impl IncidentView {
    /// Shows an incident.
    pub(crate) fn new(incident: &Incident) -> IncidentView {
        IncidentView {
            id: incident.id.to_string(),
            title: incident.title.clone(),
            text: incident.text.clone(),
            started_at: incident.started_at.to_string(),
            ended_at: incident.ended_at.map(|at| at.to_string()),
            changed_at: incident.changed_at.to_string(),
        }
    }
}

/// An incident's id in a path; what is not one does not exist.
pub(crate) fn incident_id(text: &str) -> Result<IncidentId, Problem> {
    IncidentId::parse(text).ok_or_else(Problem::not_found)
}
