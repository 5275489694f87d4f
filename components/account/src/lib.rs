//! Accounts, sessions and tokens.
//!
//! A component of its own, because hashing a password blocks its instance; no other hashes.

mod api;
mod credentials;
mod pages;

use bytes::Bytes;
use domain::account::Scope;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::account::{CLOSE_SESSION, CREATE_ACCOUNT, CREATE_TOKEN, OPEN_SESSION, SHOW_ACCOUNT};
use web::operation::Access;

const ROUTES: &[Route] = &[
    Route::api(&CREATE_ACCOUNT, api::create_account),
    Route::api(&SHOW_ACCOUNT, api::show_account),
    Route::api(&OPEN_SESSION, api::open_session),
    Route::api(&CLOSE_SESSION, api::close_session),
    Route::api(&CREATE_TOKEN, api::create_token),
    Route::page("/signup", Access::Public, pages::signup),
    Route::form("/signup", Access::Public, pages::sign_up),
    Route::page("/login", Access::Public, pages::login),
    Route::form("/login", Access::Public, pages::sign_in),
    Route::form("/logout", Access::Account(Scope::Read), pages::sign_out),
];

#[http_service]
async fn account(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
