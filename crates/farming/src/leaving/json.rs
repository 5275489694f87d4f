//! Nodes that leave the market, and rentals that go on elsewhere.

use domain::account::Scope;
use domain::field::FieldError;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use web::Kind;
use web::operation::{Access, Operation, schema_of};

use crate::farm::json as farm;
use crate::farm::json::FarmNodeWithSlices;

/// `POST /api/farm/nodes/{node}/leave`
pub(crate) const LEAVE_MARKET: Operation = Operation {
    id: "leaveMarket",
    group: farm::GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/leave",
    summary: "Takes the node off the market now and schedules it to leave at least 30 days later.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<LeaveBody>),
    is_body_optional: true,
    about_answer: "The node. Its renters are notified and can move, end or keep their rentals \
                   until then. Renters who are refunded get the term discount that they lose out \
                   of your earnings: at most `leaving_cost`, which is held from payouts.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NodeLeaving],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/cancel-leave`
pub(crate) const CANCEL_LEAVE: Operation = Operation {
    id: "cancelLeave",
    group: farm::GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/cancel-leave",
    summary: "Cancels leaving, even after the node has left. The node is then paused.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::NotLeaving],
    ..Operation::READ
};

/// A day, as it is written.
const DAY: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$";

/// When a node is to leave.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LeaveBody {
    /// The day at whose beginning (UTC) it leaves, at least 30 days ahead where something of it is
    /// rented or held; left out for as early as can be.
    #[schemars(regex(pattern = DAY), extend("format" = "date"))]
    pub leaves_at: Option<String>,
}

impl LeaveBody {
    /// Reads the day.
    pub(crate) fn read(&self) -> Result<Option<Timestamp>, FieldError> {
        let day = |text: &str| {
            let rule = "a date, such as 2027-03-31";
            Timestamp::of_day(text.trim()).ok_or_else(|| FieldError::new("leaves_at", rule))
        };
        self.leaves_at.as_deref().map(day).transpose()
    }
}
