//! What a farmer offers: changes, whether it is on the market, locks, and the history.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::id::NodeId;
use domain::listing::{Listing, ListingEvent};
use domain::offering::{self, Seen};
use http::StatusCode;
use store::farms;
use store::nodes::{self, FarmNode, FarmSlice};
use store::offering::{change as save, history as versions, lock, unlock};
use ui::ids::node_id;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::{Context, Problem, Response, respond};

use crate::farm::json::ChangeNodeBody;
use crate::offering::json::VersionView;
use crate::offering::page::{HISTORY_PER_PAGE, OfferHistory};
use crate::{adding, farm};

/// A node of whoever is signed in; somebody else's does not exist.
pub(crate) fn own_node(
    cx: &Context<'_>,
    node: NodeId,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    nodes::find(cx.db, cx.account()?, node)?.ok_or_else(Problem::not_found)
}

/// Sets what is offered; what is left out stays.
pub(crate) fn change(
    cx: &Context<'_>,
    node: NodeId,
    change: &ChangeNodeBody,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    // Somebody else's node does not exist, whatever is asked of it.
    own_node(cx, node)?;
    let wanted = change.wanted(cx.config.price_limits).map_err(Problem::fields)?;
    let decide = |seen: &Seen| offering::change(seen, wanted.clone(), cx.now);
    save(cx.db, cx.account()?, node, change.offer_version, decide, cx.now)?;
    own_node(cx, node)
}

/// Puts a node on the market, or takes it off.
pub(crate) fn set_listing(
    cx: &Context<'_>,
    node: NodeId,
    event: ListingEvent,
    version: Option<i64>,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let (seen, _) = own_node(cx, node)?;
    if event == ListingEvent::Publish && seen.offer.listing != Listing::Published {
        let owner = farms::owner_of_node(cx.db, node)?;
        adding::may_offer(cx, owner, &format!("{node} belongs to a farm"))?;
    }
    let decide = |seen: &Seen| offering::list(seen, event);
    save(cx.db, cx.account()?, node, version, decide, cx.now)?;
    own_node(cx, node)
}

/// What a farmer does to the lock of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Locks it.
    Lock,
    /// Unlocks it.
    Unlock,
}

/// Locks a node, or lifts the farmer's own lock, and writes that down.
pub(crate) fn turn(cx: &Context<'_>, node: NodeId, turn: Turn) -> Result<(), Problem> {
    let identity = cx.account()?;
    let (is_done, action) = match turn {
        Turn::Lock => (lock(cx.db, identity, node, cx.now)?, Action::LockSet),
        Turn::Unlock => (unlock(cx.db, identity, node, cx.now)?, Action::LockLifted),
    };
    if is_done {
        cx.audit(action, Some(identity.account), &node.to_string())?;
    }
    Ok(())
}

pub(crate) fn lock_node(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, Turn::Lock)
}

pub(crate) fn unlock_node(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, Turn::Unlock)
}

fn answer(cx: &Context<'_>, direction: Turn) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    turn(cx, node, direction)?;
    let (node, slices) = own_node(cx, node)?;
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
}

/// The versions of an offer behind the request's cursor: one more than `limit`, if there are more.
fn history(
    cx: &Context<'_>,
    node: NodeId,
    limit: u32,
) -> Result<Vec<store::offering::Version>, Problem> {
    let before = api::cursor(cx, |text| text.parse().ok())?;
    Ok(versions(cx.db, cx.account()?, node, before, limit + 1)?)
}

pub(crate) fn list_history(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let found = history(cx, node.offer.node, limit)?;
    let place = |version: &store::offering::Version| version.number.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, VersionView::new))
}

pub(crate) fn history_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::live(cx)?;
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let found = history(cx, node.offer.node, HISTORY_PER_PAGE)?;
    respond::page(StatusCode::OK, &OfferHistory::new(&visit, &node, found))
}
