//! One outgoing exchange, on a connection to an address that was looked at before.
//!
//! What `wasmtime-wasi-http` sends by default resolves the name itself: it may get another answer
//! than the one that was looked at. With TLS the name is what the certificate has to be for.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::Uri;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Interval, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::outbound::{Io, Sent};

/// How long each step may take.
#[derive(Clone, Copy)]
pub(crate) struct Waits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) between_bytes: Duration,
}

/// Sends a request to the first of `addresses` that takes it. `tls_name` is whom the certificate
/// has to name; `None` for plain HTTP.
pub(crate) async fn send(
    mut request: http::Request<WasiBody>,
    addresses: &[SocketAddr],
    tls_name: Option<ServerName<'static>>,
    waits: Waits,
) -> Sent {
    let stream = timeout(waits.connect, TcpStream::connect(addresses)).await;
    let stream = stream.map_err(|_| Error::ConnectionTimeout)?.map_err(Error::Connect)?;
    let stream: Box<dyn Stream> = match tls_name {
        None => Box::new(stream),
        Some(name) => Box::new(tls()?.connect(name, stream).await.map_err(Error::Tls)?),
    };
    let shaken = timeout(waits.connect, http1::handshake(TokioIo::new(stream))).await;
    let (mut sender, connection) = shaken.map_err(|_| Error::ConnectionTimeout)??;
    let mut connection = Box::pin(connection);
    // Scheme and authority are for proxies only.
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = path.parse::<Uri>().map_err(|_| Error::HttpRequestUriInvalid)?;
    let mut sending = pin!(timeout(waits.first_byte, sender.send_request(request)));
    let mut is_open = true;
    let response = loop {
        tokio::select! {
            response = &mut sending => break response,
            // Driving the connection is what brings the response.
            ended = &mut connection, if is_open => {
                is_open = false;
                ended?;
            }
        }
    };
    let response = response.map_err(|_| Error::ConnectionReadTimeout)??;
    let response = response.map(|body| Timed::new(body, waits.between_bytes).boxed_unsync());
    let io = async move { if is_open { Ok(connection.await?) } else { Ok(()) } };
    Ok((response, Box::new(io) as Io))
}

/// TLS that trusts the roots that browsers trust.
fn tls() -> Result<TlsConnector, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let provider = Arc::new(crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| Error::Tls(std::io::Error::other(error)))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// A connection, with TLS or without.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A body each of whose parts has to come in time.
struct Timed {
    body: Incoming,
    timer: Interval,
}

impl Timed {
    fn new(body: Incoming, wait: Duration) -> Timed {
        let mut timer = tokio::time::interval(wait.max(Duration::from_nanos(1)));
        timer.reset();
        Timed { body, timer }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.timer.reset();
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        ready!(self.timer.poll_tick(cx));
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
