//! The API of waitlists.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::NodeId;
use domain::term::Term;
use domain::waitlist::JoinError;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::waitlist::Entry;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

const GROUP: &str = "Waitlist";

/// `GET /api/waitlist`
pub(crate) const LIST_WAITLIST: Operation = Operation {
    id: "listWaitlist",
    group: GROUP,
    path: "/api/waitlist",
    summary: "Lists the full nodes that you wait for.",
    access: Access::Account(Scope::Read),
    about_answer: "Your places in line, at most 10.",
    answer: Some(schema_of::<WaitlistView>),
    ..Operation::READ
};

/// `POST /api/waitlist`
pub(crate) const JOIN_WAITLIST: Operation = Operation {
    id: "joinWaitlist",
    group: GROUP,
    method: Method::POST,
    path: "/api/waitlist",
    summary: "Joins the waitlist of a full node. When it is your turn, a free slice is held for \
              you for 15 minutes if your balance covers the term, and you are notified; rent it \
              by its quote. If you wait already, this changes the term and keeps your place.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<JoinBody>),
    status: 201,
    about_answer: "Your place in line.",
    answer: Some(schema_of::<PlaceView>),
    problems: &[
        Kind::NotFound,
        Kind::NotOffered,
        Kind::OwnSlice,
        Kind::SlicesFree,
        Kind::SliceIsHeld,
        Kind::WaitlistFull,
        Kind::TooManyWaitlists,
    ],
    ..Operation::READ
};

/// `DELETE /api/waitlist/{node}`
pub(crate) const LEAVE_WAITLIST: Operation = Operation {
    id: "leaveWaitlist",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/waitlist/{node}",
    summary: "Leaves the waitlist of a node. A slice that is held for you is released.",
    access: Access::Account(Scope::Rent),
    status: 204,
    about_answer: "You left the waitlist.",
    ..Operation::READ
};

/// What is waited for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinBody {
    /// The node, such as `node32`.
    #[schemars(regex(pattern = r"^(node)?[1-9][0-9]{0,8}$"))]
    pub node_id: String,
    /// For how many months a slice is wanted: 1, 3, 6 or 12.
    #[schemars(extend("enum" = [1, 3, 6, 12]))]
    #[serde(deserialize_with = "web::json::whole")]
    pub duration_months: i64,
}

impl JoinBody {
    /// The node and the term, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(NodeId, Term), Problem> {
        let mut wrong = Vec::new();
        let rule = || FieldError::new("node_id", "a node's id, such as node32");
        let node = keep(&mut wrong, NodeId::parse(&self.node_id).ok_or_else(rule));
        let term = keep(&mut wrong, Term::from_months(self.duration_months));
        match (node, term) {
            (Some(node), Some(term)) => Ok((node, term)),
            _ => Err(Problem::fields(wrong)),
        }
    }
}

/// Why somebody cannot join a line.
pub(crate) fn refused(why: JoinError) -> Problem {
    Problem::plain(match why {
        JoinError::NoSuchNode => Kind::NotFound,
        JoinError::NotOffered => Kind::NotOffered,
        JoinError::OwnNode => Kind::OwnSlice,
        JoinError::SlicesFree => Kind::SlicesFree,
        JoinError::Offered => Kind::SliceIsHeld,
        JoinError::TooManyEntries => Kind::TooManyWaitlists,
        JoinError::LineFull => Kind::WaitlistFull,
    })
}

/// The places of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WaitlistView {
    /// The first one first.
    pub items: Vec<PlaceView>,
}

/// A place in line for a node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PlaceView {
    /// The node.
    pub node_id: String,
    /// For how many months a slice is wanted.
    pub duration_months: u32,
    /// Your place in line, from 1; null once a slice is held for you.
    pub position: Option<u32>,
    /// How many accounts wait for the node.
    pub waiting: u32,
    /// The quote that holds a slice for you: rent with it. Null while you wait.
    pub quote_id: Option<String>,
    /// Until when it does (RFC 3339).
    pub held_until: Option<String>,
    /// Since when you wait (RFC 3339).
    pub joined_at: String,
    /// When you lose your place, if it was never your turn (RFC 3339).
    pub expires_at: String,
}

impl PlaceView {
    /// Shows a place in line.
    pub(crate) fn new(entry: &Entry) -> PlaceView {
        PlaceView {
            node_id: entry.node.to_string(),
            duration_months: entry.term.months(),
            position: Some(entry.position).filter(|position| *position > 0),
            waiting: entry.waiting,
            quote_id: entry.quote.map(|id| id.to_string()),
            held_until: entry.held_until.map(|at| at.to_string()),
            joined_at: entry.joined_at.to_string(),
            expires_at: entry.expires_at().to_string(),
        }
    }
}
