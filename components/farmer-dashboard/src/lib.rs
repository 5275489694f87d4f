//! A farmer's nodes, prices and promises.

mod adding;
mod api;
mod offering;
mod pages;
mod payout;
mod removals;

use bytes::Bytes;
use domain::account::Scope;
use edge::Route;
use http_body_util::Full;
use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use web::api::agent::CONFIRM_REMOVED;
use web::api::farm::{
    ADD_NODE, CHANGE_NODE, LIST_FARM_NODES, PAUSE_NODE, PUBLISH_NODE, SET_PAYOUT, SHOW_FARM_NODE,
    SHOW_PAYOUT,
};
use web::operation::Access;

const READ: Access = Access::Account(Scope::Read);
const FARM: Access = Access::Account(Scope::Farm);

const ROUTES: &[Route] = &[
    Route::api(&LIST_FARM_NODES, api::list_nodes),
    Route::api(&ADD_NODE, api::add_node),
    Route::api(&SHOW_FARM_NODE, api::show_node),
    Route::api(&CHANGE_NODE, api::change_node),
    Route::api(&PUBLISH_NODE, api::publish_node),
    Route::api(&PAUSE_NODE, api::pause_node),
    Route::api(&CONFIRM_REMOVED, removals::confirm),
    Route::api(&SHOW_PAYOUT, payout::show_payout),
    Route::api(&SET_PAYOUT, payout::set_payout),
    Route::page("/dashboard/farm", READ, pages::farm),
    Route::form("/dashboard/farm/nodes", FARM, pages::add_node),
    Route::page("/dashboard/farm/nodes/{node}", READ, pages::node),
    Route::form("/dashboard/farm/nodes/{node}", FARM, pages::change_node),
    Route::form("/dashboard/farm/nodes/{node}/publish", FARM, pages::publish_node),
    Route::form("/dashboard/farm/nodes/{node}/pause", FARM, pages::pause_node),
    Route::page("/dashboard/farm/payout", READ, payout::page),
    Route::form("/dashboard/farm/payout", FARM, payout::save),
];

#[http_service]
async fn farmer_dashboard(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
