//! Renting, rentals and the wallet; what the operator does with money, and the app's health.

mod admin;
mod api;
mod operating;
mod pages;
mod renting;

use bytes::Bytes;
use domain::account::Scope;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::admin::{
    CHECK_INVARIANTS, CREDIT_WALLET, DISABLE_ACCOUNT, ENABLE_ACCOUNT, END_ACCOUNT_SESSIONS,
    GRANT_OPERATOR, LIST_ACCOUNTS, LIST_ALL_AUDIT, LIST_MAILS, LIST_SYNC_RUNS, RETRY_MAIL,
    REVOKE_OPERATOR, SHOW_HEALTH,
};
use web::api::rentals::{LIST_RENTALS, LIST_WALLET_ENTRIES, RENT_SLICE, SHOW_RENTAL, SHOW_WALLET};
use web::operation::Access;

const ROUTES: &[Route] = &[
    Route::api(&RENT_SLICE, api::rent_slice),
    Route::api(&LIST_RENTALS, api::list_rentals),
    Route::api(&SHOW_RENTAL, api::show_rental),
    Route::api(&SHOW_WALLET, api::show_wallet),
    Route::api(&LIST_WALLET_ENTRIES, api::list_wallet_entries),
    Route::api(&CREDIT_WALLET, admin::credit_wallet),
    Route::api(&CHECK_INVARIANTS, admin::check_invariants),
    Route::api(&LIST_SYNC_RUNS, admin::list_sync_runs),
    Route::api(&LIST_ACCOUNTS, operating::list_accounts),
    Route::api(&DISABLE_ACCOUNT, operating::disable_account),
    Route::api(&ENABLE_ACCOUNT, operating::enable_account),
    Route::api(&END_ACCOUNT_SESSIONS, operating::end_account_sessions),
    Route::api(&GRANT_OPERATOR, operating::grant_operator),
    Route::api(&REVOKE_OPERATOR, operating::revoke_operator),
    Route::api(&LIST_ALL_AUDIT, operating::list_audit),
    Route::api(&LIST_MAILS, admin::list_mails),
    Route::api(&RETRY_MAIL, admin::retry_mail),
    Route::api(&SHOW_HEALTH, admin::show_health),
    Route::page("/dashboard/slices", Access::Account(Scope::Read), pages::slices),
    Route::form("/dashboard/slices", Access::Account(Scope::Rent), pages::rent),
    Route::page("/dashboard/slices/{rental}", Access::Account(Scope::Read), pages::rental),
    Route::page("/dashboard/wallet", Access::Account(Scope::Read), pages::wallet),
];

#[http_service]
async fn rent_slice(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
