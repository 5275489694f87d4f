//! A farmer's nodes, offers and payouts; notifications of everybody.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn farmer_dashboard(request: Request) -> Response<edge::Body> {
    let routes = [farming::FARMS, machines::MANUAL_SETUPS, billing::PAYOUTS, notifying::NOTICES];
    edge::serve(&routes, request).await
}
