//! What a handler is given: the request, who asks, and the environment.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::ops::Deref;

use domain::account::Scope;
use domain::factor::Verification;
use domain::id::RequestId;
use domain::time::Timestamp;
use http::header::{AsHeaderName, HeaderName};
use store::accounts::{Grant, Identity};
use url::form_urlencoded;

use crate::api::Search;
use crate::body::Body;
use crate::env::{Env, Random};
use crate::limit::Budget;
use crate::problem::{Kind, Problem};
use crate::{address, session};

/// A request whose body has been read.
pub type Request = http::Request<Vec<u8>>;

/// An answer.
pub type Response = http::Response<Body>;

/// What a handler is given. What is in the environment is reached through it: `cx.db`, `cx.now`.
pub struct Context<'a> {
    env: &'a Env<'a>,
    /// The request.
    pub request: &'a Request,
    /// Who asks; `None` for a visitor.
    pub identity: Option<Identity>,
    /// Whether it was looked up who asks. Until then, an error page goes by the cookie.
    pub(crate) is_identified: bool,
    /// The network address that the request came from; empty where the host does not say.
    pub address: String,
    /// Names this request in the log and in problems.
    pub request_id: String,
    /// What the route's placeholders matched, in order.
    pub(crate) params: Vec<(&'static str, String)>,
    /// The limit that is closest to its end, of those that this request used.
    budget: Cell<Option<Budget>>,
    /// Cookies that the answer sets, beside those of its handler.
    cookies: RefCell<Vec<String>>,
}

impl<'a> Deref for Context<'a> {
    type Target = Env<'a>;

    fn deref(&self) -> &Env<'a> {
        self.env
    }
}

impl<'a> Context<'a> {
    /// The context of a request of a visitor.
    pub fn new(env: &'a Env<'a>, request: &'a Request) -> Self {
        Context {
            env,
            request,
            identity: None,
            is_identified: false,
            address: address::of(request, env.config.client_address_header.as_ref()),
            request_id: new_request_id(env.random, env.now),
            params: Vec::new(),
            budget: Cell::new(None),
            cookies: RefCell::default(),
        }
    }

    /// What is left of the limit that is closest to its end.
    pub(crate) fn budget(&self) -> Option<Budget> {
        self.budget.get()
    }

    /// Notes what is left of a limit, for the answer's headers.
    pub(crate) fn note_budget(&self, budget: Budget) {
        let tightest = self.budget.get().filter(|noted| noted.left() <= budget.left());
        self.budget.set(Some(tightest.unwrap_or(budget)));
    }

    /// Has the answer set a cookie, whatever its handler answers.
    pub fn set_cookie(&self, cookie: String) {
        self.cookies.borrow_mut().push(cookie);
    }

    /// The cookies that the answer sets.
    pub(crate) fn take_cookies(&self) -> Vec<String> {
        self.cookies.take()
    }

    /// The part of the path that matched the placeholder `{name}`.
    pub fn param(&self, name: &str) -> &str {
        let found = self.params.iter().find(|(placeholder, _)| *placeholder == name);
        found.map_or("", |(_, value)| value)
    }

    /// Who asks. Routes that need an account have made sure that there is one.
    pub fn account(&self) -> Result<&Identity, Problem> {
        self.identity.as_ref().ok_or_else(|| Problem::plain(Kind::NotSignedIn))
    }

