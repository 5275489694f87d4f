//! The landing page, the documents, static files, and the answer where there is nothing.

mod api;
mod pages;

use documents::api::SHOW_API_DOCUMENT;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::Route;
use web::operation::Access;

const ROUTES: &[Route] = &[
    Route::api(&SHOW_API_DOCUMENT, api::show_api_document),
    Route::page("/", Access::Public, pages::home),
    Route::page("/docs/api", Access::Public, pages::api_docs),
    Route::page("/docs/problems", Access::Public, pages::problems),
    Route::page("/docs/limits", Access::Public, pages::limits),
    Route::page("/docs/promises", Access::Public, pages::promises),
    Route::page("/favicon.ico", Access::Public, pages::favicon),
    Route::page("/static/{file}", Access::Public, pages::static_file),
    Route::page("/static/icons/{file}", Access::Public, pages::static_icon),
];

#[http_service]
async fn site(request: Request) -> Response<edge::Body> {
    edge::serve(&[ROUTES], request).await
}
