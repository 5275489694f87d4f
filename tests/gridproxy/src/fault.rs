//! The ways in which the stand-in can be told to fail, and what a fault makes of an answer.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::answer::Answer;

/// The longest that one request can be delayed.
pub const DELAY_MS_MAX: u64 = 600_000;

/// The most bytes of a huge body; they are made while they are sent.
pub const HUGE_BYTES_MAX: u64 = 8 << 30;

/// The most bytes that a packed body unpacks to; it is packed in memory.
pub const GZIP_BOMB_BYTES_MAX: u64 = 256 << 20;

/// The most bytes of a body, of a path or of a location given by a test.
pub const TEXT_BYTES_MAX: usize = 4 << 20;

/// What goes wrong, for which requests, and how often.
///
/// As JSON: `{"effect": {"kind": "cut", "after_bytes": 100}, "delay_ms": 50, "times": 1}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// What happens to the answer.
    pub effect: Effect,
    /// Milliseconds to wait before the answer.
    pub delay_ms: u64,
    /// Only requests whose path and query start with this.
    pub path: Option<String>,
    /// Only so many requests; then the fault is gone.
    pub times: Option<u32>,
}

/// What happens to an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// Nothing.
    #[default]
    None,
    /// The port is closed: to connect fails. This is for all requests, until the fault is cleared.
    Refuse,
    /// The connection ends without an answer.
    Close,
    /// An error with this status and the server's kind of body.
    Status { code: u16 },
    /// The right answer, but the connection ends after so many bytes of its body.
    Cut { after_bytes: usize },
    /// The right answer, so many bytes at a time, with a pause after each piece.
    Drip { bytes: usize, pause_ms: u64 },
    /// Bytes that are no text, said to be JSON.
    Garbage,
    /// The page of a proxy in between, with status 200.
    Html,
    /// A JSON list that opens and then goes on with so many spaces.
    Huge { bytes: u64 },
    /// A body that is said to be packed with gzip, and is not.
    BadGzip,
    /// A small packed body that unpacks to so many bytes.
    GzipBomb { bytes: u64 },
    /// A redirect to another place.
    Redirect { location: String },
    /// Exactly this.
    Body { status: u16, content_type: String, body: String },
}

/// Why a fault cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("a delay or pause is at most {DELAY_MS_MAX} ms")]
    Delay,
    #[error("a huge body has at most {HUGE_BYTES_MAX} bytes, a packed one {GZIP_BOMB_BYTES_MAX}")]
    Size,
    #[error("a text is at most {TEXT_BYTES_MAX} bytes")]
    Text,
    #[error("a status is 200 to 599")]
    Status,
    #[error("a location and a content type are printable ASCII")]
    Header,
    #[error("a closed port is for all requests: no path, no times, no delay")]
    RefuseSome,
    #[error("a piece has at least one byte")]
    EmptyPiece,
}

impl Fault {
    /// The effect, for all requests, until it is cleared.
    pub fn new(effect: Effect) -> Fault {
        Fault { effect, ..Fault::default() }
    }

    /// Right answers, late.
    pub fn slow(delay: Duration) -> Fault {
        let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        Fault { delay_ms, ..Fault::default() }
    }

    /// The same fault, for the next requests only.
    pub fn times(self, times: u32) -> Fault {
        Fault { times: Some(times), ..self }
    }

    /// The same fault, for paths that start like this.
    pub fn on(self, path: &str) -> Fault {
        Fault { path: Some(path.to_owned()), ..self }
    }

