//! Accounts, sessions and tokens; alone, because hashing a password blocks an instance.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;

#[http_service]
async fn account(request: Request) -> Response<edge::Body> {
    edge::serve(&[accounts::ACCOUNTS, machines::SSH_KEY_ROUTES], request).await
}
