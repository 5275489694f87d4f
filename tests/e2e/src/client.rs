//! A small HTTP client: one connection for each request, and every answer checked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use url::form_urlencoded;

use crate::answer::Answer;
use crate::crawl::Role;
use crate::market::Reach;
use crate::stream::Stream;

/// How somebody shows who they are.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Nobody,
    /// `name=value`.
    Cookie(String),
    Token(String),
}

impl Credential {
    /// The header that shows it, by name and value.
    fn header(&self) -> Option<(String, String)> {
        match self {
            Credential::Nobody => None,
            Credential::Cookie(cookie) => Some(("cookie".to_owned(), cookie.clone())),
            Credential::Token(token) => {
                Some(("authorization".to_owned(), format!("Bearer {token}")))
            }
        }
    }
}

/// Somebody who asks the market.
#[derive(Clone)]
pub struct Client {
    reach: Arc<Reach>,
    pub(crate) credential: Credential,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: Method,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    /// A request without a body; `target` is path and query.
    pub fn new(method: Method, target: &str) -> Call {
        Call { method, target: target.to_owned(), headers: Vec::new(), body: Vec::new() }
    }

    /// A `GET`. Where [`Answer::see_other`] says that the page is to confirm something, it is sent
    /// the cookie that a browser would have.
    pub fn get(target: &str) -> Call {
        match target.rsplit_once("done=") {
            Some((path, name)) if path.ends_with(['?', '&']) => {
                let path = &path[..path.len() - 1];
                Call::new(Method::GET, path).with("cookie", &format!("done={name}"))
            }
            _ => Call::new(Method::GET, target),
        }
    }

    /// A `POST` of a JSON document.
    pub fn post(target: &str, body: &Value) -> Call {
        Call::new(Method::POST, target).json(body)
    }

    /// A `POST` of a form, as a browser sends it.
    pub fn form<'a>(target: &str, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Call {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Call::new(Method::POST, target)
            .with("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    /// The same with a header.
    pub fn with(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Call {
        self.body = body.into();
        self
    }

    /// The same with a JSON document as its body.
    pub fn json(self, body: &Value) -> Call {
        self.with("content-type", "application/json").body(body.to_string())
    }

    /// The same with an `Idempotency-Key`.
    pub fn key(self, key: &str) -> Call {
        self.with("idempotency-key", key)
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.method, self.target, String::from_utf8_lossy(&self.body))
    }
}

impl Client {
    pub(crate) fn new(reach: Arc<Reach>, credential: Credential) -> Client {
        Client { reach, credential }
    }

    /// The same client with a bearer token.
    pub fn with_token(&self, token: &str) -> Client {
        Client { credential: Credential::Token(token.to_owned()), ..self.clone() }
    }

    /// The same client with a cookie, `name=value`.
    pub fn with_cookie(&self, cookie: &str) -> Client {
        Client { credential: Credential::Cookie(cookie.to_owned()), ..self.clone() }
    }

    /// Who this is, for a walk through the app.
    pub fn role(&self, name: &str) -> Role {
        Role { name: name.to_owned(), credential: self.credential.header() }
    }

    /// Sends a request, and checks the answer against what the app says of itself.
    pub async fn send(&self, call: Call) -> Answer {
        let answer = self.send_unchecked(&call).await;
        self.reach.contract().await.check(&call, &answer);
        answer
    }

    /// Sends a request whose answer need not be as the app says of itself.
    pub async fn send_unchecked(&self, call: &Call) -> Answer {
        let credential = self.credential.header();
        let mut credential = credential.as_ref().map(|(name, text)| (name.as_str(), text.clone()));
        let mut call = call.clone();
        // A browser sends all of its cookies in one header.
        if let Some((name, text)) = &mut credential
            && let Some(at) = call.headers.iter().position(|(other, _)| other == name)
            && *name == "cookie"
        {
            *text = format!("{text}; {}", call.headers.remove(at).1);
        }
        exchange(self.reach.address, &call, credential.as_slice()).await
    }

    /// Opens a stream of events, after the last one that is known.
    pub async fn listen(&self, last_event_id: Option<i64>) -> Stream {
        let mut call = Call::get("/api/events").with("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            call = call.with("last-event-id", &id.to_string());
        }
        let credential = self.credential.header();
        let credential = credential.as_ref().map(|(name, text)| (name.as_str(), text.clone()));
        Stream::new(begin(self.reach.address, &call, credential.as_slice()).await)
    }

