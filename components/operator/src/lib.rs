//! What the operator sees and does, and what watches the app.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn operator(request: Request) -> Response<edge::Body> {
    edge::serve(&[operating::OPERATOR, billing::OPERATOR, farming::OPERATOR], request).await
}
