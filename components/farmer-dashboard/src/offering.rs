//! What a farmer offers: price, promise, and whether it is on the market.

use domain::id::NodeId;
use domain::listing::{Listing, ListingEvent};
use edge::Context;
use store::nodes::{self, FarmNode, FarmSlice, Terms};
use store::{StoreError, farms};
use web::api::farm::ChangeNodeBody;
use web::{Kind, Problem};

use crate::adding;

/// A node of whoever is signed in; somebody else's does not exist.
pub(crate) fn own_node(
    cx: &Context<'_>,
    node: NodeId,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    nodes::find(cx.db, cx.account()?, node)?.ok_or_else(Problem::not_found)
}

/// Sets price, promise and name; what is left out stays.
pub(crate) fn change(
    cx: &Context<'_>,
    node: NodeId,
    change: &ChangeNodeBody,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let (seen, _) = own_node(cx, node)?;
    let terms = change.apply(&seen, cx.config.price_limits).map_err(Problem::fields)?;
    save(cx, &seen, change.offer_version, &terms, seen.offer.listing)
}

/// Puts a node on the market, or takes it off.
pub(crate) fn set_listing(
    cx: &Context<'_>,
    node: NodeId,
    event: ListingEvent,
    version: Option<i64>,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let (seen, slices) = own_node(cx, node)?;
    let listing = seen.offer.listing.after(event)?;
    if listing == Listing::Published && seen.leaves_at.is_some() {
        return Err(Problem::plain(Kind::NodeLeaving));
    }
    if seen.offer.price.is_none() {
        return Err(Problem::plain(Kind::PriceMissing));
    }
    if listing == seen.offer.listing {
        return Ok((seen, slices));
    }
    if event == ListingEvent::Publish {
        let owner = farms::owner_of_node(cx.db, node)?;
        adding::may_offer(cx, owner, &format!("{node} is of a farm"))?;
    }
    let terms = Terms {
        name: seen.offer.name.clone(),
        price: seen.offer.price,
        min_uptime: seen.offer.min_uptime,
        min_bandwidth: seen.offer.min_bandwidth,
        terms: seen.offer.terms,
    };
    save(cx, &seen, version, &terms, listing)
}

fn save(
    cx: &Context<'_>,
    seen: &FarmNode,
    version: Option<i64>,
    terms: &Terms,
    listing: Listing,
) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let (farmer, node, current) = (seen.offer.farmer, seen.offer.node, seen.offer.version);
    if version.is_some_and(|version| version != current) {
        return Err(Problem::plain(Kind::OfferChanged));
    }
    let is_set = match nodes::set(cx.db, farmer, node, current, terms, listing, cx.now) {
        // Somebody has just proven to own its farm: whoever tries again is told so.
        Err(StoreError::Refused(_)) if listing == Listing::Published => false,
        outcome => outcome?,
    };
    if !is_set {
        return Err(Problem::plain(Kind::OfferChanged));
    }
    own_node(cx, node)
}
