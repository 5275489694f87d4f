//! The pages of the market.

use domain::id::NodeId;
use http::StatusCode;
use store::offers::Filter;
use store::{listings, maintenance, observations, offers, ssh_keys};
use ui::ids::node_id;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use super::{picks, record, unmet};
use crate::market::list::{Compute, Found, NODES_PER_PAGE};
use crate::market::node::{MONTHS_PER_NODE, Node};
use crate::market::ribbon::RIBBON_DAYS;
use crate::market::search::{Search, pairs};
use crate::waitlist::page::Waitlist;

/// How many similar nodes the page of a node shows of which nothing is free.
const SIMILAR: u32 = 3;
/// From fewer nodes than this, everybody can pick without help.
const PICKED_FROM_MIN: usize = 4;

pub(super) fn compute(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::of(cx)?;
    match Search::of_page(cx) {
        Ok(search) => {
            let (search, found) = look_for(cx, &visit, search)?;
            respond::page(StatusCode::OK, &Compute::found(&visit, &search, found))
        }
        Err(wrong) => {
            let places = offers::places(cx.db, &Filter::default(), cx.now)?;
            let page = Compute::refused(&visit, &places, &wrong);
            respond::page(StatusCode::BAD_REQUEST, &page)
        }
    }
}

fn look_for(
    cx: &Context<'_>,
    visit: &Visit<'_>,
    mut search: Search,
) -> Result<(Search, Found), Problem> {
    let places = offers::places(cx.db, &search.filter, cx.now)?;
    let unknown_places = search.locate(&pairs(&places));
    let nodes = search.nodes(cx, NODES_PER_PAGE)?;
    unmet::note(cx, &search, &nodes)?;
    let shown: Vec<_> = nodes.iter().map(|offer| offer.node).collect();
    let is_first = search.behind.is_none();
    let is_narrow = search.filter != Filter::default();
    let relaxed = if nodes.is_empty() && is_first && is_narrow {
        offers::relaxed(cx.db, &search.filter, cx.now)?.0
    } else {
        Vec::new()
    };
    let picks = if is_first && is_narrow && nodes.len() >= PICKED_FROM_MIN {
        picks::find(cx, visit, &search)?
    } else {
        Vec::new()
    };
    let found = Found {
        days: listings::days(cx.db, &shown, RIBBON_DAYS, cx.now)?,
        setups: listings::setup_seconds(cx.db, &shown)?,
        nodes,
        places,
        picks,
        unknown_places,
        relaxed,
    };
    Ok((search, found))
}

pub(super) fn node(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = offers::find(cx.db, node_id(cx.param("node"))?)?;
    let (offer, slices) = found.ok_or_else(Problem::not_found)?;
    let windows = maintenance::open(cx.db, offer.node, cx.now)?;
    let keys = match &cx.identity {
        Some(identity) => ssh_keys::of_account(cx.db, identity.account)?,
        None => Vec::new(),
    };
    let visit = Visit::of(cx)?;
    let page = Node::new(&visit, &offer, &slices);
    let months = observations::months(cx.db, offer.node, MONTHS_PER_NODE)?;
    let page = page.with_record(offer.node, record::windows(cx, offer.node)?, &months);
    let days = listings::days(cx.db, &[offer.node], RIBBON_DAYS, cx.now)?;
    let page = page.with_days(&days).with_maintenance(&visit, &windows);
    let page = page.with_keys(&keys, setup_of(cx, offer.node)?);
    let is_gone = offer.available_slices == 0;
    let nearest =
        if is_gone { offers::nearest(cx.db, Some(offer.node), 1, SIMILAR)? } else { Vec::new() };
    let waitlist = Waitlist::of(cx, &visit, &offer, &keys)?;
    let page = page.with_alternatives(&nearest).with_waitlist(waitlist);
    respond::page(StatusCode::OK, &page)
}

/// How long a setup on a node takes, in seconds, where that is known.
pub(crate) fn setup_of(cx: &Context<'_>, node: NodeId) -> Result<Option<u32>, Problem> {
    Ok(listings::setup_seconds(cx.db, &[node])?.get(&node).copied())
}
