//! What agents of farms do; alone, because waits are many in one instance.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn provisioner(request: Request) -> Response<edge::Body> {
    edge::serve(&[machines::AGENTS], request).await
}
