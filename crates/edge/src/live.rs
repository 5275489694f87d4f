//! Sends a stream: looks, sends what is new, and waits, for as long as its client listens.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::{Either, Full};
use spin_sdk::time::sleep;
use store::StoreError;
use web::ambient;
use web::live::{Feed, Look};

use crate::database::current_database;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What an answer says: all of it at once, or as it happens.
pub type LiveBody = Either<Full<Bytes>, FeedBody>;

/// A stream on its way. It looks only when what it found before is sent, and dropping it ends it.
pub struct FeedBody {
    feed: Feed,
    pause: Option<Pin<Box<dyn Future<Output = ()>>>>,
    is_over: bool,
}

impl FeedBody {
    pub(crate) fn new(feed: Feed) -> FeedBody {
        FeedBody { feed, pause: None, is_over: false }
    }
}

impl Body for FeedBody {
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
            let Look { text, is_last } = look(&mut self.feed).unwrap_or_else(end);
            self.is_over = is_last;
            self.pause = Some(Box::pin(sleep(PAUSE)));
            if !text.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(text.into()))));
            }
        }
        Poll::Ready(None)
    }
}

fn look(feed: &mut Feed) -> Result<Look, StoreError> {
    let now = ambient::now();
    feed.look(&current_database(now)?, now)
}

/// Whoever listens comes back, and is told then what is the matter.
fn end(error: StoreError) -> Look {
    log(&format!("a stream fails: {:?}", error.to_string()));
    Look { is_last: true, ..Look::default() }
}

impl Drop for FeedBody {
    fn drop(&mut self) {
        let how = if self.is_over { "ended" } else { "was left" };
        log(&format!("a stream {how} after {} looks", self.feed.looks()));
    }
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(line: &str) {
    eprintln!("{line}");
}
