//! All features together: the API that they make, and what serves it.

use documents::api::{Api, SHOW_API_DOCUMENT};
use documents::{api_docs, show_api_document};
use web::Route;
use web::operation::Access;

/// The API of all features. The component `site` serves the same.
pub const API: Api = Api {
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
pub const ABOUT_THE_API: &[Route] = &[
    Route::api(&SHOW_API_DOCUMENT, |cx| show_api_document(cx, &API)),
    Route::page("/docs/api", Access::Anonymous, |cx| api_docs(cx, &API)),
];

/// The routes of each component, of all features.
pub fn groups() -> Vec<&'static [Route]> {
    let features = [
        renting::ROUTES,
        billing::ROUTES,
        farming::ROUTES,
        notifying::ROUTES,
        machines::ROUTES,
        accounts::ROUTES,
        operating::ROUTES,
        documents::ROUTES,
        &[ABOUT_THE_API],
    ];
    features.concat()
}

/// Every route.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    groups().into_iter().flatten()
}
