//! Sends a response's body: at once, as it happens, or when there is something to say.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{Either, Full};
use spin_sdk::time::sleep;
use web::body::{Chunk, Stream, Wait, answer_wait};
use web::env::Clock;
use web::job::log;
use web::{Env, Problem, Response};

use crate::database::current_database;
use crate::env::{HostClock, with_env};

/// The pause between two polls.
const PAUSE: Duration = Duration::from_secs(1);

/// A body that is sent: all of it at once, or as it happens.
pub type Body = Either<Full<Bytes>, StreamBody>;

/// A response with a body that can be sent. A wait is over first; other requests of the instance go
/// on meanwhile.
pub(crate) async fn prepare(response: Response) -> http::Response<Body> {
    let (head, body) = response.into_parts();
    let body = match body {
        web::Body::Bytes(bytes) => bytes,
        web::Body::Stream(stream) => {
            return http::Response::from_parts(head, Body::Right(StreamBody::new(stream)));
        }
        web::Body::Wait(wait) => {
            let nothing = http::Response::from_parts(head, web::Body::Bytes(Vec::new()));
            let response = match wait_for(wait).await {
                Some(document) => answer_wait(nothing, document),
                None => nothing,
            };
            return response.map(|body| full(body.bytes().to_vec()));
        }
    };
    http::Response::from_parts(head, full(body))
}

fn full(bytes: Vec<u8>) -> Body {
    Body::Left(Full::new(bytes.into()))
}

async fn wait_for(mut wait: Box<dyn Wait>) -> Option<Vec<u8>> {
    let clock = HostClock::start();
    while !wait.is_over(clock.elapsed()) {
        sleep(PAUSE).await;
        match poll_now(|env| wait.poll(env)) {
            Ok(None) => {}
            Ok(found) => return found,
            // Whoever waits asks again, and gets the problem then.
            Err(problem) => {
                log_failure("a wait fails", &problem);
                return None;
            }
        }
    }
    None
}

fn poll_now<T>(poll: impl FnOnce(&Env<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let clock = HostClock::start();
    with_env(current_database, &clock, clock.now(), poll)?
}

/// A stream on its way. It is polled only when what it found before is sent, and dropping it ends
/// it.
pub struct StreamBody {
    stream: Box<dyn Stream>,
    pause: Option<Pin<Box<dyn Future<Output = ()>>>>,
    polls: u32,
    is_over: bool,
}

impl StreamBody {
    fn new(stream: Box<dyn Stream>) -> StreamBody {
        StreamBody { stream, pause: None, polls: 0, is_over: false }
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while !self.is_over {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
            }
            self.polls += 1;
            let Chunk { text, is_last } =
                poll_now(|env| self.stream.poll(env)).unwrap_or_else(|problem| end(&problem));
            self.is_over = is_last;
            self.pause = Some(Box::pin(sleep(PAUSE)));
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
        Poll::Ready(None)
    }
}

/// Whoever listens connects again, and gets the problem then.
fn end(problem: &Problem) -> Chunk {
    log_failure("a stream fails", problem);
    Chunk { is_last: true, ..Chunk::default() }
}

/// The cause is quoted, so that it cannot forge a line.
fn log_failure(what: &str, problem: &Problem) {
    let cause = problem.cause.as_deref().unwrap_or_default();
    log(&format!("{what}: {} {cause:?}", problem.kind.into_str()));
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        let how = if self.is_over { "ended" } else { "was left" };
        log(&format!("a stream {how} after {} looks", self.polls));
    }
}
