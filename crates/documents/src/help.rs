//! Help for people who have never heard of the Grid, `/help`, and the search through it and the
//! documents.

pub(crate) mod page;
pub(crate) mod search;
mod topics;

use http::StatusCode;
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use crate::help::page::{Contact, Help, Topic};
use crate::help::search::{Found, QUERY_CHARS_MAX};
use crate::help::topics::{TOPICS, facts};

/// The variable that says where people reach the operator.
const CONTACT: &str = "operator_contact";

/// The paths of its topics.
pub(crate) fn paths() -> impl Iterator<Item = String> {
    TOPICS.iter().map(|topic| format!("/help/{}", topic.name))
}

pub(crate) fn help(cx: &Context<'_>) -> Result<Response, Problem> {
    let visit = Visit::anonymous(cx);
    let text: String = visit.query("q").chars().take(QUERY_CHARS_MAX).collect();
    let found = (!text.is_empty()).then(|| Found::of(&text, &facts(&visit)));
    respond::page(StatusCode::OK, &Help::new(&visit, text, found))
}

pub(crate) fn topic(cx: &Context<'_>) -> Result<Response, Problem> {
    let name = cx.param("topic");
    let visit = Visit::anonymous(cx);
    let topic = TOPICS.iter().find(|topic| topic.name == name).ok_or_else(Problem::not_found)?;
    respond::page(StatusCode::OK, &Topic::new(&visit, topic, &facts(&visit)))
}

pub(crate) fn contact(cx: &Context<'_>) -> Result<Response, Problem> {
    let contact = cx.variable(CONTACT).map_err(Problem::internal)?;
    respond::page(StatusCode::OK, &Contact::new(&Visit::anonymous(cx), &contact))
}
