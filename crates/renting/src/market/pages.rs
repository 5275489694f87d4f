//! The pages of the market.

use http::StatusCode;
use store::{maintenance, observations, offers, ssh_keys};
use ui::ids::node_id;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use super::{record, unmet};
use crate::market::json::{Search, as_offered};
use crate::market::list::{Compute, NODES_PER_PAGE};
use crate::market::node::{MONTHS_PER_NODE, Node};

pub(super) fn compute(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::of(cx)?;
    let countries = offers::countries(cx.db)?;
    match Search::read(cx) {
        Ok(mut search) => {
            let country = search.filter.country.take();
            search.filter.country = country.map(|name| as_offered(name, &countries));
            let Search { filter, sort, behind, .. } = &search;
            let found = offers::nodes(cx.db, filter, *sort, *behind, NODES_PER_PAGE + 1, cx.now)?;
            unmet::note(cx, &search, &found)?;
            respond::page(StatusCode::OK, &Compute::found(&visit, countries, &search, found))
        }
        Err(wrong) => {
            let page = Compute::refused(&visit, countries, &wrong);
            respond::page(StatusCode::BAD_REQUEST, &page)
        }
    }
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
    let page = page.with_maintenance(&visit, &windows).with_keys(&keys);
    respond::page(StatusCode::OK, &page)
}
