//! What a handler is given: the request, who asks, the time, the database and the configuration.

use domain::account::Scope;
use domain::id::RequestId;
use domain::time::Timestamp;
use http::header::{AsHeaderName, HeaderName};
use store::accounts::Identity;
use url::form_urlencoded;

use crate::ambient;
use crate::config::Config;
use crate::problem::{Kind, Problem};

/// A request whose body has been read.
pub type Request = http::Request<Vec<u8>>;

/// An answer whose body is complete, so that its length is known.
pub type Response = http::Response<Vec<u8>>;

/// What a handler is given.
pub struct Context<'a, D> {
    /// The database.
    pub db: &'a D,
    /// What the operator set.
    pub config: &'a Config,
    /// When the request came.
    pub now: Timestamp,
    /// The request.
    pub request: &'a Request,
    /// Who asks; `None` for a visitor.
    pub identity: Option<Identity>,
    /// Names this request in the log and in problems.
    pub request_id: String,
    /// What the route's placeholders matched, in order.
    pub(crate) params: Vec<(&'static str, String)>,
}

impl<'a, D> Context<'a, D> {
    /// The context of a request of a visitor.
    pub fn new(db: &'a D, config: &'a Config, request: &'a Request, now: Timestamp) -> Self {
        let request_id = new_request_id(now);
        Context { db, config, now, request, identity: None, request_id, params: Vec::new() }
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
            let name = scope.as_str();
            Err(Problem::new(Kind::MissingScope, format!("this token lacks the scope `{name}`")))
        }
    }

    /// The value of a field of the query; `None` if it is missing or empty, as a form sends it.
    pub fn query(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.request.uri().query().unwrap_or("").as_bytes())
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// The value of a header, if it is there and is text.
    pub fn header(&self, name: impl AsHeaderName) -> Option<&str> {
        header(self.request, name)
    }

    /// The path and query to come back to after signing in.
    pub fn path_and_query(&self) -> &str {
        self.request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// Whether this is a request to the JSON API rather than for a page.
    pub fn is_api(&self) -> bool {
        self.request.uri().path().starts_with("/api/")
    }
}

/// The value of a header, if it is there and is text.
pub fn header(request: &Request, name: impl AsHeaderName) -> Option<&str> {
    request.headers().get(name)?.to_str().ok()
}

/// The header that marks one intention of a client.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

fn new_request_id(now: Timestamp) -> String {
    // The same form as every other id, so that logs sort and search alike.
    RequestId::from_random(now, ambient::random_id()).to_string()
}
