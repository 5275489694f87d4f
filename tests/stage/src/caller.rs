//! Somebody who asks: a request is put together, and goes through `web::dispatch`.

use domain::account::Scopes;
use domain::id::{SessionId, TokenId};
use domain::money::Usd;
use http::header::{AUTHORIZATION, COOKIE, HOST};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use store::sessions::{self, NewSession};
use store::tokens::{self, NewToken};
use url::form_urlencoded;
use web::session::{self, FORM_TOKEN, Secret};
use web::{Context, Request, Route, dispatch};

use crate::answer::Answer;
use crate::people::User;
use crate::{Stage, plot};

/// Where the market is reached: not over TLS, so that its cookie is a plain one.
const HOST_NAME: &str = "localhost:3000";

/// Somebody who asks.
#[must_use]
#[derive(Clone)]
pub struct Caller<'a> {
    stage: &'a Stage,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Caller<'a> {
        Caller { stage, headers: Vec::new() }.header(HOST.as_str(), HOST_NAME)
    }

    /// Opens a session, if it is not open yet.
    pub(crate) fn signed_in(self, user: User, is_strong: bool) -> Caller<'a> {
        let secret = format!("session-of-{}-{is_strong}", user.number);
        let hash = session::hash(&secret);
        let (db, now) = (&self.stage.db, self.stage.now());
        if sessions::find(db, &hash, now).unwrap().is_none() {
            // It may be over.
            sessions::close(db, &hash).unwrap();
            let mut random = plot::own_id(user);
            random[0] = u8::from(is_strong);
            let session = NewSession {
                id: SessionId::from_random(now, random),
                hash: &hash,
                account: user.account(),
                is_strong,
                address: "192.0.2.7",
                user_agent: "",
                expires_at: now.plus_seconds(session::SESSION_SECONDS),
            };
            assert!(sessions::open(db, &session, now).unwrap(), "no account {}", user.email);
        }
        self.header(COOKIE.as_str(), &format!("session={secret}"))
    }

    /// With a new token of somebody: with one scope, and for one farm where one is named.
    pub(crate) fn with_token(
        self,
        user: User,
        scope: &str,
        farm: Option<u32>,
        spending_limit: Option<Usd>,
    ) -> Caller<'a> {
        let (db, now, random) = (&self.stage.db, self.stage.now(), self.stage.env().random);
        let secret = Secret::for_token(random);
        let token = NewToken {
            id: TokenId::from_random(now, random.id()),
            hash: &secret.hash,
            hint: secret.hint(),
            account: user.account(),
            name: scope,
            scopes: Scopes::parse([scope]).unwrap(),
            farm,
            spending_limit,
            expires_at: now.plus_months(12),
        };
        assert!(tokens::create(db, &token, now).unwrap(), "too many tokens of {}", user.email);
        self.header(AUTHORIZATION.as_str(), &format!("Bearer {}", secret.text))
    }

    /// With a header more.
    pub fn header(mut self, name: &str, value: &str) -> Caller<'a> {
        self.headers.push((name.parse().unwrap(), value.parse().unwrap()));
        self
    }

    /// With an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Caller<'a> {
        self.header("idempotency-key", key)
    }

    /// Gets a page or a document.
    pub fn get(&self, routes: &[&'static [Route]], target: &str) -> Answer {
        self.send(routes, self.request(Method::GET, target, Vec::new()))
    }

    /// Asks for every page of a feature, which is checked as every page is. `names` says what
    /// stands for the placeholders of paths.
    #[track_caller]
    pub fn get_every_page(&self, routes: &[&'static [Route]], names: &[(&str, &str)]) {
        let is_page =
            |route: &&Route| *route.method() == Method::GET && !route.path().starts_with("/api/");
        for route in routes.iter().copied().flatten().filter(is_page) {
            let path = names.iter().fold(route.path().to_owned(), |path, (name, value)| {
                path.replace(&format!("{{{name}}}"), value)
            });
            let answer = self.get(routes, &path);
            assert!(answer.status() < 500 && answer.status() != 404, "{answer}");
        }
    }

    /// Posts a JSON document.
    pub fn post(&self, routes: &[&'static [Route]], target: &str, body: Value) -> Answer {
        self.call(routes, Method::POST, target, body)
    }

    /// Deletes something.
    pub fn delete(&self, routes: &[&'static [Route]], target: &str) -> Answer {
        self.send(routes, self.request(Method::DELETE, target, Vec::new()))
    }

    /// Sends a JSON document by any method.
    pub fn call(
        &self,
        routes: &[&'static [Route]],
        method: Method,
        target: &str,
        body: Value,
    ) -> Answer {
        self.send(routes, self.request(method, target, body.to_string().into_bytes()))
    }

    /// Sends a form as a browser does, with the token of its session.
    pub fn form(
        &self,
        routes: &[&'static [Route]],
        target: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let request = self.request(Method::POST, target, Vec::new());
        let token = session::form_token(&request);
        let token = token.as_deref().map(|token| (FORM_TOKEN, token));
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields).extend_pairs(token);
        let (head, _) = request.into_parts();
        self.send(routes, Request::from_parts(head, body.finish().into_bytes()))
    }

    fn request(&self, method: Method, target: &str, body: Vec<u8>) -> Request {
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = target.parse().unwrap();
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        request
    }

    fn send(&self, routes: &[&'static [Route]], request: Request) -> Answer {
        let env = self.stage.env();
        let outcome = dispatch(routes, &mut Context::new(&env, &request));
        let asked = format!("{} {}", request.method(), request.uri());
        Answer::new(asked, outcome, session::form_token(&request).as_deref())
    }
}
