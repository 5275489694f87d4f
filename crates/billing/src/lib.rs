//! Wallet, statements, receipts, top-ups, payouts.

pub mod mails;

mod credits;
mod orders;
mod pages;
mod paying;
mod payout;
mod payouts;
mod statements;
mod top_ups;
mod wallet;
mod webhook;

use domain::account::Scope;
use web::Route;
use web::operation::{Access, Operation};

use crate::credits::json::{CREDIT_SLA, CREDIT_WALLET};
use crate::payout::json::{SET_PAYOUT, SHOW_PAYOUT};
use crate::payouts::json::{
    APPROVE_PAYOUT, CANCEL_PAYOUT, EXPORT_PAYOUTS, FAIL_PAYOUT, FINISH_PAYOUT, LIST_ALL_PAYOUTS,
    LIST_PAYOUTS, REQUEST_PAYOUT, SEND_PAYOUT, SHOW_FARM_PAYOUT,
};
use crate::statements::json::{
    LIST_EARNINGS_ENTRIES, LIST_STATEMENTS, SHOW_RECEIPT, SHOW_STATEMENT,
};
use crate::top_ups::json::{
    CREATE_TOP_UP, LIST_REFUSED_PAYMENTS, LIST_REVERSED_PAYMENTS, LIST_TOP_UPS, SHOW_TOP_UP,
    TAKE_STRIPE_EVENT,
};
use crate::wallet::json::{LIST_WALLET_ENTRIES, SHOW_WALLET};

const FARM: Access = Access::Account(Scope::Farm);
const READ: Access = Access::Account(Scope::Read);
/// Who may say what gets into their machines.
const RENT: Access = Access::Account(Scope::Rent);

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[WALLET, PAYOUTS, OPERATOR];

/// A farmer's payouts.
pub const PAYOUTS: &[Route] = &[
    Route::api(&SHOW_PAYOUT, payout::show_payout),
    Route::api(&SET_PAYOUT, payout::set_payout),
    Route::api(&LIST_PAYOUTS, payouts::list_payouts),
    Route::api(&REQUEST_PAYOUT, payouts::request_payout),
    Route::api(&SHOW_FARM_PAYOUT, payouts::show_payout),
    Route::api(&CANCEL_PAYOUT, payouts::cancel_payout),
    Route::page("/dashboard/farm/payout", READ, payout::page),
    Route::form("/dashboard/farm/payout", FARM, payout::save),
    Route::page("/dashboard/farm/payouts", READ, payouts::page),
    Route::form("/dashboard/farm/payouts", FARM, payouts::send_form),
    Route::form("/dashboard/farm/payouts/{payout}/cancel", FARM, payouts::take_back),
];

/// Wallet, statements, receipts and top-ups.
pub const WALLET: &[Route] = &[
    Route::api(&SHOW_WALLET, wallet::show_wallet),
    Route::api(&LIST_WALLET_ENTRIES, wallet::list_wallet_entries),
    Route::api(&LIST_EARNINGS_ENTRIES, statements::list_earnings_entries),
    Route::api(&LIST_STATEMENTS, statements::list_statements),
    Route::api(&SHOW_STATEMENT, statements::show_statement),
    Route::api(&SHOW_RECEIPT, statements::show_receipt),
    Route::api(&CREATE_TOP_UP, top_ups::create_top_up),
    Route::api(&LIST_TOP_UPS, top_ups::list_top_ups),
    Route::api(&SHOW_TOP_UP, top_ups::show_top_up),
    Route::api(&TAKE_STRIPE_EVENT, webhook::take_event),
    Route::page("/dashboard/wallet", Access::Account(Scope::Read), pages::wallet),
    Route::page("/dashboard/wallet/statements", READ, statements::statements),
    Route::page("/dashboard/wallet/statements/{month}", READ, statements::statement),
    Route::page("/dashboard/wallet/statements/{month}/csv", READ, statements::statement_csv),
    Route::page("/dashboard/wallet/receipts/{transaction}", READ, statements::receipt),
    Route::form("/dashboard/wallet/top-ups", RENT, top_ups::send_form),
    Route::form("/dashboard/wallet/orders", RENT, orders::pay),
    Route::page("/dashboard/wallet/orders/{top_up}", READ, orders::show),
];

/// What the operator does with money.
pub const OPERATOR: &[Route] = &[
    Route::api(&LIST_REFUSED_PAYMENTS, top_ups::list_refused),
    Route::api(&LIST_REVERSED_PAYMENTS, top_ups::list_reversed),
    Route::api(&CREDIT_WALLET, credits::credit_wallet),
    Route::api(&CREDIT_SLA, credits::credit_sla),
    Route::api(&LIST_ALL_PAYOUTS, paying::list_payouts),
    Route::api(&EXPORT_PAYOUTS, paying::export),
    Route::api(&APPROVE_PAYOUT, paying::approve),
    Route::api(&SEND_PAYOUT, paying::send),
    Route::api(&FINISH_PAYOUT, paying::finish),
    Route::api(&FAIL_PAYOUT, paying::fail),
    Route::page("/operator/payouts", Access::Operator, paying::page),
    Route::form("/operator/payouts/{payout}/approve", Access::Operator, paying::approve_form),
    Route::form("/operator/payouts/{payout}/send", Access::Operator, paying::send_form),
    Route::form("/operator/payouts/{payout}/done", Access::Operator, paying::finish_form),
    Route::form("/operator/payouts/{payout}/fail", Access::Operator, paying::fail_form),
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &SHOW_WALLET,
    &LIST_WALLET_ENTRIES,
    &LIST_EARNINGS_ENTRIES,
    &LIST_STATEMENTS,
    &SHOW_STATEMENT,
    &SHOW_RECEIPT,
    &CREATE_TOP_UP,
    &LIST_TOP_UPS,
    &SHOW_TOP_UP,
    &TAKE_STRIPE_EVENT,
    &SHOW_PAYOUT,
    &SET_PAYOUT,
    &LIST_PAYOUTS,
    &REQUEST_PAYOUT,
    &SHOW_FARM_PAYOUT,
    &CANCEL_PAYOUT,
    &CREDIT_WALLET,
    &CREDIT_SLA,
    &LIST_REFUSED_PAYMENTS,
    &LIST_REVERSED_PAYMENTS,
    &LIST_ALL_PAYOUTS,
    &EXPORT_PAYOUTS,
    &APPROVE_PAYOUT,
    &SEND_PAYOUT,
    &FINISH_PAYOUT,
    &FAIL_PAYOUT,
];
