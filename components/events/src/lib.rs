//! What happens, told as it happens; alone, because a stream holds an instance.

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::Route;
use web::api::events::FOLLOW_EVENTS;
use web::live;

const ROUTES: &[Route] = &[Route::api(&FOLLOW_EVENTS, live::answer)];

#[http_service]
async fn events(request: Request) -> Response<edge::Body> {
    edge::serve(&[ROUTES], request).await
}
