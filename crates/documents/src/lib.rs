//! The landing page, the documents, static files: what needs no database.

mod pages;

use web::Route;
use web::api::admin::SHOW_API_DOCUMENT;
use web::operation::Access;

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[DOCUMENTS];

/// What is the same for everybody.
pub const DOCUMENTS: &[Route] = &[
    Route::api(&SHOW_API_DOCUMENT, pages::show_api_document),
    Route::page("/", Access::Anonymous, pages::home),
    Route::page("/docs/api", Access::Anonymous, pages::api_docs),
    Route::page("/docs/problems", Access::Anonymous, pages::problems),
    Route::page("/docs/limits", Access::Anonymous, pages::limits),
    Route::page("/docs/promises", Access::Anonymous, pages::promises),
    Route::page("/favicon.ico", Access::Anonymous, pages::favicon),
    Route::page("/static/{file}", Access::Anonymous, pages::static_file),
    Route::page("/static/icons/{file}", Access::Anonymous, pages::static_icon),
];
