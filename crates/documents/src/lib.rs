//! The landing page, the documents, static files: what needs no database.

pub mod api;
pub mod docs;
pub mod walk;

mod asset;
mod compress;
mod crawling;
mod help;
mod home;
mod limits;
mod pages;
mod sla;

pub use pages::{api_docs, show_api_document};

use web::operation::Access;
use web::{Route, respond};

/// Every route of this feature, but those for which all operations have to be known.
pub const ROUTES: &[&[Route]] = &[DOCUMENTS];

/// What is the same for everybody.
pub const DOCUMENTS: &[Route] = &[
    Route::page("/", Access::Anonymous, pages::home),
    Route::page("/dashboard", Access::Anonymous, |_| Ok(respond::see_other("/dashboard/slices"))),
    Route::page("/docs", Access::Anonymous, |_| Ok(respond::see_other("/help"))),
    Route::page("/docs/problems", Access::Anonymous, pages::problems),
    Route::page("/docs/limits", Access::Anonymous, pages::limits),
    Route::page("/docs/sla", Access::Anonymous, pages::sla),
    Route::page("/help", Access::Anonymous, help::help),
    Route::page("/help/contact", Access::Anonymous, help::contact),
    Route::page("/help/{topic}", Access::Anonymous, help::topic),
    Route::page("/robots.txt", Access::Anonymous, crawling::robots),
    Route::page("/sitemap.xml", Access::Anonymous, crawling::sitemap),
    Route::page("/favicon.ico", Access::Anonymous, pages::favicon),
    Route::page("/static/{file}", Access::Anonymous, pages::static_file),
    Route::page("/static/icons/{file}", Access::Anonymous, pages::static_icon),
];
