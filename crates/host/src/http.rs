//! The HTTP trigger: connections, routes, limits, and an orderly end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::dev_mail::{self, DevMail};
use crate::dispatch::Dispatcher;
use crate::manifest::{HttpTarget, StaticResponse};
use crate::options::Limits;
use crate::problem::{Problem, own, whole};
use crate::route::{RouteMatch, Router, WELL_KNOWN_PREFIX};

/// Open connections, idle ones among them. Further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 2_048;

/// How long a connection may stay without a whole request head on it.
const HEAD_WAIT: Duration = Duration::from_mins(1);

/// The pause after the system could not accept a connection, for want of file handles say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Everything that a request may need.
pub(crate) struct Server {
    pub(crate) router: Router<HttpTarget>,
    pub(crate) components: BTreeMap<String, Dispatcher>,
    pub(crate) limits: Limits,
    pub(crate) dev_mail: Option<DevMail>,
}

impl Server {
    /// Accepts connections until `stop` turns true, and then waits for what runs.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = accept(&listener, &places) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok((stream, client, place)) => {
                    let connection = self.clone().connection(stream, client, &graceful);
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(self.limits.shutdown_wait, graceful.shutdown()).await;
        connections.shutdown().await;
    }

    fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        client: SocketAddr,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = ()> + Send + 'static {
        let service = service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request, client).await) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        async move {
            // A client that hangs up in the middle is no news.
            let _ = connection.await;
        }
    }

    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<WasiBody> {
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
            return match name {
                "health" => own(StatusCode::OK, "text/plain; charset=utf-8", "OK"),
                _ => Problem::NoRoute.response(),
            };
        }
        if let (Some(mail), Some(rest)) = (&self.dev_mail, path.strip_prefix(dev_mail::PATH))
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return mail.answer(rest, request).await.unwrap_or_else(Problem::response);
        }
        let Some(found) = self.router.find(&path) else {
            return Problem::NoRoute.response();
        };
        match found.target {
            HttpTarget::Static(fixed) => static_response(fixed),
            HttpTarget::Component(name) => {
                let answer = self.ask(name, &found, request, client).await;
                answer.unwrap_or_else(Problem::response)
            }
        }
    }

    async fn ask(
        &self,
        component: &str,
        found: &RouteMatch<'_, HttpTarget>,
        mut request: Request<Incoming>,
        client: SocketAddr,
    ) -> Result<Response<WasiBody>, Problem> {
        let limit = self.limits.request_body_bytes;
        if request.body().size_hint().lower() > limit {
            return Err(Problem::BodyTooLarge);
        }
        *request.uri_mut() = absolute_uri(&request).ok_or(Problem::BadHost)?;
        let headers = spin_headers(request.uri(), found, client);
        // Appended, as on Spin: of several values the last one is the host's.
        request.headers_mut().extend(headers);

        let is_too_large = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&is_too_large);
        let request = request.map(|body| limited(body, limit, noted));
        let dispatcher = self.components.get(component).ok_or(Problem::NoRoute)?;
        let answer = dispatcher.answer(request).await;
        if is_too_large.load(Ordering::Relaxed) {
            return Err(Problem::BodyTooLarge);
        }
        answer
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, client) = listener.accept().await?;
    stream.set_nodelay(true)?;
    Ok((stream, client, place))
}

fn static_response(fixed: &StaticResponse) -> Response<WasiBody> {
    let mut response = whole(fixed.status, fixed.body.clone());
    response.headers_mut().extend(fixed.headers.clone());
    response
}

/// A body that ends in an error where it goes past the limit, and makes a note of that.
fn limited(body: Incoming, limit: u64, is_too_large: Arc<AtomicBool>) -> WasiBody {
    let bytes = usize::try_from(limit).unwrap_or(usize::MAX);
    let body = Limited::new(body, bytes).map_err(move |error| {
        if error.is::<LengthLimitError>() {
            is_too_large.store(true, Ordering::Relaxed);
            return Error::HttpRequestBodySize(Some(limit));
        }
        match error.downcast::<hyper::Error>() {
            Ok(error) => Error::Hyper(*error),
            Err(error) => Error::InternalError(Some(error.to_string())),
        }
    });
    body.boxed_unsync()
}

/// The URI with scheme and authority, which HTTP/1.1 has in the `Host` header.
fn absolute_uri(request: &Request<Incoming>) -> Option<Uri> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host: Option<Authority> = match hosts.next() {
        Some(host) => Some(host.to_str().ok()?.parse().ok()?),
        None => None,
    };
    if hosts.next().is_some() {
        return None;
    }
    let mut parts = request.uri().clone().into_parts();
    let authority = match (host, parts.authority) {
        (Some(host), Some(authority)) if host != authority => return None,
        (Some(host), Some(_) | None) => host,
        (None, authority) => authority?,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.as_ref()?;
    Uri::from_parts(parts).ok()
}

/// The request headers that Spin adds.
fn spin_headers(
    uri: &Uri,
    found: &RouteMatch<'_, HttpTarget>,
    client: SocketAddr,
) -> Vec<(HeaderName, HeaderValue)> {
    let route = found.route;
    let mut texts = vec![
        ("spin-path-info".to_owned(), found.path_info.clone()),
        ("spin-full-url".to_owned(), uri.to_string()),
        ("spin-matched-route".to_owned(), route.strip_suffix('/').unwrap_or(route).to_owned()),
        ("spin-base-path".to_owned(), "/".to_owned()),
        ("spin-raw-component-route".to_owned(), route.to_owned()),
        ("spin-component-route".to_owned(), route.strip_suffix("/...").unwrap_or(route).to_owned()),
        ("spin-client-addr".to_owned(), client.to_string()),
    ];
    for (name, value) in &found.named {
        texts.push((format!("spin-path-match-{}", name.to_ascii_lowercase()), (*value).to_owned()));
    }
    texts
        .into_iter()
        .filter_map(|(name, value)| Some((name.parse().ok()?, HeaderValue::from_str(&value).ok()?)))
        .collect()
}
