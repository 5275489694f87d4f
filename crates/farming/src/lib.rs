//! Farms, nodes, offers, maintenance, leaving, and the grid.

mod adding;
mod api;
mod approving;
mod asking;
mod claim_pages;
mod claiming;
mod credits;
mod farm;
mod jobs;
mod leaving;
mod locking;
mod maintenance;
mod market;
mod offering;
mod pages;
mod plot;
mod previewing;
mod removals;
mod revenue;
mod starting;
mod sync;

use domain::account::Scope;
use web::Route;
use web::operation::{Access, Operation, ProblemMember, schema_of};

use crate::adding::json::{AddedNodeView, PREVIEW_NODES};
use crate::claiming::json::{
    APPROVE_FARM, CLAIM_FARM, LIST_FARM_CLAIMS, LIST_VERIFIED_FARMS, REVOKE_FARM, TAKE_OVER_NODE,
    VERIFY_FARM,
};
use crate::credits::json::{DISPUTE_CREDIT, LIST_CREDITS};
use crate::farm::json::{
    ADD_NODE, CHANGE_NODE, LIST_FARM_NODES, PAUSE_NODE, PUBLISH_NODE, SHOW_FARM_NODE,
};
use crate::leaving::json::{CANCEL_LEAVE, LEAVE_MARKET};
use crate::maintenance::json::{ANNOUNCE_MAINTENANCE, CANCEL_MAINTENANCE, LIST_MAINTENANCE};
use crate::market::json::COMPARE_NODE;
use crate::offering::json::{
    LIST_OFFER_HISTORY, LOCK_ANY_NODE, LOCK_NODE, UNLOCK_ANY_NODE, UNLOCK_NODE,
};
use crate::removals::json::CONFIRM_REMOVED;
use crate::revenue::json::SHOW_REVENUE;

pub use jobs::JOBS;

const CANCEL_WINDOW: &str = "/dashboard/farm/nodes/{node}/maintenance/{maintenance}/cancel";
const FARM: Access = Access::Account(Scope::Farm);
const MAINTENANCE: &str = "/dashboard/farm/nodes/{node}/maintenance";
const READ: Access = Access::Account(Scope::Read);

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[FARMS, OPERATOR];