    /// Refuses a token that lacks `scope`.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.account()?.scopes.allow(scope) {
            Ok(())
        } else {
            let name = scope.into_str();
            Err(Problem::new(Kind::MissingScope, format!("this token lacks the scope `{name}`")))
        }
    }

    /// Who asks, for money of all their farms: a token for one farm may not see it.
    pub fn whole_farm(&self) -> Result<&Identity, Problem> {
        let identity = self.account()?;
        match identity.farm() {
            None => Ok(identity),
            Some(farm) => {
                let detail =
                    format!("this token is limited to farm {farm}, and this covers all your farms");
                Err(Problem::new(Kind::MissingScope, detail))
            }
        }
    }

    /// Who asks, in a browser that is signed in; a token is refused.
    pub fn session(&self) -> Result<&Identity, Problem> {
        let identity = self.account()?;
        if identity.session().is_none() {
            let detail = "tokens can't do this; sign in with your email address and password";
            return Err(Problem::new(Kind::MissingScope, detail));
        }
        Ok(identity)
    }

    /// Refuses a session that has shown no second factor.
    pub fn require_strong(&self) -> Result<(), Problem> {
        match self.account()?.grant {
            Grant::Session { is_strong: true, .. } => Ok(()),
            Grant::Session { .. } | Grant::Token { .. } => {
                Err(Problem::plain(Kind::VerificationRequired))
            }
        }
    }

    /// Refuses a session that has not shown a second factor lately.
    pub fn require_recent_strong(&self) -> Result<(), Problem> {
        self.require_strong()?;
        match self.account()?.grant {
            Grant::Session { is_strong, verified_at, .. }
                if (Verification { verified_at, is_strong }).is_recent(self.now) =>
            {
                Ok(())
            }
            Grant::Session { .. } | Grant::Token { .. } => {
                Err(Problem::plain(Kind::VerificationRequired))
            }
        }
    }

    /// Refuses whoever is no operator: an operator's account in a session with a second factor, or
    /// with a token that has the scope for it.
    pub fn require_operator(&self) -> Result<(), Problem> {
        let identity = self.account()?;
        if !identity.is_operator {
            return Err(Problem::not_found());
        }
        self.require(Scope::Admin)?;
        if identity.token().is_some() { Ok(()) } else { self.require_strong() }
    }

    /// The value of a field of the query; `None` if it is missing or empty, as a form sends it.
    pub fn query(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.request.uri().query().unwrap_or("").as_bytes())
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// Every value of a field of the query that can be sent several times; empty ones are left out.
    pub fn query_all(&self, name: &str) -> Vec<String> {
        form_urlencoded::parse(self.request.uri().query().unwrap_or("").as_bytes())
            .filter(|(field, _)| field == name)
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
            .collect()
    }

    /// The names of the query's fields, as often as they are sent.
    pub(crate) fn query_fields(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let query = self.request.uri().query().unwrap_or("");
        form_urlencoded::parse(query.as_bytes()).map(|(field, _)| field)
    }

    /// What this request searches.
    pub fn search(&self) -> Search {
        Search::of(self.request.uri())
    }

    /// The value of a header, if it is there and is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header(self.request, name)
    }

    /// The path and query to come back to after signing in.
    pub fn path_and_query(&self) -> &str {
        self.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// Where the app is reached from outside: what the operator has set or, where that is nothing,
    /// where this request has come in.
    pub fn base_url(&self) -> String {
        if self.config.public_url.is_empty() {
            session::origin(self.request)
        } else {
            self.config.public_url.clone()
        }
    }

    /// Whether this is a request to the JSON API rather than for a page.
    pub fn is_api(&self) -> bool {
        self.request.uri().path().starts_with("/api/")
    }
}

/// The value of a header, if it is there and is text: for headers that may be ignored.
pub fn header(request: &Request, name: impl AsHeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// A header that must not be ignored is not text, or was sent more than once.
#[derive(Debug, PartialEq, Eq)]
pub struct UnreadableHeader;

/// The value of a header that must not be ignored.
pub fn sole_header(
    request: &Request,
    name: impl AsHeaderName,
) -> Result<Option<&str>, UnreadableHeader> {
    let mut values = request.headers().get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| UnreadableHeader),
        (Some(_), Some(_)) => Err(UnreadableHeader),
    }
}

/// The header that marks one intention of a client.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn new_request_id(random: &dyn Random, now: Timestamp) -> String {
    // The same form as every other id, so that logs sort and search alike.
    RequestId::from_random(now, random.id()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_must_not_be_ignored_is_read_whole_or_refused() {
        let read = |values: &[&str]| {
            let mut builder = http::Request::get("/");
            for value in values {
                builder = builder.header(IDEMPOTENCY_KEY, *value);
            }
            let request = builder.body(Vec::new()).unwrap();
            sole_header(&request, IDEMPOTENCY_KEY).map(|value| value.map(str::to_owned))
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[""]), Ok(Some(String::new())));
        assert_eq!(read(&["key-1"]), Ok(Some("key-1".to_owned())));
        assert_eq!(read(&["cl\u{e9}-1"]), Err(UnreadableHeader));
        assert_eq!(read(&["key-1", "key-1"]), Err(UnreadableHeader));
    }
}