    /// Gets `target`, which is path and query.
    pub async fn get(&self, target: &str) -> Answer {
        self.send(Call::get(target)).await
    }

    /// Posts a JSON document.
    pub async fn post(&self, target: &str, body: &Value) -> Answer {
        self.send(Call::post(target, body)).await
    }

    /// Posts nothing.
    pub async fn post_empty(&self, target: &str) -> Answer {
        self.send(Call::new(Method::POST, target)).await
    }

    /// Puts a JSON document in place.
    pub async fn put(&self, target: &str, body: &Value) -> Answer {
        self.send(Call::new(Method::PUT, target).json(body)).await
    }

    /// Patches with a JSON document.
    pub async fn patch(&self, target: &str, body: &Value) -> Answer {
        self.send(Call::new(Method::PATCH, target).json(body)).await
    }

    /// Deletes `target`.
    pub async fn delete(&self, target: &str) -> Answer {
        self.send(Call::new(Method::DELETE, target)).await
    }

    /// Makes an API token, and answers somebody who has it.
    pub async fn token(&self, scopes: &[&str]) -> Client {
        let body = json!({ "name": "a test", "scopes": scopes, "expires_in_days": 365 });
        let made = self.post("/api/account/tokens", &body).await.ok(201);
        self.with_token(made["token"].as_str().unwrap())
    }

    /// Registers a node of the grid.
    pub async fn add_node(&self, grid_node_id: u32) -> Answer {
        self.post("/api/farm/nodes", &json!({ "grid_node_id": grid_node_id })).await
    }

    /// Registers a node, sets its price, and puts it on the market.
    pub async fn publish(&self, grid_node_id: u32, price: &str) -> Value {
        self.publish_as(grid_node_id, &json!({ "price_per_month": price })).await
    }

    /// Registers a node, offers it as `terms` say, and puts it on the market.
    pub async fn publish_as(&self, grid_node_id: u32, terms: &Value) -> Value {
        self.add_node(grid_node_id).await.ok(201);
        let node = format!("/api/farm/nodes/node{grid_node_id}");
        self.patch(&node, terms).await.ok(200);
        self.post_empty(&format!("{node}/publish")).await.ok(200)
    }

    /// Rents any free slice of a node.
    pub async fn rent(&self, node: &str, months: i64) -> Answer {
        let body = json!({ "node_id": node, "duration_months": months });
        self.post("/api/marketplace/rent-slice", &body).await
    }

    /// What the wallet holds.
    pub async fn balance(&self) -> String {
        let wallet = self.get("/api/wallet").await.ok(200);
        wallet["balance"].as_str().unwrap().to_owned()
    }
}

/// Sends a request on a connection of its own, and reads the whole answer.
pub(crate) async fn exchange(address: SocketAddr, call: &Call, more: &[(&str, String)]) -> Answer {
    let began = Instant::now();
    let Begun { mut answer, body, connection } = begin(address, call, more).await;
    let body = body.collect().await.unwrap_or_else(|error| panic!("{}: {error}", answer.asked));
    connection.abort();
    answer.body = body.to_bytes().into();
    answer.took = began.elapsed();
    answer
}

/// An answer whose head is there.
pub(crate) struct Begun {
    /// The answer, still without its body.
    pub(crate) answer: Answer,
    pub(crate) body: Incoming,
    /// Carries the body; ending it hangs up.
    pub(crate) connection: JoinHandle<hyper::Result<()>>,
}

/// Sends a request on a connection of its own, and reads the head of the answer.
async fn begin(address: SocketAddr, call: &Call, more: &[(&str, String)]) -> Begun {
    let mut request = Request::new(Full::new(Bytes::from(call.body.clone())));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = call.target.parse().unwrap();
    let headers = request.headers_mut();
    headers.insert("host", HeaderValue::from_str(&address.to_string()).unwrap());
    let own = call.headers.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in more.iter().map(|(name, value)| (*name, value)).chain(own) {
        let name: HeaderName = name.parse().unwrap();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let asked = format!("{} {}", call.method, call.target);
    let response = sender.send_request(request).await.unwrap_or_else(|e| panic!("{asked}: {e}"));
    let (head, body) = response.into_parts();
    let status = head.status.as_u16();
    let (headers, took) = (head.headers, Duration::ZERO);
    let answer = Answer { asked, status, headers, body: Vec::new(), took };
    Begun { answer, body, connection }
}
