//! From a draft to a node on the market with an agent: one form publishes, and shows the command
//! that starts the farm's agent, with a token that was made for it.

pub(crate) mod page;

use domain::account::{Scope, Scopes};
use domain::audit::Action;
use domain::id::{NodeId, TokenId};
use domain::listing::ListingEvent;
use http::StatusCode;
use store::jobs;
use store::nodes::FarmNode;
use store::tokens::{self, NewToken};
use ui::done::Done;
use ui::ids::node_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::session::Secret;
use web::{Context, Kind, Problem, Response, respond};

use crate::farm::json::ChangeNodeBody;
use crate::farm::node::read_change;
use crate::starting::page::AgentStart;
use crate::{offering, pages};

/// How long an agent's token lasts: the longest that a token can, because a farm without its agent
/// sets up no machines. Its owner is notified 14 and 3 days before.
///
/// Seconds: 365 days.
const TOKEN_SECONDS: i64 = 365 * 86_400;

/// Saves what is offered and publishes the node. Where its farm has no agent, the page after that
/// has the command that starts one.
pub(crate) fn offer_by_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = node_id(cx.param("node"))?;
    let form = Form::read(cx.request);
    match read_change(&form).and_then(|change| offer(cx, node, &change)) {
        Ok(published) => after_publishing(cx, &published),
        Err(problem) => {
            form::refused(problem, |problem| Ok(pages::own_node(cx, node)?.refused(&form, problem)))
        }
    }
}

fn offer(cx: &Context<'_>, node: NodeId, change: &ChangeNodeBody) -> Result<FarmNode, Problem> {
    let (saved, _) = offering::change(cx, node, change)?;
    let version = Some(saved.offer.version);
    Ok(offering::set_listing(cx, node, ListingEvent::Publish, version)?.0)
}

fn after_publishing(cx: &Context<'_>, node: &FarmNode) -> Result<Response, Problem> {
    let has_agent = !jobs::agents(cx.db, cx.account()?.account, node.offer.node)?.is_empty();
    let path = format!("/dashboard/farm/nodes/{}", node.offer.node);
    if has_agent {
        return Ok(respond::see_other(&Done::Published.at(&path)));
    }
    match show_command(cx, node, true) {
        // The node is published all the same.
        Err(Problem { kind: Kind::TooManyTokens | Kind::MissingScope, .. }) => {
            Ok(respond::see_other(&Done::Published.at(&path)))
        }
        shown => shown,
    }
}

/// Makes a token for the agent of a node's farm, and shows the command that starts it.
pub(crate) fn start_agent(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, _) = offering::own_node(cx, node_id(cx.param("node"))?)?;
    match show_command(cx, &node, false) {
        Err(problem) => form::refused(problem, |problem| {
            Ok(pages::own_node(cx, node.offer.node)?.not_listed(problem))
        }),
        shown => shown,
    }
}

/// The command is shown once: we keep the hash of its token only.
fn show_command(
    cx: &Context<'_>,
    node: &FarmNode,
    is_published: bool,
) -> Result<Response, Problem> {
    let account = cx.session()?.account;
    let farm = node.offer.farm;
    let secret = Secret::for_token(cx.random);
    let token = NewToken {
        id: TokenId::from_random(cx.now, cx.random.id()),
        hash: &secret.hash,
        hint: secret.hint(),
        account,
        name: &format!("Agent of farm {farm}"),
        scopes: Scopes::parse([Scope::Agent.into_str()])?,
        farm: Some(farm).filter(|farm| *farm > 0),
        spending_limit: None,
        expires_at: cx.now.plus_seconds(TOKEN_SECONDS),
    };
    if !tokens::create(cx.db, &token, cx.now)? {
        return Err(Problem::plain(Kind::TooManyTokens));
    }
    cx.audit(Action::TokenCreated, Some(account), &token.id.to_string())?;
    let page = AgentStart::new(&Visit::of(cx)?, node, &secret.text, is_published);
    respond::page(StatusCode::OK, &page)
}
