//! Renting, rentals, what is done with their machines, and the wallet.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn rent_slice(request: Request) -> Response<edge::Body> {
    edge::serve(&[renting::RENTALS, machines::ACTIONS, billing::WALLET], request).await
}
