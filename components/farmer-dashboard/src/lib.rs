//! A farmer's nodes, prices and promises.

mod adding;
mod api;
mod maintenance;
mod offering;
mod pages;
mod payout;

use bytes::Bytes;
use domain::account::Scope;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::farm::{
    ADD_NODE, CHANGE_NODE, LIST_FARM_NODES, PAUSE_NODE, PUBLISH_NODE, SET_PAYOUT, SHOW_FARM_NODE,
    SHOW_PAYOUT,
};
use web::api::offering::{
    ANNOUNCE_MAINTENANCE, CANCEL_MAINTENANCE, LIST_MAINTENANCE, LIST_OFFER_HISTORY, LOCK_NODE,
    UNLOCK_NODE,
};
use web::operation::Access;

const READ: Access = Access::Account(Scope::Read);
const FARM: Access = Access::Account(Scope::Farm);

const MAINTENANCE: &str = "/dashboard/farm/nodes/{node}/maintenance";
const CANCEL_WINDOW: &str = "/dashboard/farm/nodes/{node}/maintenance/{maintenance}/cancel";

const ROUTES: &[Route] = &[
    Route::api(&LIST_FARM_NODES, api::list_nodes),
    Route::api(&ADD_NODE, api::add_node),
    Route::api(&SHOW_FARM_NODE, api::show_node),
    Route::api(&CHANGE_NODE, api::change_node),
    Route::api(&PUBLISH_NODE, api::publish_node),
    Route::api(&PAUSE_NODE, api::pause_node),
    Route::api(&LOCK_NODE, offering::lock_node),
    Route::api(&UNLOCK_NODE, offering::unlock_node),
    Route::api(&LIST_OFFER_HISTORY, offering::list_history),
    Route::api(&LIST_MAINTENANCE, maintenance::list_maintenance),
    Route::api(&ANNOUNCE_MAINTENANCE, maintenance::announce_maintenance),
    Route::api(&CANCEL_MAINTENANCE, maintenance::cancel_maintenance),
    Route::api(&SHOW_PAYOUT, payout::show_payout),
    Route::api(&SET_PAYOUT, payout::set_payout),
    Route::page("/dashboard/farm", READ, pages::farm),
    Route::form("/dashboard/farm/nodes", FARM, pages::add_node),
    Route::page("/dashboard/farm/nodes/{node}", READ, pages::node),
    Route::form("/dashboard/farm/nodes/{node}", FARM, pages::change_node),
    Route::form("/dashboard/farm/nodes/{node}/publish", FARM, pages::publish_node),
    Route::form("/dashboard/farm/nodes/{node}/pause", FARM, pages::pause_node),
    Route::form("/dashboard/farm/nodes/{node}/lock", FARM, pages::lock_node),
    Route::form("/dashboard/farm/nodes/{node}/unlock", FARM, pages::unlock_node),
    Route::page("/dashboard/farm/nodes/{node}/history", READ, offering::history_page),
    Route::page(MAINTENANCE, READ, maintenance::page),
    Route::form(MAINTENANCE, FARM, maintenance::announce_by_form),
    Route::form(CANCEL_WINDOW, FARM, maintenance::cancel_by_form),
    Route::page("/dashboard/farm/payout", READ, payout::page),
    Route::form("/dashboard/farm/payout", FARM, payout::save),
];

#[http_service]
async fn farmer_dashboard(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
