//! The HTTP trigger: connections, routes, limits, and an orderly end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::task::JoinSet;
use wasmtime_wasi_http::WasiBody;

use crate::dev_mail::{self, DevMail};
use crate::dispatch::Dispatcher;
use crate::manifest::{HttpTarget, StaticResponse};
use crate::options::{HostOptions, Limits};
use crate::problem::{Problem, own, whole};
use crate::room::{Room, Taken, client_of, network_of};
use crate::route::{RouteMatch, Router, WELL_KNOWN_PREFIX};

/// How long a connection may stay without a whole request head on it.
const HEAD_WAIT: Duration = Duration::from_mins(1);

/// The pause after the system could not accept a connection, for want of file handles say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a client gets that has its share of connections.
const NO_CONNECTION: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
    content-length: 0\r\nconnection: close\r\n\r\n";

/// Everything that a request may need.
pub(crate) struct Server {
    router: Router<HttpTarget>,
    components: BTreeMap<String, Dispatcher>,
    limits: Limits,
    dev_mail: Option<DevMail>,
    client_address_header: Option<HeaderName>,
    connections: Room,
    /// For the bytes of requests' bodies.
    bodies: Room,
}

impl Server {
    pub(crate) fn new(
        router: Router<HttpTarget>,
        components: BTreeMap<String, Dispatcher>,
        options: &HostOptions,
        dev_mail: Option<DevMail>,
    ) -> Server {
        let limits = options.limits;
        let parts = limits.parts_per_address;
        Server {
            router,
            components,
            limits,
            dev_mail,
            client_address_header: options.client_address_header.clone(),
            connections: Room::new(limits.connections, parts),
            bodies: Room::new(limits.request_bodies_bytes, parts),
        }
    }

    /// Accepts connections until `stop` turns true, and then waits for what runs.
    pub(crate) async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        mut stop: watch::Receiver<bool>,
    ) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&listener) => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            while connections.try_join_next().is_some() {}
            match accepted {
                Ok(Some((stream, peer, place))) => {
                    let connection = self.clone().connection(stream, peer, &graceful);
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                // The client was told that it has its share.
                Ok(None) => {}
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(self.limits.shutdown_wait, graceful.shutdown()).await;
        connections.shutdown().await;
    }

    /// Waits for a connection; `None` if the client already has its share of them.
    async fn accept(&self, listener: &TcpListener) -> io::Result<Option<Accepted>> {
        let all = self.connections.all().acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        stream.set_nodelay(true)?;
        if self.client_address_header.is_some() {
            // A proxy's connections are those of many clients.
            return Ok(Some((stream, peer, [Some(all), None])));
        }
        let share = self.connections.share(network_of(peer.ip()));
        let Ok(share) = share.try_acquire_owned() else {
            // Where there is no room for so short an answer, there is none for a longer one.
            let _ = stream.try_write(NO_CONNECTION);
            return Ok(None);
        };
        Ok(Some((stream, peer, [Some(all), Some(share)])))
    }

    fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        graceful: &GracefulShutdown,
    ) -> impl Future<Output = ()> + Send + 'static {
        let service = service_fn(move |request| {
            let server = Arc::clone(&self);
            async move { Ok::<_, Infallible>(server.answer(request, peer).await) }
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

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<WasiBody> {
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
                let answer = self.ask(name, &found, request, peer).await;
                answer.unwrap_or_else(Problem::response)
            }
        }
    }

    async fn ask(
        &self,
        component: &str,
        found: &RouteMatch<'_, HttpTarget>,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Result<Response<WasiBody>, Problem> {
        *request.uri_mut() = absolute_uri(&request).ok_or(Problem::BadHost)?;
        let dispatcher = self.components.get(component).ok_or(Problem::NoRoute)?;
        let client = client_of(request.headers(), self.client_address_header.as_ref(), peer);
        let headers = spin_headers(request.uri(), found, peer);
        // Appended, as on Spin: of several values the last one is the host's.
        request.headers_mut().extend(headers);
        // Whoever sends slowly takes no instance meanwhile.
        let (head, body) = request.into_parts();
        let body = tokio::time::timeout(self.limits.request_body_wait, self.read(body, client));
        let (body, _room) = body.await.map_err(|_| Problem::SlowBody)??;
        let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
        dispatcher.answer(Request::from_parts(head, body), client).await
    }

    /// Reads a body, as long as there is room for it.
    async fn read(
        &self,
        mut body: Incoming,
        client: IpAddr,
    ) -> Result<(Bytes, Option<Taken>), Problem> {
        let most = self.limits.request_body_bytes;
        if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > most) {
            return Err(Problem::BodyTooLarge);
        }
        let mut whole = BytesMut::new();
        let mut room: Option<Taken> = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame.map_err(|_| Problem::CutBody)?.into_data() else { continue };
            if whole.len() + data.len() > most {
                return Err(Problem::BodyTooLarge);
            }
            let amount = u32::try_from(data.len()).map_err(|_| Problem::BodyTooLarge)?;
            let more = self.bodies.try_take(client, amount).ok_or(Problem::Busy)?;
            match &mut room {
                Some(room) => room.add(more),
                None => room = Some(more),
            }
            whole.extend_from_slice(&data);
        }
        Ok((whole.freeze(), room))
    }
}

/// A connection, who is at its other end, and the room that it takes.
type Accepted = (TcpStream, SocketAddr, [Option<OwnedSemaphorePermit>; 2]);

fn static_response(fixed: &StaticResponse) -> Response<WasiBody> {
    let mut response = whole(fixed.status, fixed.body.clone());
    response.headers_mut().extend(fixed.headers.clone());
    response
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
