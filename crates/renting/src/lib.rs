//! The market, and what renters do: quotes, rentals, transfers.

mod jobs;
pub mod market;

mod due;
mod holding;
mod leaving;
mod months;
mod moving;
mod pages;
mod provision;
mod quoting;
mod rentals;
mod renting;
mod transfers;

use domain::account::Scope;
use web::Route;
use web::api::access::{OPEN_CONSOLE, SHOW_ACCESS};
use web::api::leaving::{LIST_ALTERNATIVES, MOVE_RENTAL};
use web::api::levels::{DISPUTE_MONTH, LIST_RENTAL_MONTHS};
use web::api::rentals::{CANCEL_RENTAL, CHANGE_RENTAL, EXTEND_RENTAL, LIST_RENTALS, SHOW_RENTAL};
use web::api::renting::{MAKE_QUOTE, RELEASE_QUOTE, RENT_NODE, RENT_SLICE, SHOW_QUOTE};
use web::api::transfers::{ACCEPT_TRANSFER, LIST_TRANSFERS, OFFER_TRANSFER, WITHDRAW_TRANSFER};
use web::operation::Access;

pub use jobs::JOBS;

const READ: Access = Access::Account(Scope::Read);
const RENT: Access = Access::Account(Scope::Rent);

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[market::ROUTES, RENTALS];

/// What renters do.
pub const RENTALS: &[Route] = &[
    Route::api(&MAKE_QUOTE, quoting::make_quote),
    Route::api(&SHOW_QUOTE, quoting::show_quote),
    Route::api(&RELEASE_QUOTE, quoting::release_quote),
    Route::api(&RENT_SLICE, rentals::rent_slice),
    Route::api(&RENT_NODE, rentals::rent_node),
    Route::api(&LIST_RENTALS, rentals::list_rentals),
    Route::api(&SHOW_RENTAL, rentals::show_rental),
    Route::api(&CHANGE_RENTAL, rentals::change_rental),
    Route::api(&EXTEND_RENTAL, rentals::extend_rental),
    Route::api(&CANCEL_RENTAL, rentals::cancel_rental),
    Route::api(&SHOW_ACCESS, provision::show_access),
    Route::api(&OPEN_CONSOLE, provision::make_console_link),
    Route::api(&LIST_ALTERNATIVES, moving::list_alternatives),
    Route::api(&MOVE_RENTAL, moving::move_rental),
    Route::api(&LIST_RENTAL_MONTHS, months::list_months),
    Route::api(&DISPUTE_MONTH, months::dispute_month),
    Route::api(&OFFER_TRANSFER, transfers::offer_transfer),
    Route::api(&WITHDRAW_TRANSFER, transfers::withdraw_transfer),
    Route::api(&LIST_TRANSFERS, transfers::list_transfers),
    Route::api(&ACCEPT_TRANSFER, transfers::accept_transfer),
    Route::page("/dashboard/slices", READ, pages::slices),
    Route::form("/dashboard/slices", RENT, pages::rent),
    Route::page("/dashboard/slices/{rental}", READ, holding::rental),
    Route::form("/dashboard/slices/{rental}/extend", RENT, holding::extend),
    Route::form("/dashboard/slices/{rental}/auto-renew", RENT, holding::set_renewal),
    Route::form("/dashboard/slices/{rental}/name", RENT, holding::set_name),
    Route::form("/dashboard/slices/{rental}/console", RENT, provision::show_console),
    Route::form("/dashboard/slices/{rental}/transfer", RENT, holding::invite),
    Route::form("/dashboard/slices/{rental}/transfer/cancel", RENT, holding::take_back),
    Route::form("/dashboard/slices/{rental}/months/{month}/dispute", RENT, holding::dispute),
    Route::page("/dashboard/slices/{rental}/move", READ, moving::page),
    Route::form("/dashboard/slices/{rental}/move", RENT, moving::send_form),
    Route::page("/dashboard/slices/{rental}/end", READ, holding::show_end),
    Route::form("/dashboard/slices/{rental}/end", RENT, holding::end),
    Route::form("/dashboard/transfers/{rental}/accept", RENT, holding::accept),
    Route::form("/dashboard/transfers/{rental}/decline", RENT, holding::decline),
];
