//! Renting, rentals and the wallet; what the operator does with money, and the app's health.

mod admin;
mod api;
mod books;
mod levels;
mod locking;
mod operating;
mod operator;
mod pages;
mod paying;
mod top_ups;
mod upkeep;
mod webhook;

use domain::account::Scope;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::Route;
use web::api::admin::{
    CHECK_INVARIANTS, CREDIT_SLA, CREDIT_WALLET, DISABLE_ACCOUNT, ENABLE_ACCOUNT,
    END_ACCOUNT_SESSIONS, GRANT_OPERATOR, LIST_ACCOUNTS, LIST_ALL_AUDIT, LIST_MAILS, RETRY_MAIL,
    REVOKE_OPERATOR, SHOW_HEALTH,
};
use web::api::books::{LIST_STATEMENTS, SHOW_RECEIPT, SHOW_STATEMENT};
use web::api::levels::{DECIDE_DISPUTE, LIST_DISPUTES};
use web::api::offering::{LOCK_ANY_NODE, UNLOCK_ANY_NODE};
use web::api::payouts::{
    APPROVE_PAYOUT, EXPORT_PAYOUTS, FAIL_PAYOUT, FINISH_PAYOUT, LIST_ALL_PAYOUTS, SEND_PAYOUT,
};
use web::api::top_ups::{
    CREATE_TOP_UP, LIST_REFUSED_PAYMENTS, LIST_TOP_UPS, SHOW_TOP_UP, TAKE_STRIPE_EVENT,
};
use web::api::upkeep::{LIST_RECURRING_JOBS, LIST_SYNC_RUNS};
use web::api::wallet::{LIST_WALLET_ENTRIES, SHOW_WALLET};
use web::operation::Access;

const READ: Access = Access::Account(Scope::Read);
const RENT: Access = Access::Account(Scope::Rent);

const DISABLE: &str = "/operator/accounts/{account}/disable";
const ENABLE: &str = "/operator/accounts/{account}/enable";
const END_SESSIONS: &str = "/operator/accounts/{account}/end-sessions";
const GRANT: &str = "/operator/accounts/{account}/grant-operator";
const REVOKE: &str = "/operator/accounts/{account}/revoke-operator";

const ROUTES: &[Route] = &[
    Route::api(&SHOW_WALLET, api::show_wallet),
    Route::api(&LIST_WALLET_ENTRIES, api::list_wallet_entries),
    Route::api(&LIST_STATEMENTS, books::list_statements),
    Route::api(&SHOW_STATEMENT, books::show_statement),
    Route::api(&SHOW_RECEIPT, books::show_receipt),
    Route::api(&CREATE_TOP_UP, top_ups::create_top_up),
    Route::api(&LIST_TOP_UPS, top_ups::list_top_ups),
    Route::api(&SHOW_TOP_UP, top_ups::show_top_up),
    Route::api(&TAKE_STRIPE_EVENT, webhook::take_event),
    Route::api(&LIST_REFUSED_PAYMENTS, top_ups::list_refused),
    Route::api(&CREDIT_WALLET, admin::credit_wallet),
    Route::api(&CREDIT_SLA, admin::credit_sla),
    Route::api(&CHECK_INVARIANTS, admin::check_invariants),
    Route::api(&LIST_SYNC_RUNS, upkeep::list_sync_runs),
    Route::api(&LIST_RECURRING_JOBS, upkeep::list_recurring_jobs),
    Route::api(&LIST_ACCOUNTS, operating::list_accounts),
    Route::api(&DISABLE_ACCOUNT, operating::disable_account),
    Route::api(&ENABLE_ACCOUNT, operating::enable_account),
    Route::api(&END_ACCOUNT_SESSIONS, operating::end_account_sessions),
    Route::api(&GRANT_OPERATOR, operating::grant_operator),
    Route::api(&REVOKE_OPERATOR, operating::revoke_operator),
    Route::api(&LOCK_ANY_NODE, locking::lock_any_node),
    Route::api(&UNLOCK_ANY_NODE, locking::unlock_any_node),
    Route::api(&LIST_ALL_AUDIT, operating::list_audit),
    Route::api(&LIST_MAILS, admin::list_mails),
    Route::api(&RETRY_MAIL, admin::retry_mail),
    Route::api(&LIST_ALL_PAYOUTS, paying::list_payouts),
    Route::api(&EXPORT_PAYOUTS, paying::export),
    Route::api(&APPROVE_PAYOUT, paying::approve),
    Route::api(&SEND_PAYOUT, paying::send),
    Route::api(&FINISH_PAYOUT, paying::finish),
    Route::api(&FAIL_PAYOUT, paying::fail),
    Route::api(&LIST_DISPUTES, levels::list_disputes),
    Route::api(&DECIDE_DISPUTE, levels::decide_dispute),
    Route::api(&SHOW_HEALTH, admin::show_health),
    Route::page("/dashboard/wallet", Access::Account(Scope::Read), pages::wallet),
    Route::page("/dashboard/wallet/statements", READ, books::statements),
    Route::page("/dashboard/wallet/statements/{month}", READ, books::statement),
    Route::page("/dashboard/wallet/statements/{month}/csv", READ, books::statement_csv),
    Route::page("/dashboard/wallet/receipts/{transaction}", READ, books::receipt),
    Route::form("/dashboard/wallet/top-ups", RENT, top_ups::send_form),
    Route::page("/operator", Access::Operator, operator::standing),
    Route::page("/operator/accounts", Access::Operator, operator::accounts),
    Route::form(DISABLE, Access::Operator, operator::disable_account),
    Route::form(ENABLE, Access::Operator, operator::enable_account),
    Route::form(END_SESSIONS, Access::Operator, operator::end_account_sessions),
    Route::form(GRANT, Access::Operator, operator::grant_operator),
    Route::form(REVOKE, Access::Operator, operator::revoke_operator),
    Route::form("/operator/mails/{mail}/retry", Access::Operator, operator::retry_mail),
    Route::page("/operator/audit", Access::Operator, operator::audit),
    Route::page("/operator/sync", Access::Operator, upkeep::sync_page),
    Route::page("/operator/jobs", Access::Operator, upkeep::jobs_page),
    Route::page("/operator/payouts", Access::Operator, paying::page),
    Route::form("/operator/payouts/{payout}/approve", Access::Operator, paying::approve_form),
    Route::form("/operator/payouts/{payout}/send", Access::Operator, paying::send_form),
    Route::form("/operator/payouts/{payout}/done", Access::Operator, paying::finish_form),
    Route::form("/operator/payouts/{payout}/fail", Access::Operator, paying::fail_form),
    Route::page("/operator/disputes", Access::Operator, levels::page),
    Route::form("/operator/disputes/{dispute}/decide", Access::Operator, levels::decide_form),
];

#[http_service]
async fn rent_slice(request: Request) -> Response<edge::Body> {
    edge::serve(&[renting::RENTALS, ROUTES], request).await
}
