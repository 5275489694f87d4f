//! The market, as pages and as JSON.

mod api;
mod pages;
mod unmet;

use bytes::Bytes;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::market::{LIST_NODES, SEARCH_SLICES, SHOW_NODE};
use web::operation::Access;

const ROUTES: &[Route] = &[
    Route::api(&SEARCH_SLICES, api::search_slices),
    Route::api(&LIST_NODES, api::list_nodes),
    Route::api(&SHOW_NODE, api::show_node),
    Route::page("/marketplace/compute", Access::Public, pages::compute),
    Route::page("/marketplace/compute/{node}", Access::Public, pages::node),
];

#[http_service]
async fn list_slices(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
