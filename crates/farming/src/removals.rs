//! Slices whose machines are being removed: the farmer can say that one is gone.

pub(crate) mod json;

use domain::audit::Action;
use domain::id::SliceId;
use store::jobs;
use ui::done::Done;
use ui::ids::node_id;
use web::{Context, Problem, Response, respond};

use crate::offering::own_node;

pub(crate) fn confirm(cx: &Context<'_>) -> Result<Response, Problem> {
    it_is_gone(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn confirm_by_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let slice = it_is_gone(cx)?;
    let path = format!("/dashboard/farm/nodes/{}", slice.node);
    Ok(respond::see_other(&Done::SliceGone.at(&path)))
}

/// The farmer says that what was on the slice is gone.
fn it_is_gone(cx: &Context<'_>) -> Result<SliceId, Problem> {
    let (node, _) = own_node(cx, node_id(cx.param("node"))?)?;
    let text = format!("{}_slice_{}", node.offer.node, cx.param("number"));
    let slice = SliceId::parse(&text).ok_or_else(Problem::not_found)?;
    let farmer = cx.account()?.account;
    if !jobs::confirm_removed(cx.db, farmer, slice, cx.now)? {
        return Err(Problem::not_found());
    }
    cx.audit(Action::RemovalConfirmed, Some(farmer), &slice.to_string())?;
    Ok(slice)
}
