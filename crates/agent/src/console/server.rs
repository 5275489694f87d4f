//! The console's server: a page for a link, and a WebSocket for the page. It speaks HTTP only; TLS
//! is in front of it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONNECTION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, HeaderMap,
    HeaderName, ORIGIN, REFERRER_POLICY, SET_COOKIE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::{self, Instant};

use crate::config::Console;
use crate::console::gate::{Denied, Gate, SESSION_SECONDS};
use crate::console::kept::{Consoles, Kept, Name, random};
use crate::console::line::{Line, Lines, View};
use crate::log::say;

/// How long the market's links are good for, in seconds.
const LINK_SECONDS: u64 = 60;

/// How long a request may take to arrive.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How long a browser may take to take what it is sent.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// How long a machine may take to take what was typed, before that is given up.
const TYPE_LIMIT: Duration = Duration::from_secs(5);

/// A console at which nobody types is ended.
const IDLE_LIMIT: Duration = Duration::from_mins(15);

/// The longest message of a browser, in bytes.
const INPUT_MAX: usize = 4096;

/// The most requests at a time. Open consoles are counted by the gate.
const REQUESTS_MAX: usize = 128;

/// How long to wait when no connection can be taken, such as without free files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// The cookie of a session.
const SESSION: &str = "console_session";

const PAGE: &str = include_str!("console.html");
const REFUSED: &str = include_str!("refused.html");
const STYLE: &str = include_str!("console.css");
const SCRIPT: &str = include_str!("console.js");

/// What all requests share.
struct Server {
    /// As browsers say it in `Origin`.
    public_url: String,
    consoles: Consoles,
    gate: Mutex<Gate>,
    lines: Lines,
    idle_limit: Duration,
    clock: fn() -> u64,
}

impl Server {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many seconds the session in a request's cookies has left at a machine.
    fn session(
        &self,
        kept: &Kept,
        name: &Name,
        headers: &HeaderMap,
        now: u64,
    ) -> Result<u64, Denied> {
        let left = self.gate().session(name, cookie(headers), now)?;
        let began_at = (now + left).saturating_sub(SESSION_SECONDS);
        if kept.is_over(began_at) { Err(Denied::NoSession) } else { Ok(left) }
    }
}

/// Starts the server on a thread of its own. An error is one of the port.
pub(crate) fn start(console: &Console, consoles: Consoles) -> Result<()> {
    let server = Server {
        public_url: console.public_url.clone(),
        consoles,
        gate: Mutex::default(),
        lines: Lines::default(),
        idle_limit: IDLE_LIMIT,
        clock: now,
    };
    let doing = || format!("console: listening on {}", console.listen);
    let listener = std::net::TcpListener::bind(console.listen).with_context(doing)?;
    listener.set_nonblocking(true).with_context(doing)?;
    // Each console that is open takes two files: as many as this program may have.
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("console: starting")?;
    let thread = thread::Builder::new().name("console".to_owned());
    let thread = thread.spawn(move || runtime.block_on(serve(listener, Arc::new(server))));
    thread.context("console: starting a thread")?;
    say!("console: {} on {}", console.public_url, console.listen);
    Ok(())
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the end of a link is a time of day")]
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn routes(server: Arc<Server>) -> Router {
    Router::new()
        .route("/console/{slice}/{rental}", get(open))
        .route("/console/{slice}/{rental}/socket", get(attend))
        .route("/console/files/console.css", get(async || file("text/css", STYLE)))
        .route("/console/files/console.js", get(async || file("text/javascript", SCRIPT)))
        .with_state(server)
}

async fn serve(listener: std::net::TcpListener, server: Arc<Server>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return say!("console: no server: {error}"),
    };
    let routes = routes(server);
    let requests = Arc::new(Semaphore::new(REQUESTS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&requests).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let service = TowerToHyperService::new(routes.clone());
        tokio::spawn(async move {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(REQUEST_LIMIT);
            let exchange = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
            // Answers end their connection: this is over when one of them was taken.
            let _ = time::timeout(REQUEST_LIMIT + SEND_LIMIT, exchange).await;
            drop(permit);
        });
    }
}

/// A signed link's parameters; none where a page is loaded again.
#[derive(Default, Deserialize)]
struct Link {
    expires: Option<String>,
    signature: Option<String>,
}

/// `GET /console/{slice}/{rental}`: the page, for a link that fits or for a session.
async fn open(
    State(server): State<Arc<Server>>,
    Path((slice, rental)): Path<(String, String)>,
    Query(link): Query<Link>,
    headers: HeaderMap,
) -> Response {
    let found =
        Name::read(&slice, &rental).and_then(|name| Some((server.consoles.find(&name)?, name)));
    // A machine that is not there answers as a link that does not fit: nobody learns which are.
    let Some((kept, name)) = found else { return refuse(Denied::Forged) };
    let now = (server.clock)();
    let (Some(expires), Some(signature)) = (&link.expires, &link.signature) else {
        return match server.session(&kept, &name, &headers, now) {
            Ok(_) => page(&server, &name).into_response(),
            Err(denied) => refuse(denied),
        };
    };
    let Ok(token) = random() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let link = (expires.as_str(), signature.as_str());
    let entered = server.gate().enter((&name, &kept.key()), link, token.clone(), now);
    if let Err(denied) = entered {
        return refuse(denied);
    }
    // The market made it for whoever could log in then.
    let made_at = expires.parse().unwrap_or(0_u64).saturating_sub(LINK_SECONDS);
    if kept.is_over(made_at) {
        return refuse(Denied::Over);
    }
    let secure = if server.public_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!(
        "{SESSION}={token}; Path=/console/{slice}/{rental}; Max-Age={SESSION_SECONDS}; HttpOnly; \
         SameSite=Strict{secure}"
    );
    ([(SET_COOKIE, cookie)], page(&server, &name)).into_response()
}

