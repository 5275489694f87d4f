//! What happens to an account, as it happens.

use domain::account::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use store::events::Event;
use web::Kind;
use web::operation::{Access, Form, Operation, Parameter, schema_of};

/// `GET /api/events`
pub(crate) const FOLLOW_EVENTS: Operation = Operation {
    id: "followEvents",
    group: "Events",
    path: "/api/events",
    summary: "Returns the events of your rentals, wallet and farm after a given event, or streams \
              new events.",
    access: Access::Account(Scope::Read),
    query: &[Parameter {
        name: "after",
        form: Form::Whole(0, u32::MAX),
        about: "Return events after this one. Defaults to the latest event. A reopened stream \
                sends it as the Last-Event-ID header, which takes precedence.",
        example: "4711",
    }],
    about_answer: "Up to 200 events, in order.",
    answer: Some(schema_of::<Events>),
    stream: Some(
        "Server-sent events, if Accept requests this type. Each event's data is an item of the \
         JSON response, and its id is the position to resume from. The first event, named begun, \
         is empty and confirms the connection. A stream ends within a minute; reopen it with \
         Last-Event-ID to miss nothing.",
    ),
    problems: &[Kind::Archived, Kind::TooManyRequests],
    ..Operation::READ
};

/// Events after another one.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Events {
    /// What happened, in order.
    pub items: Vec<EventView>,
    /// What to send as `after` next time.
    pub next_after: i64,
}

/// Something that happened.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EventView {
    /// Its number. Later events have higher ones, with gaps between them.
    pub id: i64,
    /// What it was, such as `slice-rented`. There will be more kinds: ignore those that you do not
    /// know.
    pub kind: &'static str,
    /// Your rental that it happened to; null where it was none of yours.
    pub rental_id: Option<String>,
    /// The node that it happened to.
    pub node_id: Option<String>,
    /// The slice that it happened to.
    pub slice_id: Option<String>,
    /// What else it is about, such as the id of a payout or the number of a farm.
    pub subject: Option<String>,
    /// When (RFC 3339).
    pub at: String,
}

impl EventView {
    /// Shows an event.
    pub(crate) fn new(event: &Event) -> EventView {
        EventView {
            id: event.id,
            kind: event.kind.into_str(),
            rental_id: event.rental.map(|id| id.to_string()),
            node_id: event.node.map(|id| id.to_string()),
            slice_id: event.slice.map(|id| id.to_string()),
            subject: event.subject.clone(),
            at: event.at.to_string(),
        }
    }
}
