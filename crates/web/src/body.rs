//! A response's body: all of it, a stream, or a wait for something to say.

use std::time::Duration;

use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};

use crate::context::Response;
use crate::env::Env;
use crate::problem::Problem;

/// A response's body. Whoever sends a stream or a wait polls it once a second.
pub enum Body {
    /// All of it.
    Bytes(Vec<u8>),
    /// Sent as it happens, until it ends or its client is gone.
    Stream(Box<dyn Stream>),
    /// Nothing yet: something may come before the wait is over.
    Wait(Box<dyn Wait>),
}

impl Body {
    /// What is known of it.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Bytes(bytes) => bytes,
            Body::Stream(_) | Body::Wait(_) => &[],
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Bytes(bytes)
    }
}

/// The type of a stream: server-sent events.
pub const EVENT_STREAM: &str = "text/event-stream";

/// A stream of text.
pub trait Stream {
    /// Looks for what is to be sent next. An error ends the stream.
    fn poll(&mut self, env: &Env<'_>) -> Result<Chunk, Problem>;
}

/// What a stream sends next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// What is sent; nothing if it is empty.
    pub text: String,
    /// Whether the stream ends here.
    pub is_last: bool,
}

/// A wait for something to say.
pub trait Wait {
    /// Whether it does not look any more, having waited for so long.
    fn is_over(&self, waited: Duration) -> bool;

    /// Looks once more: answers the JSON document to send. An error ends the wait.
    fn poll(&mut self, env: &Env<'_>) -> Result<Option<Vec<u8>>, Problem>;
}

/// Says what was waited for, with the response that said nothing so far.
pub fn answer_wait(mut response: Response, document: Vec<u8>) -> Response {
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
    *response.body_mut() = document.into();
    response
}