/// A farmer's nodes, offers, maintenance and revenue.
pub const FARMS: &[Route] = &[
    Route::api(&LIST_FARM_NODES, api::list_nodes),
    Route::api(&ADD_NODE, api::add_node),
    Route::api(&SHOW_FARM_NODE, api::show_node),
    Route::api(&CHANGE_NODE, api::change_node),
    Route::api(&PUBLISH_NODE, api::publish_node),
    Route::api(&PAUSE_NODE, api::pause_node),
    Route::api(&PREVIEW_NODES, previewing::preview),
    Route::api(&LIST_FARM_CLAIMS, claiming::list_claims),
    Route::api(&CLAIM_FARM, claiming::claim_farm),
    Route::api(&VERIFY_FARM, claiming::verify_farm),
    Route::api(&TAKE_OVER_NODE, claiming::take_over_node),
    Route::api(&COMPARE_NODE, market::compare_node),
    Route::api(&LEAVE_MARKET, leaving::leave_market),
    Route::api(&CANCEL_LEAVE, leaving::cancel_leave_by_api),
    Route::api(&LOCK_NODE, offering::lock_node),
    Route::api(&UNLOCK_NODE, offering::unlock_node),
    Route::api(&LIST_OFFER_HISTORY, offering::list_history),
    Route::api(&LIST_MAINTENANCE, maintenance::list_maintenance),
    Route::api(&ANNOUNCE_MAINTENANCE, maintenance::announce_maintenance),
    Route::api(&CANCEL_MAINTENANCE, maintenance::cancel_maintenance),
    Route::api(&CONFIRM_REMOVED, removals::confirm),
    Route::api(&LIST_CREDITS, credits::list_credits),
    Route::api(&DISPUTE_CREDIT, credits::dispute_credit),
    Route::api(&SHOW_REVENUE, revenue::show_revenue),
    Route::page("/dashboard/farm", READ, pages::farm),
    Route::form("/dashboard/farm/nodes", FARM, pages::add_node),
    Route::page("/dashboard/farm/nodes/{node}", READ, pages::node),
    Route::form("/dashboard/farm/nodes/{node}", FARM, pages::change_node),
    Route::page("/dashboard/farm/nodes/{node}/market", READ, market::page),
    Route::form("/dashboard/farm/nodes/{node}/publish", FARM, pages::publish_node),
    Route::form("/dashboard/farm/nodes/{node}/offer", FARM, starting::offer_by_form),
    Route::form("/dashboard/farm/nodes/{node}/agent", FARM, starting::start_agent),
    Route::form("/dashboard/farm/nodes/{node}/pause", FARM, pages::pause_node),
    Route::page("/dashboard/farm/nodes/{node}/leave", READ, leaving::page),
    Route::form("/dashboard/farm/nodes/{node}/leave", FARM, leaving::withdraw),
    Route::form("/dashboard/farm/nodes/{node}/cancel-leave", FARM, leaving::keep),
    Route::form("/dashboard/farm/nodes/{node}/lock", FARM, pages::lock_node),
    Route::form("/dashboard/farm/nodes/{node}/unlock", FARM, pages::unlock_node),
    Route::form(
        "/dashboard/farm/nodes/{node}/slices/{number}/confirm-removed",
        FARM,
        removals::confirm_by_form,
    ),
    Route::page("/dashboard/farm/nodes/{node}/history", READ, offering::history_page),
    Route::page(MAINTENANCE, READ, maintenance::page),
    Route::form(MAINTENANCE, FARM, maintenance::announce_by_form),
    Route::form(CANCEL_WINDOW, FARM, maintenance::cancel_by_form),
    Route::page("/dashboard/farm/add", READ, previewing::page),
    Route::form("/dashboard/farm/add/checked", FARM, previewing::add),
    Route::page("/dashboard/farm/claims", READ, claim_pages::claims),
    Route::form("/dashboard/farm/claims", FARM, claim_pages::begin),
    Route::form("/dashboard/farm/claims/verify", FARM, claim_pages::verify),
    Route::form("/dashboard/farm/nodes/{node}/take-over", FARM, claim_pages::take_over),
    Route::page("/dashboard/farm/credits", READ, credits::page),
    Route::form("/dashboard/farm/credits/{rental}/{month}/dispute", FARM, credits::send_form),
    Route::page("/dashboard/farm/revenue.csv", READ, revenue::revenue_csv),
    Route::page("/dashboard/farm/slices.csv", READ, revenue::slices_csv),
    Route::page("/dashboard/farm/uptime.csv", READ, revenue::uptime_csv),
];

/// What the operator does with farms and nodes.
pub const OPERATOR: &[Route] = &[
    Route::api(&LIST_VERIFIED_FARMS, approving::list_farms),
    Route::api(&APPROVE_FARM, approving::approve_farm),
    Route::api(&REVOKE_FARM, approving::revoke_farm),
    Route::page("/operator/farms", Access::Operator, approving::page),
    Route::form("/operator/farms", Access::Operator, approving::send_approval),
    Route::form("/operator/farms/{farm}/revoke", Access::Operator, approving::send_revocation),
    Route::api(&LOCK_ANY_NODE, locking::lock_any_node),
    Route::api(&UNLOCK_ANY_NODE, locking::unlock_any_node),
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &LIST_FARM_NODES,
    &ADD_NODE,
    &SHOW_FARM_NODE,
    &CHANGE_NODE,
    &PUBLISH_NODE,
    &PAUSE_NODE,
    &PREVIEW_NODES,
    &LIST_FARM_CLAIMS,
    &CLAIM_FARM,
    &VERIFY_FARM,
    &TAKE_OVER_NODE,
    &COMPARE_NODE,
    &LEAVE_MARKET,
    &CANCEL_LEAVE,
    &LOCK_NODE,
    &UNLOCK_NODE,
    &LIST_OFFER_HISTORY,
    &LIST_MAINTENANCE,
    &ANNOUNCE_MAINTENANCE,
    &CANCEL_MAINTENANCE,
    &SHOW_REVENUE,
    &LIST_CREDITS,
    &DISPUTE_CREDIT,
    &CONFIRM_REMOVED,
    &LIST_VERIFIED_FARMS,
    &APPROVE_FARM,
    &REVOKE_FARM,
    &LOCK_ANY_NODE,
    &UNLOCK_ANY_NODE,
];

/// What problems of this feature say beyond what all of them do.
pub const PROBLEM_MEMBERS: &[ProblemMember] = &[ProblemMember {
    name: "nodes",
    about: Some("The result for each node."),
    schema: schema_of::<Vec<AddedNodeView>>,
}];
