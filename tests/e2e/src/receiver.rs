//! A webhook's endpoint: it keeps what it is posted, and answers as it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The endpoint. It ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    status: Mutex<u16>,
    received: Mutex<Vec<Posted>>,
}

/// A message as it was posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, word for word.
    pub body: String,
}

impl Posted {
    /// The text of a header.
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

impl Receiver {
    /// Starts on a free port, and takes everything.
    pub async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { status: Mutex::new(204), received: Mutex::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, Arc::clone(&shared)));
        Receiver { address, shared, _tasks: tasks }
    }

    /// Where messages are posted to.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// What it answers from now on.
    pub fn answer(&self, status: u16) {
        *self.shared.status.lock().unwrap() = status;
    }

    /// What was posted since it was last asked.
    pub fn take(&self) -> Vec<Posted> {
        std::mem::take(&mut *self.shared.received.lock().unwrap())
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request: Request<Incoming>| {
            let shared = Arc::clone(&shared);
            async move {
                let headers = request.headers().clone();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body = String::from_utf8(body.into()).unwrap();
                shared.received.lock().unwrap().push(Posted { headers, body });
                let mut response = Response::new(Full::new(Bytes::from_static(b"thanks")));
                *response.status_mut() = (*shared.status.lock().unwrap()).try_into().unwrap();
                // Whoever follows this gets nowhere.
                let elsewhere = http::HeaderValue::from_static("/elsewhere");
                response.headers_mut().insert(http::header::LOCATION, elsewhere);
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move { drop(connection.await) });
    }
}
