//! The market, as pages and as JSON; what was measured of nodes, and how the marketplace is.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn list_slices(request: Request) -> Response<edge::Body> {
    edge::serve(&[renting::market::ROUTES], request).await
}
