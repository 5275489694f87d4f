//! What happens, told as it happens; alone, because streams wait, many in one instance.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn events(request: Request) -> Response<edge::Body> {
    edge::serve(&[notifying::EVENTS], request).await
}
