//! The JSON API of all features: what its document and the page `/docs/api` are made of.

use serde_json::{Map, Value};
use web::openapi;
use web::operation::{Access, Operation, ProblemMember, schema_of};

/// `GET /api/openapi.json`
pub const SHOW_API_DOCUMENT: Operation = Operation {
    id: "showApiDocument",
    group: "Operator",
    path: "/api/openapi.json",
    summary: "This document.",
    access: Access::Anonymous,
    about_answer: "An OpenAPI 3.0 document.",
    answer: Some(schema_of::<Map<String, Value>>),
    ..Operation::READ
};

/// Every operation, and what problems say beyond what all of them do, by feature. Whoever knows all
/// features puts it together.
pub struct Api {
    /// The operations, in the order of the document.
    pub operations: &'static [&'static [&'static Operation]],
    /// The members of problems.
    pub members: &'static [&'static [ProblemMember]],
}

impl Api {
    /// The API document; `public_url` is where the API is reached.
    pub fn document(&self, public_url: &str) -> Value {
        openapi::document(self.operations, self.members, public_url)
    }

    /// Every operation.
    pub fn operations(&self) -> impl Iterator<Item = &'static Operation> {
        self.operations.iter().copied().flatten().copied()
    }
}
