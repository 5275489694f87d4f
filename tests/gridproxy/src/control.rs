//! The control port: what a test can tell the stand-in, over HTTP.

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::StatusCode;
use axum::routing::{get, patch, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

use crate::documents::Collection;
use crate::fault::Fault;
use crate::requests::Requests;
use crate::standin::Control;

/// The most bytes of a request to the control port.
const BODY_BYTES_MAX: usize = 8 << 20;

/// What a client reads at `/`.
const HELP: &str = "\
The control port of the gridproxy stand-in.

GET    /fault              the fault that is set
PUT    /fault              {\"effect\": {\"kind\": ...}, \"delay_ms\", \"path\", \"times\"}
                           kinds: none, refuse, close, status (code), cut (after_bytes),
                           drip (bytes, pause_ms), garbage, html, huge (bytes), bad-gzip,
                           gzip-bomb (bytes), redirect (location), body (status, content_type, body)
DELETE /fault              answers rightly again
PATCH  /nodes/{id}         applies a JSON merge patch, in either form; also farms, twins, contracts
PUT    /nodes/{id}         adds or replaces a document
DELETE /nodes/{id}         removes it
GET    /requests           the newest requests received, and how many there were
DELETE /requests           forgets them
POST   /reset              the documents of the start, no fault, no requests
";

type Reply = Result<StatusCode, (StatusCode, Json<Value>)>;

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, control: Control) {
    let router = Router::new()
        .route("/", get(|| async { HELP }))
        .route("/fault", get(fault).put(set_fault).delete(clear_fault))
        .route("/requests", get(requests).delete(clear_requests))
        .route("/reset", post(reset))
        .route(
            "/{collection}/{id}",
            patch(patch_document).put(put_document).delete(remove_document),
        )
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(control);
    // It goes on over every error of a connection, and does not return.
    let _ = axum::serve(listener, router).await;
}

async fn fault(State(control): State<Control>) -> Json<Fault> {
    Json(control.fault())
}

async fn set_fault(
    State(control): State<Control>,
    fault: Result<Json<Fault>, JsonRejection>,
) -> Reply {
    let Json(fault) = fault.map_err(|error| refuse(error.status(), error.body_text()))?;
    let set = control.set_fault(fault).await;
    set.map_err(|error| refuse(StatusCode::BAD_REQUEST, error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn clear_fault(State(control): State<Control>) -> StatusCode {
    control.clear_fault().await;
    StatusCode::NO_CONTENT
}

async fn requests(State(control): State<Control>) -> Json<Requests> {
    Json(control.requests())
}

async fn clear_requests(State(control): State<Control>) -> StatusCode {
    control.clear_requests();
    StatusCode::NO_CONTENT
}

async fn reset(State(control): State<Control>) -> StatusCode {
    control.reset().await;
    StatusCode::NO_CONTENT
}

type Document = Result<Json<Map<String, Value>>, JsonRejection>;

async fn patch_document(
    State(control): State<Control>,
    Path((collection, id)): Path<(Collection, u64)>,
    patch: Document,
) -> Reply {
    let Json(patch) = patch.map_err(|error| refuse(error.status(), error.body_text()))?;
    done(control.patch(collection, id, patch), StatusCode::NOT_FOUND, "there is no such document")
}

async fn put_document(
    State(control): State<Control>,
    Path((collection, id)): Path<(Collection, u64)>,
    document: Document,
) -> Reply {
    let Json(document) = document.map_err(|error| refuse(error.status(), error.body_text()))?;
    let put = control.put(collection, id, document);
    done(put, StatusCode::INSUFFICIENT_STORAGE, "there is no room for one more document")
}

async fn remove_document(
    State(control): State<Control>,
    Path((collection, id)): Path<(Collection, u64)>,
) -> Reply {
    done(control.remove(collection, id), StatusCode::NOT_FOUND, "there is no such document")
}

fn done(is_done: bool, status: StatusCode, otherwise: &str) -> Reply {
    if is_done { Ok(StatusCode::NO_CONTENT) } else { Err(refuse(status, otherwise.to_owned())) }
}

fn refuse(status: StatusCode, why: String) -> (StatusCode, Json<Value>) {
    (status, Json(json!({ "error": why })))
}