    /// Whether it is for a request to this path and query.
    pub(crate) fn is_for(&self, target: &str) -> bool {
        self.times != Some(0) && self.path.as_ref().is_none_or(|path| target.starts_with(path))
    }

    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let is_header = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let text_is_long = |text: &str| text.len() > TEXT_BYTES_MAX;
        if self.delay_ms > DELAY_MS_MAX {
            return Err(FaultError::Delay);
        }
        if self.path.as_deref().is_some_and(text_is_long) {
            return Err(FaultError::Text);
        }
        match &self.effect {
            Effect::Refuse if *self != Fault::new(Effect::Refuse) => Err(FaultError::RefuseSome),
            Effect::Status { code: status } | Effect::Body { status, .. }
                if !(200..600).contains(status) =>
            {
                Err(FaultError::Status)
            }
            Effect::Drip { bytes: 0, .. } => Err(FaultError::EmptyPiece),
            Effect::Drip { pause_ms, .. } if *pause_ms > DELAY_MS_MAX => Err(FaultError::Delay),
            Effect::Huge { bytes } if *bytes > HUGE_BYTES_MAX => Err(FaultError::Size),
            Effect::GzipBomb { bytes } if *bytes > GZIP_BOMB_BYTES_MAX => Err(FaultError::Size),
            Effect::Redirect { location: text } | Effect::Body { content_type: text, .. }
                if !is_header(text) =>
            {
                Err(FaultError::Header)
            }
            Effect::Redirect { location: text } | Effect::Body { body: text, .. }
                if text_is_long(text) =>
            {
                Err(FaultError::Text)
            }
            _ => Ok(()),
        }
    }
}

/// How the body of an answer goes over the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Whole,
    /// So many bytes of the body, then the connection ends.
    Cut(usize),
    /// Pieces of so many bytes, with a pause after each.
    Drip(usize, Duration),
    /// The body, and then so many spaces.
    Padded(u64),
}

/// What is sent instead of the right answer; `None` ends the connection without one.
pub(crate) fn spoil(answer: Answer, effect: Effect) -> Option<(Answer, Sending)> {
    let packed = |body: Vec<u8>| {
        let mut answer = Answer::json(200, "");
        answer.headers.push(("Content-Encoding", "gzip".to_owned()));
        (Answer { body, ..answer }, Sending::Whole)
    };
    Some(match effect {
        Effect::None => (answer, Sending::Whole),
        Effect::Refuse | Effect::Close => return None,
        Effect::Status { code } => {
            (Answer::error(code, "the stand-in was told to say this"), Sending::Whole)
        }
        Effect::Cut { after_bytes } => (answer, Sending::Cut(after_bytes)),
        Effect::Drip { bytes, pause_ms } => {
            (answer, Sending::Drip(bytes, Duration::from_millis(pause_ms)))
        }
        Effect::Garbage => {
            (Answer { body: GARBAGE.to_vec(), ..Answer::json(200, "") }, Sending::Whole)
        }
        Effect::Html => (Answer::html(200, HTML), Sending::Whole),
        Effect::Huge { bytes } => {
            (Answer { body: b"[".to_vec(), ..Answer::json(200, "") }, Sending::Padded(bytes))
        }
        Effect::BadGzip => packed(GARBAGE.to_vec()),
        Effect::GzipBomb { bytes } => packed(gzip_of_spaces(bytes)),
        Effect::Redirect { location } => {
            let mut answer = Answer::html(302, "");
            answer.headers.push(("Location", location));
            (answer, Sending::Whole)
        }
        Effect::Body { status, content_type, body } => {
            let headers = vec![("Content-Type", content_type)];
            (Answer { status, headers, body: body.into_bytes() }, Sending::Whole)
        }
    })
}

/// No UTF-8, no JSON, and the two bytes with which gzip begins.
const GARBAGE: &[u8] = b"\x1f\x8b\xff\xfe\x00{\"nodeId\":\x80\xc3\x28]]}}\xf0\x9f\x00\x01\x02";

const HTML: &str = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\
    <body><h1>502 Bad Gateway</h1><script>alert(1)</script></body></html>\n";

fn gzip_of_spaces(bytes: u64) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = [b' '; 4 << 10];
    let mut left = bytes;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        if encoder.write_all(&piece[..length]).is_err() {
            break;
        }
        left -= length as u64;
    }
    encoder.finish().unwrap_or_default()
}
