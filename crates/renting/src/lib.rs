//! The market, and what renters do: quotes, rentals, transfers.

pub mod mails;
pub mod market;

mod due;
mod holding;
mod jobs;
mod leaving;
mod months;
mod moving;
mod pages;
mod provision;
mod quoting;
mod rentals;
mod renting;
mod searches;
mod several;
mod status;
mod transfers;
mod waitlist;

use domain::account::Scope;
use web::Route;
use web::operation::{Access, Operation, ProblemMember, schema_of};

use crate::market::json::{LIST_NODES, SEARCH_SLICES, SHOW_NODE};
use crate::market::record::json::{LIST_NODE_SAMPLES, SHOW_NODE_RECORD};
use crate::months::json::{DISPUTE_MONTH, LIST_RENTAL_MONTHS};
use crate::moving::json::{LIST_ALTERNATIVES, MOVE_RENTAL};
use crate::provision::json::{OPEN_CONSOLE, SHOW_ACCESS};
use crate::rentals::json::{
    CANCEL_RENTAL, CHANGE_RENTAL, EXTEND_RENTAL, LIST_RENTALS, SHOW_RENTAL,
};
use crate::renting::json::{MAKE_QUOTE, RELEASE_QUOTE, RENT_NODE, RENT_SLICE, SHOW_QUOTE};
use crate::renting::view::{AlternativeView, QuoteView};
use crate::searches::json::{CHANGE_SEARCH, LIST_SEARCHES, REMOVE_SEARCH, SAVE_SEARCH};
use crate::status::json::SHOW_STATUS;
use crate::transfers::json::{ACCEPT_TRANSFER, CANCEL_TRANSFER, LIST_TRANSFERS, OFFER_TRANSFER};
use crate::waitlist::json::{JOIN_WAITLIST, LEAVE_WAITLIST, LIST_WAITLIST};

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
    Route::api(&CANCEL_TRANSFER, transfers::cancel_transfer),
    Route::api(&LIST_TRANSFERS, transfers::list_transfers),
    Route::api(&ACCEPT_TRANSFER, transfers::accept_transfer),
    Route::api(&LIST_SEARCHES, searches::list_searches),
    Route::api(&SAVE_SEARCH, searches::save_search),
    Route::api(&CHANGE_SEARCH, searches::change_search),
    Route::api(&REMOVE_SEARCH, searches::remove_search),
    Route::api(&LIST_WAITLIST, waitlist::list_waitlist),
    Route::api(&JOIN_WAITLIST, waitlist::join_waitlist),
    Route::api(&LEAVE_WAITLIST, waitlist::leave_waitlist),
    Route::form("/dashboard/waitlist", RENT, waitlist::join_form),
    Route::form("/dashboard/waitlist/{node}/leave", RENT, waitlist::leave_form),
    Route::page("/dashboard/searches", READ, searches::page),
    Route::form("/dashboard/searches", RENT, searches::save_form),
    Route::form("/dashboard/searches/{search}", RENT, searches::change_form),
    Route::form("/dashboard/searches/{search}/remove", RENT, searches::remove_form),
    Route::page("/dashboard/slices", READ, pages::slices),
    Route::form("/dashboard/slices", RENT, pages::rent),
    Route::page("/dashboard/slices/selected/review", READ, several::review),
    Route::form("/dashboard/slices/selected/work", RENT, several::work),
    Route::page("/dashboard/slices/{top_up}/paid", READ, renting::paid::show),
    Route::page("/dashboard/slices/{rental}", READ, holding::rental),
    Route::page("/dashboard/slices/{rental}/billing", READ, holding::billing),
    Route::form("/dashboard/slices/{rental}/extend", RENT, holding::extend),
    Route::form("/dashboard/slices/{rental}/auto-renew", RENT, holding::set_renewal),
    Route::form("/dashboard/slices/{rental}/name", RENT, holding::set_name),
    Route::form("/dashboard/slices/{rental}/auto-start", RENT, holding::set_auto_start),
    Route::form("/dashboard/slices/{rental}/ports", RENT, holding::set_ports),
    Route::form("/dashboard/slices/{rental}/actions", RENT, holding::act),
    Route::form("/dashboard/slices/{rental}/console-password", RENT, holding::set_password),
    Route::form("/dashboard/slices/{rental}/console", RENT, provision::show_console),
    Route::form("/dashboard/slices/{rental}/transfer", RENT, holding::invite),
    Route::form("/dashboard/slices/{rental}/transfer/cancel", RENT, holding::take_back),
    Route::form("/dashboard/slices/{rental}/months/{month}/dispute", RENT, holding::dispute),
    Route::page("/dashboard/slices/{rental}/move", READ, moving::page),
    Route::form("/dashboard/slices/{rental}/move", RENT, moving::send_form),
    Route::page("/dashboard/slices/{rental}/cancel", READ, holding::show_end),
    Route::form("/dashboard/slices/{rental}/cancel", RENT, holding::end),
    Route::form("/dashboard/transfers/{rental}/accept", RENT, holding::accept),
    Route::form("/dashboard/transfers/{rental}/decline", RENT, holding::decline),
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &SEARCH_SLICES,
    &LIST_NODES,
    &SHOW_NODE,
    &SHOW_NODE_RECORD,
    &LIST_NODE_SAMPLES,
    &SHOW_STATUS,
    &MAKE_QUOTE,
    &SHOW_QUOTE,
    &RELEASE_QUOTE,
    &RENT_SLICE,
    &RENT_NODE,
    &LIST_RENTALS,
    &SHOW_RENTAL,
    &CHANGE_RENTAL,
    &EXTEND_RENTAL,
    &CANCEL_RENTAL,
    &SHOW_ACCESS,
    &OPEN_CONSOLE,
    &LIST_ALTERNATIVES,
    &MOVE_RENTAL,
    &LIST_RENTAL_MONTHS,
    &DISPUTE_MONTH,
    &OFFER_TRANSFER,
    &CANCEL_TRANSFER,
    &LIST_TRANSFERS,
    &ACCEPT_TRANSFER,
    &LIST_SEARCHES,
    &SAVE_SEARCH,
    &CHANGE_SEARCH,
    &REMOVE_SEARCH,
    &LIST_WAITLIST,
    &JOIN_WAITLIST,
    &LEAVE_WAITLIST,
];

/// What problems of this feature say beyond what all of them do.
pub const PROBLEM_MEMBERS: &[ProblemMember] = &[
    ProblemMember { name: "quote", about: None, schema: schema_of::<QuoteView> },
    ProblemMember {
        name: "alternatives",
        about: Some("The most similar nodes that have free slices."),
        schema: schema_of::<Vec<AlternativeView>>,
    },
];
