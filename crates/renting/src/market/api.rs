//! The JSON API of the market.

use domain::id::SliceId;
use http::StatusCode;
use store::maintenance;
use store::offers::{self, Cursor, Offer};
use ui::ids::node_id;
use ui::node::Node;
use web::api::PageOf;
use web::{Context, Problem, Response, respond};

use super::unmet;
use crate::market::json::{NodeWithSlices, SliceOffer};
use crate::market::search::{Search, print_cursor};

pub(super) fn search_slices(cx: &Context<'_>) -> Result<Response, Problem> {
    let search = Search::of_api(cx)?;
    let Search { filter, sort, behind, limit, .. } = &search;
    let found = offers::slices(cx.db, filter, *sort, *behind, limit + 1, cx.now)?;
    unmet::note(cx, &search, &found)?;
    let place = |(slice, offer): &_| {
        let slice: &domain::id::SliceId = slice;
        print_cursor(Cursor::after(offer, *sort, slice.number))
    };
    let view = |found: &(SliceId, Offer)| SliceOffer::new(found, cx.now);
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, *limit, place, view))
}

pub(super) fn list_nodes(cx: &Context<'_>) -> Result<Response, Problem> {
    let search = Search::of_api(cx)?;
    let Search { sort, limit, .. } = &search;
    let found = search.nodes(cx, *limit)?;
    unmet::note(cx, &search, &found)?;
    let place = |offer: &_| print_cursor(Cursor::after(offer, *sort, 0));
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, *limit, place, |offer| Node::new(offer, cx.now)),
    )
}

pub(super) fn show_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = offers::find(cx.db, node_id(cx.param("node"))?)?;
    let (offer, slices) = found.ok_or_else(Problem::not_found)?;
    let windows = maintenance::open(cx.db, offer.node, cx.now)?;
    respond::json(StatusCode::OK, &NodeWithSlices::new(&offer, &slices, &windows, cx.now))
}
