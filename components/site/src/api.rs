//! The API document.

use documents::api::{Api, SHOW_API_DOCUMENT};
use http::StatusCode;
use web::{Context, Problem, Response, respond};

/// The API of all features.
pub(crate) const API: Api = Api {
    operations: &[
        renting::OPERATIONS,
        billing::OPERATIONS,
        farming::OPERATIONS,
        notifying::OPERATIONS,
        machines::OPERATIONS,
        accounts::OPERATIONS,
        operating::OPERATIONS,
        &[&SHOW_API_DOCUMENT],
    ],
    members: &[renting::PROBLEM_MEMBERS, farming::PROBLEM_MEMBERS],
};

pub(crate) fn show_api_document(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &API.document(&cx.config.public_url))
}
