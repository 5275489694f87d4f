//! The API of the SLA months of a rental.

use domain::account::Scope;
use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use ui::sla_json::{DisputeBody, SlaResultView};
use web::Kind;
use web::operation::{Access, Operation, schema_of};

const RENTALS: &str = "Rentals and wallet";

/// `GET /api/rentals/{rental}/months`
pub(crate) const LIST_RENTAL_MONTHS: Operation = Operation {
    id: "listRentalMonths",
    group: RENTALS,
    path: "/api/rentals/{rental}/months",
    summary: "Lists a rental's SLA results by month, newest first, with measurements and credits.",
    access: Access::Account(Scope::Read),
    about_answer: "The months. Each is evaluated two days after its end, or when the rental ends.",
    answer: Some(schema_of::<MonthsView>),
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/months/{month}/dispute`
pub(crate) const DISPUTE_MONTH: Operation = Operation {
    id: "disputeMonth",
    group: RENTALS,
    method: Method::POST,
    path: "/api/rentals/{rental}/months/{month}/dispute",
    summary: "Disputes the SLA result of a month of your rental, once, within 30 days. The \
              operator decides.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<DisputeBody>),
    status: 201,
    about_answer: "The month, with your dispute.",
    answer: Some(schema_of::<SlaResultView>),
    problems: &[Kind::TooLateToDispute, Kind::AlreadyDisputed],
    ..Operation::READ
};

/// Months of a rental.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MonthsView {
    /// The newest first: up to 120.
    pub items: Vec<SlaResultView>,
}
