//! The page of any failure.

use super::{Frame, Link};
use askama::Template;

/// What `error.html` shows: what went wrong, and a way on.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The HTTP status.
    pub status: u16,
    /// Such as `There is no such node`.
    pub title: String,
    /// What that means for the person, in a sentence or two.
    pub detail: String,
    /// For asking the operator about it.
    pub request_id: Option<String>,
    /// Where to go from here, the best way first.
    pub ways_on: Vec<Link>,
}
