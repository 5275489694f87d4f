//! A farmer's nodes, prices and promises.

mod adding;
mod api;
mod notices;
mod offering;
mod pages;
mod payout;
mod webhooks;

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
use web::api::notices::{LIST_NOTIFICATIONS, READ_NOTIFICATIONS, SET_CHOICES, SHOW_CHOICES};
use web::api::webhooks::{
    ADD_WEBHOOK, LIST_DELIVERIES, LIST_WEBHOOKS, REMOVE_WEBHOOK, REPLAY_DELIVERY, ROTATE_SECRET,
    TEST_WEBHOOK,
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
    Route::api(&LIST_NOTIFICATIONS, notices::list),
    Route::api(&READ_NOTIFICATIONS, notices::read),
    Route::api(&SHOW_CHOICES, notices::show_choices),
    Route::api(&SET_CHOICES, notices::set_choices),
    Route::api(&LIST_WEBHOOKS, webhooks::list),
    Route::api(&ADD_WEBHOOK, webhooks::add_one),
    Route::api(&REMOVE_WEBHOOK, webhooks::remove_one),
    Route::api(&ROTATE_SECRET, webhooks::rotate_secret),
    Route::api(&TEST_WEBHOOK, webhooks::test_one),
    Route::api(&LIST_DELIVERIES, webhooks::list_deliveries),
    Route::api(&REPLAY_DELIVERY, webhooks::replay_one),
    Route::page("/dashboard/notifications", READ, notices::page),
    Route::form("/dashboard/notifications/read", FARM, notices::mark_read),
    Route::page("/dashboard/notifications/settings", READ, notices::settings),
    Route::form("/dashboard/notifications/settings", FARM, notices::save_settings),
    Route::page("/dashboard/notifications/webhooks", READ, webhooks::page),
    Route::form("/dashboard/notifications/webhooks", FARM, webhooks::add_from_page),
    Route::page("/dashboard/notifications/webhooks/{webhook}", READ, webhooks::one_page),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/secret",
        FARM,
        webhooks::rotate_from_page,
    ),
    Route::form("/dashboard/notifications/webhooks/{webhook}/test", FARM, webhooks::test_from_page),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/remove",
        FARM,
        webhooks::remove_from_page,
    ),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/deliveries/{delivery}/replay",
        FARM,
        webhooks::replay_from_page,
    ),
];

#[http_service]
async fn farmer_dashboard(request: Request) -> Response<Full<Bytes>> {
    edge::serve(ROUTES, request).await
}
