//! The landing page, the documents, static files, and the answer where there is nothing. It has no
//! database.

use documents::api::{Api, SHOW_API_DOCUMENT};
use documents::{api_docs, show_api_document};
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::Route;
use web::operation::Access;

/// The API of all features.
const API: Api = Api {
    operations: &[
        renting::OPERATIONS,
        billing::OPERATIONS,
        farming::OPERATIONS,
        notifying::OPERATIONS,
        machines::OPERATIONS,
        accounts::OPERATIONS,
        operating::OPERATIONS,
        &[&SHOW_API_DOCUMENT],
    ],
    members: &[renting::PROBLEM_MEMBERS, farming::PROBLEM_MEMBERS],
};

/// What is made of the operations of all features.
const ABOUT_THE_API: &[Route] = &[
    Route::api(&SHOW_API_DOCUMENT, |cx| show_api_document(cx, &API)),
    Route::page("/docs/api", Access::Anonymous, |cx| api_docs(cx, &API)),
];

#[http_service]
async fn site(request: Request) -> Response<edge::Body> {
    edge::serve_without_database(&[documents::DOCUMENTS, ABOUT_THE_API], request).await
}
