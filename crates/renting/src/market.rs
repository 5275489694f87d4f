//! The market, as pages and as JSON; what was measured of nodes, and how the marketplace is.

pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod node;
pub(crate) mod record;
pub(crate) mod search;

mod api;
mod compare;
mod farm;
pub(crate) mod pages;
mod picks;
mod places;
mod ribbon;
pub(crate) mod sheet;
mod unmet;

use web::operation::Access;
use web::{Route, respond};

use crate::market::json::{LIST_NODES, SEARCH_SLICES, SHOW_NODE};
use crate::market::record::json::{LIST_NODE_SAMPLES, SHOW_NODE_RECORD};
use crate::status::json::SHOW_STATUS;

/// What everybody may see.
pub const ROUTES: &[Route] = &[
    Route::api(&SEARCH_SLICES, api::search_slices),
    Route::api(&LIST_NODES, api::list_nodes),
    Route::api(&SHOW_NODE, api::show_node),
    Route::api(&SHOW_NODE_RECORD, record::show_record),
    Route::api(&LIST_NODE_SAMPLES, record::list_samples),
    Route::api(&SHOW_STATUS, record::show_status),
    Route::page("/marketplace", Access::Public, |_| Ok(respond::see_other("/marketplace/compute"))),
    Route::page("/marketplace/compute", Access::Public, pages::compute),
    Route::page("/marketplace/compute/compare", Access::Public, compare::compare),
    Route::page("/marketplace/compute/{node}", Access::Public, pages::node),
    Route::page("/farms/{farm}", Access::Public, farm::page),
    Route::page("/farms/{farm}/badge.svg", Access::Public, farm::badge),
    Route::page("/status", Access::Public, record::status_page),
    Route::page("/status/checks", Access::Public, record::checks_page),
];
