//! Waitlists of full nodes, for the API and the pages alike.

pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod turns;

use domain::id::NodeId;
use http::StatusCode;
use store::waitlist::{self, Entry};
use ui::done::Done;
use ui::ids::node_id;
use web::form;
use web::{Context, Problem, Response, respond};

use crate::waitlist::json::{JoinBody, PlaceView, WaitlistView, refused};

/// Where the places of an account are listed.
const PAGE: &str = "/dashboard/searches";

fn join(cx: &Context<'_>, body: &JoinBody) -> Result<Entry, Problem> {
    let (node, term) = body.read()?;
    let account = cx.account()?.account;
    waitlist::join(cx.db, account, node, term, cx.now)?.map_err(refused)?;
    let entries = waitlist::of_account(cx.db, account)?;
    entries.into_iter().find(|entry| entry.node == node).ok_or_else(Problem::not_found)
}

fn leave(cx: &Context<'_>) -> Result<NodeId, Problem> {
    let node = node_id(cx.param("node"))?;
    if waitlist::leave(cx.db, cx.account()?.account, node, cx.now)? {
        Ok(node)
    } else {
        Err(Problem::not_found())
    }
}

pub(crate) fn list_waitlist(cx: &Context<'_>) -> Result<Response, Problem> {
    let entries = waitlist::of_account(cx.db, cx.account()?.account)?;
    let items = entries.iter().map(PlaceView::new).collect();
    respond::json(StatusCode::OK, &WaitlistView { items })
}

pub(crate) fn join_waitlist(cx: &Context<'_>) -> Result<Response, Problem> {
    let entry = join(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &PlaceView::new(&entry))
}

pub(crate) fn leave_waitlist(cx: &Context<'_>) -> Result<Response, Problem> {
    leave(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn join_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let entry = form::body(cx.request).and_then(|body| join(cx, &body))?;
    let path = format!("/marketplace/compute/{}", entry.node);
    Ok(respond::see_other(&Done::WaitlistJoined.at(&path)))
}

pub(crate) fn leave_form(cx: &Context<'_>) -> Result<Response, Problem> {
    leave(cx)?;
    Ok(respond::see_other(&Done::WaitlistLeft.at(PAGE)))
}
