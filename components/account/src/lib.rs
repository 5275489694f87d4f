//! Accounts, sessions and tokens.
//!
//! A component of its own, because hashing a password blocks its instance; no other hashes.

mod api;
mod changes;
mod credentials;
mod mailing;
mod making;
mod pages;
mod password;

use bytes::Bytes;
use domain::account::Scope;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::account::{
    ASK_RESET, CHANGE_EMAIL, CHANGE_PASSWORD, CLOSE_SESSION, CONFIRM_ACCOUNT, CONFIRM_EMAIL,
    CREATE_ACCOUNT, CREATE_TOKEN, DELETE_ACCOUNT, END_OTHER_SESSIONS, END_SESSION, LIST_AUDIT,
    LIST_SESSIONS, LIST_TOKENS, OPEN_SESSION, RESET_PASSWORD, REVOKE_TOKEN, SHOW_ACCOUNT,
};
use web::operation::Access;

const ROUTES: &[Route] = &[
    Route::api(&CREATE_ACCOUNT, api::create_account),
    Route::api(&CONFIRM_ACCOUNT, api::confirm_account),
    Route::api(&SHOW_ACCOUNT, api::show_account),
    Route::api(&DELETE_ACCOUNT, api::delete_account),
    Route::api(&CHANGE_PASSWORD, api::change_password),
    Route::api(&CHANGE_EMAIL, api::change_email),
    Route::api(&CONFIRM_EMAIL, api::confirm_email),
    Route::api(&ASK_RESET, api::ask_reset),
    Route::api(&RESET_PASSWORD, api::reset_password),
    Route::api(&OPEN_SESSION, api::open_session),
    Route::api(&CLOSE_SESSION, api::close_session),
    Route::api(&LIST_SESSIONS, api::list_sessions),
    Route::api(&END_OTHER_SESSIONS, api::end_other_sessions),
    Route::api(&END_SESSION, api::end_session),
    Route::api(&CREATE_TOKEN, api::create_token),
    Route::api(&LIST_TOKENS, api::list_tokens),
    Route::api(&REVOKE_TOKEN, api::revoke_token),
    Route::api(&LIST_AUDIT, api::list_audit),
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