/// `GET /console/{slice}/{rental}/socket`: the WebSocket of the page.
async fn attend(
    State(server): State<Arc<Server>>,
    Path((slice, rental)): Path<(String, String)>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // A browser says of each WebSocket which site's page has opened it.
    if headers.get(ORIGIN).map(HeaderValue::as_bytes) != Some(server.public_url.as_bytes()) {
        return refuse(Denied::Elsewhere);
    }
    let found =
        Name::read(&slice, &rental).and_then(|name| Some((server.consoles.find(&name)?, name)));
    let Some((kept, name)) = found else { return refuse(Denied::NoSession) };
    let left = match server.session(&kept, &name, &headers, (server.clock)()) {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(denied) => return refuse(denied),
    };
    let upgrade = upgrade.max_message_size(INPUT_MAX).max_frame_size(INPUT_MAX);
    upgrade.on_upgrade(async move |mut socket| {
        // A script sees no status of a WebSocket that is refused, so this is said in it.
        let seat = Seat::take(&server, &name);
        let why = match seat {
            Err(denied) => denied.to_string(),
            Ok(_seat) => {
                let line = server.lines.join(&server.consoles, &name, kept.socket);
                show(&mut socket, &line, left, server.idle_limit).await.to_owned()
            }
        };
        let _ = send(&mut socket, json!({"ended": why}).to_string()).await;
        let _ = time::timeout(SEND_LIMIT, socket.send(Message::Close(None))).await;
    })
}

/// A place at a machine's console, until this is dropped.
struct Seat {
    server: Arc<Server>,
    name: Name,
}

impl Seat {
    fn take(server: &Arc<Server>, name: &Name) -> Result<Seat, Denied> {
        server.gate().sit(name)?;
        Ok(Seat { server: Arc::clone(server), name: name.clone() })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.server.gate().leave(&self.name);
    }
}

/// Shows a machine, and types at it, until one of both ends it. Answers why.
async fn show(
    socket: &mut WebSocket,
    line: &Line,
    session: Duration,
    idle_limit: Duration,
) -> &'static str {
    const GONE: &str = "The connection was lost.";
    let mut view = line.view.clone();
    view.mark_changed();
    let session_end = Instant::now() + session;
    let mut idle_end = Instant::now() + idle_limit;
    loop {
        tokio::select! {
            changed = view.changed() => {
                if changed.is_err() {
                    return "The console has ended.";
                }
                let newest = view.borrow_and_update().clone();
                match newest {
                    View::Ended(why) => return why,
                    View::Screen(document) => if send(socket, document.to_string()).await.is_err() {
                        return GONE;
                    },
                }
            }
            message = socket.recv() => {
                let keys = match message {
                    Some(Ok(Message::Text(text))) => text.as_bytes().to_vec(),
                    Some(Ok(Message::Binary(bytes))) => bytes.to_vec(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return GONE,
                };
                idle_end = Instant::now() + idle_limit;
                let typed = time::timeout(TYPE_LIMIT, line.keys.send(keys)).await;
                if !matches!(typed, Ok(Ok(()))) {
                    return "The machine is not accepting input.";
                }
            }
            () = time::sleep_until(idle_end) => {
                return "The console was idle for 15 minutes. Reload the page to continue.";
            }
            () = time::sleep_until(session_end) => {
                return "The session has expired. Open the console from your slice's page to \
                        continue.";
            }
        }
    }
}

async fn send(socket: &mut WebSocket, document: String) -> Result<(), ()> {
    let sent = time::timeout(SEND_LIMIT, socket.send(Message::Text(document.into()))).await;
    if matches!(sent, Ok(Ok(()))) { Ok(()) } else { Err(()) }
}

/// The session in the request's cookies.
fn cookie(headers: &HeaderMap) -> &str {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == SESSION).map_or("", |(_, value)| value.trim())
}

/// Headers of every answer: nothing is kept, framed, sent to other sites, or loaded from elsewhere.
fn headers(content_type: &'static str, sockets: &str) -> [(HeaderName, String); 6] {
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{sockets}; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    [
        (CONTENT_TYPE, format!("{content_type}; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store".to_owned()),
        // The address has the link's signature.
        (REFERRER_POLICY, "no-referrer".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // One request for each connection: none is left open.
        (CONNECTION, "close".to_owned()),
    ]
}

fn file(content_type: &'static str, text: &'static str) -> Response {
    (headers(content_type, ""), text).into_response()
}

/// The page of a machine; its ids are plain.
fn page(server: &Server, name: &Name) -> ([(HeaderName, String); 6], String) {
    // Not every browser counts a WebSocket of the same host among 'self'.
    let sockets = format!(" {}", server.public_url.replacen("http", "ws", 1));
    let text = PAGE.replace("{slice}", &name.slice).replace("{rental}", &name.rental);
    (headers("text/html", &sockets), text)
}

fn refuse(denied: Denied) -> Response {
    let text = REFUSED.replace("{why}", &denied.to_string());
    (StatusCode::FORBIDDEN, headers("text/html", ""), text).into_response()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
