//! The port of the grid's server: connections, and answers with their faults.
//!
//! It runs on hyper itself, because a fault may close the port or end a connection without an
//! answer, which a web framework does not let its handlers do.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::answer::{Answer, answer};
use crate::fault::{self, Sending};
use crate::requests::Received;
use crate::standin::Control;

/// The most connections at once; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 512;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// The server's own buffer: a body up to this size has a `Content-Length`, a longer one is chunked.
const CHUNKED_ABOVE_BYTES: usize = 2048;

/// What is made at a time of a long body.
const PIECE_BYTES: usize = 64 << 10;

/// How long a cut connection stays open after its last byte, so that the byte leaves.
const CUT_PAUSE: Duration = Duration::from_millis(20);

type Body = BoxBody<Bytes, io::Error>;

/// The port that the server listens on. It stays ours while the server refuses connections.
pub(crate) struct Port {
    /// Bound and never listening, it keeps other programs away from the port.
    placeholder: TcpSocket,
}

impl Port {
    pub(crate) fn reserve(address: SocketAddr) -> io::Result<Port> {
        Ok(Port { placeholder: bound(address)? })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.placeholder.local_addr().expect("a bound socket has an address")
    }

    fn listen(&self) -> io::Result<TcpListener> {
        bound(self.address())?.listen(1024)
    }
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that the placeholder and the listener can share the port. Linux still refuses it to a
    // second stand-in, because a socket listens on it; other systems ask for the second option.
    socket.set_reuseaddr(true)?;
    #[cfg(not(target_os = "linux"))]
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Serves until it is dropped; while the port is to be closed, there is no listener.
pub(crate) async fn serve(port: Port, control: Control) {
    let mut open_wanted = control.open_wanted();
    loop {
        match port.listen() {
            Ok(listener) => {
                control.set_open(true);
                tokio::select! {
                    () = accept(listener, &control) => {}
                    _ = open_wanted.wait_for(|open| !open) => {}
                }
            }
            // The port is reserved, so this is a machine without free descriptors.
            Err(_) => tokio::time::sleep(CUT_PAUSE).await,
        }
        control.set_open(false);
        if open_wanted.wait_for(|open| *open).await.is_err() {
            return;
        }
    }
}

/// Accepts connections. All of them end when this is dropped.
async fn accept(listener: TcpListener, control: &Control) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, control.clone()));
                    }
                    // A client that is gone already, or no free descriptor: go on after a while.
                    Err(_) => tokio::time::sleep(CUT_PAUSE).await,
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, control: Control) {
    // Without it, small pieces of a body wait for the client's delayed acknowledgment.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, &control));
    let served = hyper::server::conn::http1::Builder::new()
        .title_case_headers(true)
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // It ends with an error when a client goes away, and when a fault asks for it.
    let _ = served.await;
}

/// A fault that ends the connection.
#[derive(Debug, thiserror::Error)]
#[error("the stand-in was told to close the connection")]
struct Closed;

async fn respond(request: Request<Incoming>, control: &Control) -> Result<Response<Body>, Closed> {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
    let method = request.method().as_str().to_owned();
    let header = |name| {
        let value = request.headers().get(name).map(HeaderValue::as_bytes);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    let fault = control.receive(Received {
        number: 0,
        method: method.clone(),
        target: target.clone(),
        user_agent: header("user-agent"),
        accept_encoding: header("accept-encoding"),
    });
    if fault.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    let answer = control.with_grid(|grid| answer(grid, &method, &target));
    let (answer, sending) = fault::spoil(answer, fault.effect).ok_or(Closed)?;
    Ok(response(answer, sending))
}

fn response(answer: Answer, sending: Sending) -> Response<Body> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let body = Bytes::from(answer.body);
    let length = body.len();
    let is_chunked = matches!(sending, Sending::Padded(_))
        || (sending == Sending::Whole && length > CHUNKED_ABOVE_BYTES);
    if !is_chunked {
        response = response.header(CONTENT_LENGTH, length);
    }
    let body = match sending {
        Sending::Whole if !is_chunked => {
            Full::new(body).map_err(|error: Infallible| match error {}).boxed()
        }
        sending => streamed(body, sending),
    };
    response.body(body).expect("a fault's status and headers are checked when it is set")
}

/// A body that a task sends piece by piece; the task ends when the client is gone.
fn streamed(body: Bytes, sending: Sending) -> Body {
    let (mut sender, channel) = Channel::new(1);
    tokio::spawn(async move {
        // The one error is that nobody receives any more, and then there is nothing left to do.
        let _ = match sending {
            Sending::Whole => sender.send_data(body).await,
            Sending::Cut(after) => {
                let kept = body.slice(..after.min(body.len()));
                let sent = sender.send_data(kept).await;
                tokio::time::sleep(CUT_PAUSE).await;
                sender.abort(io::Error::other(Closed));
                sent
            }
            Sending::Drip(bytes, pause) => drip(&mut sender, body, bytes, pause).await,
            Sending::Padded(spaces) => pad(&mut sender, body, spaces).await,
        };
    });
    channel.boxed()
}

type Sent = Result<(), http_body_util::channel::SendError>;

async fn drip(
    sender: &mut Sender<Bytes, io::Error>,
    mut body: Bytes,
    bytes: usize,
    pause: Duration,
) -> Sent {
    while !body.is_empty() {
        sender.send_data(body.split_to(bytes.min(body.len()))).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn pad(sender: &mut Sender<Bytes, io::Error>, body: Bytes, spaces: u64) -> Sent {
    let piece = Bytes::from(vec![b' '; PIECE_BYTES]);
    sender.send_data(body).await?;
    let mut left = spaces;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        sender.send_data(piece.slice(..length)).await?;
        left -= length as u64;
    }
    Ok(())
}
