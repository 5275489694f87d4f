//! localstripe, a stand-in for Stripe's API that nobody here wrote, and a market that is paid
//! through it.
//!
//! Objects, charges and signed webhooks are localstripe's own. It has no Checkout Sessions: these
//! are in `tests/e2e/stripe/checkout.py`.

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use gridproxy::{Documents, Standin};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::client::{self, Call, Client};
use crate::market::{Market, workspace};

/// What it says before its address.
const READY: &str = "listening on http://";
/// How often something that is awaited is looked for, and how often at most: for 10 seconds.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
const OBSERVATIONS_MAX: u32 = 200;

/// localstripe, running. It ends when this is dropped.
pub struct Localstripe {
    address: SocketAddr,
    signed: Arc<Mutex<Vec<Signed>>>,
    catcher: String,
    _process: Child,
    _tasks: JoinSet<()>,
}

/// A webhook as localstripe sends it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The value of `Stripe-Signature`.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Signed {
    /// The event that it tells of.
    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The request that brings it.
    pub fn call(&self) -> Call {
        Call::new(http::Method::POST, Localstripe::WEBHOOK)
            .with("content-type", "application/json; charset=utf-8")
            .with("stripe-signature", &self.signature)
            .body(self.body.clone())
    }
}

impl Localstripe {
    /// Identifies us at Stripe.
    pub const KEY: &str = "sk_test_of_the_end_to_end_tests";
    /// What Stripe signs with.
    pub const SECRET: &str = "whsec_of_the_end_to_end_tests";
    /// Where the market takes events.
    pub const WEBHOOK: &str = "/api/payments/stripe/webhook";

    /// localstripe as it is.
    pub async fn start() -> Localstripe {
        Localstripe::start_with(&[]).await
    }

    /// localstripe and Checkout Sessions.
    pub async fn start_with_checkout() -> Localstripe {
        Localstripe::start_with(&["checkout"]).await
    }

    async fn start_with(arguments: &[&str]) -> Localstripe {
        let python = workspace().join("target/localstripe/venv/bin/python");
        let missing = "localstripe is missing: `cargo xtask test` installs it";
        let mut process = Command::new(python)
            // It leaves nothing in the folder of the sources.
            .arg("-B")
            .arg(workspace().join("tests/e2e/stripe/serve.py"))
            .args(arguments)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{missing} ({error})"));
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().unwrap_or_default();
        let address = line.strip_prefix(READY).unwrap_or_else(|| panic!("localstripe ended"));
        let address = address.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let catcher = format!("http://{}/", listener.local_addr().unwrap());
        let signed = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(catch(listener, Arc::clone(&signed)));
        Localstripe { address, signed, catcher, _process: process, _tasks: tasks }
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Posts a form, as Stripe's libraries do.
    pub async fn post<'a>(
        &self,
        path: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Value {
        let call = Call::form(path, fields).with("authorization", &bearer());
        let answer = client::exchange(self.address, &call, &[]).await;
        assert_eq!(answer.status, 200, "{answer}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// A market that is paid through it, on the clock of this machine, whose time it signs.
    pub async fn market(&self) -> Market {
        let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
        let (grid_url, url) = (grid.url(), self.url());
        let variables = [
            ("gridproxy_urls", grid_url.as_str()),
            ("stripe_secret_key", Localstripe::KEY),
            ("stripe_webhook_secret", Localstripe::SECRET),
            ("stripe_url", &url),
            ("stripe_checkout_url", &url),
        ];
        let market = Market::start_with(grid, variables).await;
        let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
        market.set_clock(i64::try_from(now).unwrap());
        market
    }

    /// Has every event sent to a market from now on, signed with this secret, under a name.
    pub async fn notify(&self, name: &str, market: &Market, secret: &str) {
        let url = format!("{}{}", market.url(), Localstripe::WEBHOOK);
        self.tell_at(name, &url, secret).await;
    }

    /// Has every event kept from now on, signed as for the market.
    pub async fn catch(&self) {
        self.tell_at("catcher", &self.catcher, Localstripe::SECRET).await;
    }

    async fn tell_at(&self, name: &str, url: &str, secret: &str) {
        let path = format!("/_config/webhooks/{name}");
        self.post(&path, [("url", url), ("secret", secret)]).await;
    }

    /// The events of a kind that were kept, once there are so many.
    pub async fn caught(&self, kind: &str, count: usize) -> Vec<Signed> {
        for _ in 0..OBSERVATIONS_MAX {
            let found: Vec<_> = {
                let signed = self.signed.lock().unwrap();
                signed.iter().filter(|it| it.event()["type"] == kind).cloned().collect()
            };
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        panic!("no {count} {kind}");
    }

    /// Somebody pays on the page at `url`, and is led back; `is_delayed` by a debit whose money
    /// comes later. Answers where they are led.
    pub async fn pay(&self, url: &str, is_delayed: bool) -> String {
        let path = url.strip_prefix(&self.url()).unwrap();
        let fields = is_delayed.then_some(("delayed", "1"));
        let answer = client::exchange(self.address, &Call::form(path, fields), &[]).await;
        answer.see_other()
    }
}

fn bearer() -> String {
    format!("Bearer {}", Localstripe::KEY)
}

impl Client {
    /// Waits until the wallet holds an amount.
    pub async fn wait_for_balance(&self, expected: &str) {
        for _ in 0..OBSERVATIONS_MAX {
            if self.balance().await == expected {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        panic!("the wallet holds {} and not {expected}", self.balance().await);
    }
}

/// Keeps every request.
async fn catch(listener: TcpListener, signed: Arc<Mutex<Vec<Signed>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let signed = Arc::clone(&signed);
        let service = service_fn(move |request: Request<Incoming>| {
            let signed = Arc::clone(&signed);
            async move {
                let signature = request.headers()["stripe-signature"].to_str().unwrap().to_owned();
                let body = request.into_body().collect().await.map_err(io::Error::other)?;
                let body = body.to_bytes().into();
                signed.lock().unwrap().push(Signed { signature, body });
                io::Result::Ok(Response::new(Full::new(Bytes::new())))
            }
        });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        connections.spawn(async move { drop(connection.await) });
    }
}
