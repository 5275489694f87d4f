//! The landing page, the documents, and static files: the same for everybody.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use http::StatusCode;
use http::header::CACHE_CONTROL;
use ui::visit::Visit;
use web::{Context, Problem, Response, assets, respond};

use crate::api::Api;
use crate::asset::{asset_type, is_text};
use crate::compress::{compressed, compressed_page};
use crate::docs::{ApiDocs, Limits, Problems};
use crate::home::Home;
use crate::sla::Sla;

/// Where `spin.toml` mounts the folder `static`.
const STATIC: &str = "/static";

/// The document of an API.
pub fn show_api_document(cx: &Context<'_>, api: &Api) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &api.document(&cx.config.public_url))
        .map(|response| compressed(cx, response))
}

pub(crate) fn home(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Home::new(&Visit::anonymous(cx)))
}

/// The page that explains an API.
pub fn api_docs(cx: &Context<'_>, api: &Api) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &ApiDocs::new(&Visit::anonymous(cx), api))
        .map(|response| compressed_page(cx, response))
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
    file(cx, Path::new(STATIC))
}

pub(crate) fn static_icon(cx: &Context<'_>) -> Result<Response, Problem> {
    file(cx, &Path::new(STATIC).join("icons"))
}

fn file(cx: &Context<'_>, folder: &Path) -> Result<Response, Problem> {
    let name = cx.param("file");
    let content_type = asset_type(name).ok_or_else(Problem::not_found)?;
    let bytes = fs::read(folder.join(name)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Problem::not_found(),
        _ => Problem::internal(error),
    })?;
    let rule = keeping(cx, &bytes);
    let response = respond::answer(StatusCode::OK, content_type, bytes);
    let response = respond::with_header(response, CACHE_CONTROL, rule);
    Ok(if is_text(content_type) { compressed(cx, response) } else { response })
}

/// How long a file is kept: for good where the address names this very version of it. While a
/// release replaces another one, an old file may be asked for by its new address.
fn keeping(cx: &Context<'_>, bytes: &[u8]) -> &'static str {
    let is_this = |version: String| version == format!("{:016x}", assets::version(bytes));
    if cx.query("v").is_some_and(is_this) {
        "public, max-age=31536000, immutable"
    } else {
        "public, max-age=3600"
    }
}
