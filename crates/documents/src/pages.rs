//! The landing page, the documents, and static files: the same for everybody.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use http::StatusCode;
use http::header::CACHE_CONTROL;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use crate::api::Api;
use crate::asset::asset_type;
use crate::docs::{ApiDocs, Limits, Problems};
use crate::home::Home;
use crate::sla::Sla;

/// Where `spin.toml` mounts the folder `static`.
const STATIC: &str = "/static";

/// The document of an API.
pub fn show_api_document(cx: &Context<'_>, api: &Api) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &api.document(&cx.config.public_url))
}

pub(crate) fn home(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Home::new(&Visit::anonymous(cx)))
}

/// The page that explains an API.
pub fn api_docs(cx: &Context<'_>, api: &Api) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &ApiDocs::new(&Visit::anonymous(cx), api))
}

pub(crate) fn problems(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Problems::new(&Visit::anonymous(cx)))
}

pub(crate) fn limits(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Limits::new(&Visit::anonymous(cx)))
}

pub(crate) fn sla(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Sla::new(&Visit::anonymous(cx)))
}

/// For browsers that look here before they have read a page.
#[expect(clippy::unnecessary_wraps, reason = "every handler has this signature")]
pub(crate) fn favicon(_: &Context<'_>) -> Result<Response, Problem> {
    Ok(respond::see_other("/static/icons/favicon.svg"))
}

pub(crate) fn static_file(cx: &Context<'_>) -> Result<Response, Problem> {
    file(Path::new(STATIC), cx.param("file"))
}

pub(crate) fn static_icon(cx: &Context<'_>) -> Result<Response, Problem> {
    file(&Path::new(STATIC).join("icons"), cx.param("file"))
}

fn file(folder: &Path, name: &str) -> Result<Response, Problem> {
    let content_type = asset_type(name).ok_or_else(Problem::not_found)?;
    let bytes = fs::read(folder.join(name)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Problem::not_found(),
        _ => Problem::internal(error),
    })?;
    let response = respond::answer(StatusCode::OK, content_type, bytes);
    Ok(respond::with_header(response, CACHE_CONTROL, "public, max-age=3600"))
}
