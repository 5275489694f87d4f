//! A server that behaves as the documentation of Postmark's email API says, and fails on demand.
//!
//! It runs on hyper itself, because a fault may end a connection without an answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behavior {
    /// What its documentation says.
    Documented,
    /// Answers with this status and code.
    Fail {
        /// The status.
        status: u16,
        /// The `ErrorCode`.
        code: u32,
    },
    /// Answers with something that is not Postmark's.
    Nonsense,
    /// Takes the request, and never answers.
    Hang,
    /// Takes the request, and ends the connection.
    Close,
}

/// The server. It ends when it is dropped.
pub struct Postmark {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    behavior: Mutex<Behavior>,
    received: Mutex<Vec<Value>>,
    taken: Mutex<Vec<Value>>,
}

impl Postmark {
    /// The token of the server at Postmark.
    pub const TOKEN: &str = "4a6f6a0e-8f7a-4b1b-9f57-2c7b8d6d2f60";
    /// Nobody at this host takes mail any more.
    pub const INACTIVE_HOST: &str = "@inactive.example";

    /// Starts on a free port.
    pub async fn start() -> Postmark {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            behavior: Mutex::new(Behavior::Documented),
            received: Mutex::default(),
            taken: Mutex::default(),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared)));
        Postmark { address, shared, _tasks: tasks }
    }

    /// Where mail is posted to.
    pub fn url(&self) -> String {
        format!("http://{}/email", self.address)
    }

    /// Changes what it does from now on.
    pub fn set(&self, behavior: Behavior) {
        *self.shared.behavior.lock().unwrap() = behavior;
    }

    /// Every mail that was posted, taken or not.
    pub fn received(&self) -> Vec<Value> {
        self.shared.received.lock().unwrap().clone()
    }

    /// Every mail that it took.
    pub fn taken(&self) -> Vec<Value> {
        self.shared.taken.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { shared.answer(request).await }
        });
        // A connection that ends early is what some tests want.
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move { drop(connection.await) });
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let is_known = header("x-postmark-server-token") == Some(Postmark::TOKEN);
        let is_json = header("content-type") == Some("application/json");
        let is_sized = header("content-length").is_some();
        let target = (request.method().as_str().to_owned(), request.uri().path().to_owned());
        let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        let mail: Value = serde_json::from_slice(&body).unwrap_or_default();
        self.received.lock().unwrap().push(mail.clone());
        let behavior = *self.behavior.lock().unwrap();
        let (status, document) = match behavior {
            Behavior::Documented if target != ("POST".into(), "/email".into()) => (404, json!({})),
            Behavior::Documented if !is_known => (401, error(10, "Bad or missing API token.")),
            Behavior::Documented if !is_json || !is_sized => (422, error(409, "JSON required.")),
            Behavior::Documented => self.take(mail),
            Behavior::Fail { status, code } => (status, error(code, "On purpose.")),
            Behavior::Nonsense => (200, json!("<html>")),
            Behavior::Hang => std::future::pending::<(u16, Value)>().await,
            Behavior::Close => return Err(io::Error::other("closed on purpose")),
        };
        let mut response = Response::new(Full::new(Bytes::from(document.to_string())));
        *response.status_mut() = status.try_into().unwrap();
        Ok(response)
    }

    fn take(&self, mail: Value) -> (u16, Value) {
        let text = |field: &str| mail[field].as_str().unwrap_or_default().to_owned();
        let to = text("To");
        let is_whole = ["From", "To", "Subject", "TextBody"].iter().all(|f| !text(f).is_empty());
        if !is_whole || !to.contains('@') || text("MessageStream") != "outbound" {
            return (422, error(300, "Invalid email request."));
        }
        if to.ends_with(Postmark::INACTIVE_HOST) {
            let why = format!("Found inactive addresses: {to}. Inactive recipients bounced.");
            return (422, error(406, &why));
        }
        self.taken.lock().unwrap().push(mail);
        let document = json!({
            "To": to,
            "SubmittedAt": "2026-11-22T17:20:00.000Z",
            "MessageID": "0a129aee-e1cd-480d-b08d-4f48548ff48d",
            "ErrorCode": 0,
            "Message": "OK",
        });
        (200, document)
    }
}

fn error(code: u32, message: &str) -> Value {
    json!({ "ErrorCode": code, "Message": message })
}
