//! The API document.

use http::StatusCode;
use web::{Context, Problem, Response, openapi, respond};

pub(crate) fn show_api_document(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &openapi::document(&cx.config.public_url))
}
