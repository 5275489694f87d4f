//! The page of any failure.

use askama::Template;

use crate::context::Context;
use crate::page::{Frame, Link, Section};
use crate::problem::{Kind, Problem};
use crate::session;
use crate::text::sentence;

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

impl ErrorPage {
    /// A problem in words, with a way on. It asks the database nothing: that may be what failed.
    pub fn new(cx: &Context<'_>, problem: &Problem) -> ErrorPage {
        let title = problem.kind.title();
        let mut frame = Frame::new(title, Section::Elsewhere);
        frame.has_session = !cx.is_identified && session::has_session(cx.request);
        frame.form_token = session::form_token(cx.request);
        if let Some(identity) = &cx.identity {
            frame.signed_in = Some(identity.email.clone());
            frame.is_operator = identity.is_operator;
        }
        // A problem that has nothing to add begins with its title, which stands above already.
        let added = problem.detail.strip_prefix(title).map(|rest| rest.trim_start_matches(". "));
        ErrorPage {
            frame,
            status: problem.kind.status().as_u16(),
            title: title.to_owned(),
            detail: sentence(added.unwrap_or(&problem.detail)),
            request_id: Some(cx.request_id.clone()),
            ways_on: ways_on(problem.kind),
        }
    }

    /// The same, with a better way on.
    pub fn leading_to(mut self, url: &str, text: &str) -> ErrorPage {
        self.ways_on.insert(0, Link::new(url, text));
        self
    }
}

fn ways_on(kind: Kind) -> Vec<Link> {
    let market = Link::new("/marketplace/compute", "Browse the marketplace");
    match kind {
        Kind::NotSignedIn => vec![Link::new("/login", "Sign in"), market],
        Kind::SshKeyRequired => vec![Link::new("/dashboard/settings/ssh-keys", "Add an SSH key")],
        Kind::MachineActionOpen | Kind::MachineActionUnsupported | Kind::MachineNotReady => {
            vec![Link::new("/dashboard/slices", "Back to My slices")]
        }
        _ => vec![market, Link::new("/", "Go to the home page")],
    }
}
