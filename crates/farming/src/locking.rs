//! The operator's lock of a node's offer.

use domain::audit::Action;
use domain::id::AccountId;
use store::offering::{lock_by_operator, unlock_by_operator};
use ui::ids::node_id;
use web::form::read_reason;
use web::{Context, Problem, Response, json, respond};

use crate::offering::json::LockBody;

pub(crate) fn lock_any_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, reason) = read(cx)?;
    let farmer = lock_by_operator(cx.db, node_id(&node)?, &reason, cx.now)?;
    write_down(cx, Action::LockSet, farmer, &node, &reason)
}

pub(crate) fn unlock_any_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, reason) = read(cx)?;
    let farmer = unlock_by_operator(cx.db, node_id(&node)?, cx.now)?;
    write_down(cx, Action::LockLifted, farmer, &node, &reason)
}

/// The node's name, and why.
fn read(cx: &Context<'_>) -> Result<(String, String), Problem> {
    let body: LockBody = json::body(cx.request)?;
    let node = node_id(cx.param("node"))?;
    Ok((node.to_string(), read_reason(&body.reason)?))
}

fn write_down(
    cx: &Context<'_>,
    action: Action,
    farmer: Option<AccountId>,
    node: &str,
    reason: &str,
) -> Result<Response, Problem> {
    let farmer = farmer.ok_or_else(Problem::not_found)?;
    cx.audit(action, Some(farmer), &format!("{node}: {reason}"))?;
    Ok(respond::no_content())
}
