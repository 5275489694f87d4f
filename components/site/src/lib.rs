//! The landing page, the documents, static files, and the answer where there is nothing. It has no
//! database.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn site(request: Request) -> Response<edge::Body> {
    edge::serve_without_database(&[documents::DOCUMENTS], request).await
}
