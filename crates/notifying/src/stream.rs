//! What happens, told as it happens: server-sent events, and the same as one answer.
//!
//! A stream is a [`Feed`], which looks at the database again and again; whoever sends it waits in
//! between. Nothing of it is kept anywhere: the client knows the last event that it was told.

pub(crate) mod json;

use std::fmt::Write;

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::AccountId;
use domain::time::Timestamp;
use http::header::{ACCEPT, HeaderName, VARY};
use http::{Method, StatusCode};
use store::events::{self, Event};
use store::{Db, StoreError, archives};
use web::body::{Body, Chunk, EVENT_STREAM, Stream};
use web::context::sole_header;
use web::limit::{self, Limit};
use web::{Context, Env, Kind, Problem, Request, Response, respond, session};

use crate::stream::json::{EventView, Events};

/// The most events that are sent at once.
const EVENTS_AT_ONCE: u32 = 200;
/// How often a stream looks before it ends: a second apart, so that it ends before proxies do it.
const POLLS_MAX: u32 = 50;
/// A stream says that it is alive after so many looks without news. Only then does it notice that
/// its client is gone.
const QUIET_POLLS: u32 = 5;
/// A stream asks whether its client may still see it at each such look, and before it tells news.
const POLLS_PER_CHECK: u32 = 10;
/// How long a client waits before it opens a stream again, in milliseconds.
const RETRY_MILLIS: u32 = 3_000;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Keeps nginx, and what behaves like it, from holding a stream back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// Answers with what came after the event that the client knows: as a stream that goes on, if the
/// request asks for one, or at once.
pub(crate) fn answer(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.account()?.account;
    let last = events::last(cx.db, account)?;
    let known = known(cx)?;
    if let Some(known) = known.filter(|known| *known > 0) {
        refuse_archived(cx, known)?;
    }
    // A number from before a backup was restored would otherwise wait for ever.
    let after = known.unwrap_or(last).min(last);
    let response = if wants_stream(cx) {
        open(cx, account, after)?
    } else {
        let found = events::since(cx.db, account, after, EVENTS_AT_ONCE)?;
        let next_after = found.last().map_or(after, |event| event.id);
        let items = found.iter().map(EventView::new).collect();
        respond::json(StatusCode::OK, &Events { items, next_after })?
    };
    Ok(respond::with_header(response, VARY, "Accept"))
}

/// Refuses to go on behind an event after which others are archived: some would be left out.
fn refuse_archived(cx: &Context<'_>, known: i64) -> Result<(), Problem> {
    let archived = archives::bounds(cx.db)?.events;
    if known >= archived {
        return Ok(());
    }
    let detail = format!(
        "Events up to number {archived} are archived, and those after {known} are among them. \
         Continue with after={archived}, and ask the operator for the others."
    );
    Err(Problem::new(Kind::Archived, detail))
}

fn open(cx: &Context<'_>, account: AccountId, after: i64) -> Result<Response, Problem> {
    if *cx.request.method() != Method::HEAD {
        let mut limits = limit::by_account(cx, limit::STREAMS, cx.account()?);
        limits.push(Limit::new(cx, limit::STREAMS_BY_ADDRESS, &cx.address));
        limit::spend(cx, &limits)?;
    }
    let mut response = respond::answer(StatusCode::OK, EVENT_STREAM, Vec::new());
    let feed = Feed { request: cx.request.clone(), account, after, polls: 0, quiet: 0 };
    *response.body_mut() = Body::Stream(Box::new(feed));
    Ok(respond::with_header(response, ACCEL_BUFFERING, "no"))
}

/// The last event that the client knows, if it says so.
fn known(cx: &Context<'_>) -> Result<Option<i64>, FieldError> {
    let wrong = |field| FieldError::new(field, "the number of an event, or 0");
    let header = sole_header(cx.request, LAST_EVENT_ID).map_err(|_| wrong("Last-Event-ID"))?;
    let header = header.map(str::trim).filter(|text| !text.is_empty());
    let read = |field, text: &str| {
        let number = text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        number.map(i64::from).ok_or_else(|| wrong(field))
    };
    // A client that comes back knows better than the address that it began with.
    let after = cx.query("after").map(|text| read("after", &text)).transpose()?;
    Ok(header.map(|text| read("Last-Event-ID", text)).transpose()?.or(after))
}

fn wants_stream(cx: &Context<'_>) -> bool {
    let is_stream = |kind: &str| {
        let name = kind.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(EVENT_STREAM)
    };
    cx.header(ACCEPT).is_some_and(|accept| accept.split(',').any(is_stream))
}

/// A stream of what happens to an account.
struct Feed {
    /// Shows again and again who asks.
    request: Request,
    account: AccountId,
    /// The last event that was sent.
    after: i64,
    polls: u32,
    /// Looks since the stream last said something.
    quiet: u32,
}

impl Stream for Feed {
    fn poll(&mut self, env: &Env<'_>) -> Result<Chunk, Problem> {
        match self.read_events(env.db, env.now) {
            // The next look finds what this one did not.
            Err(StoreError::Busy) if self.polls < POLLS_MAX => Ok(Chunk::default()),
            result => Ok(result?),
        }
    }
}

impl Feed {
    fn read_events(&mut self, db: &dyn Db, now: Timestamp) -> Result<Chunk, StoreError> {
        let is_first = self.polls == 0;
        self.polls += 1;
        self.quiet += 1;
        let news = events::since(db, self.account, self.after, EVENTS_AT_ONCE)?;
        let is_time_to_check = !is_first && self.polls.is_multiple_of(POLLS_PER_CHECK);
        if (!news.is_empty() || is_time_to_check) && !self.may_see(db, now)? {
            return Ok(Chunk { is_last: true, ..Chunk::default() });
        }
        let mut text = String::new();
        if is_first {
            // Shows the client that streams get through to it, and where to go on from.
            let begun = format!("event: begun\nid: {}\ndata: {{}}\n\n", self.after);
            text = format!("retry: {RETRY_MILLIS}\n{begun}");
        }
        for event in &news {
            write_event(&mut text, event);
            self.after = event.id;
        }
        if text.is_empty() && self.quiet >= QUIET_POLLS {
            text.push_str(":\n\n");
        }
        if !text.is_empty() {
            self.quiet = 0;
        }
        Ok(Chunk { text, is_last: self.polls >= POLLS_MAX })
    }

    /// Whether the session or the token is still good, and still that account's.
    fn may_see(&self, db: &dyn Db, now: Timestamp) -> Result<bool, StoreError> {
        let identity = session::still(db, &self.request, now)?;
        Ok(identity.is_some_and(|identity| {
            identity.account == self.account && identity.scopes.allow(Scope::Read)
        }))
    }
}

/// One event. It has no name, but a kind in its data: a browser hears named events only where it
/// knows all the names.
fn write_event(text: &mut String, event: &Event) {
    let data = serde_json::to_string(&EventView::new(event));
    // Text and numbers can always be written.
    let data = data.unwrap_or_default();
    write!(text, "id: {}\ndata: {data}\n\n", event.id).expect("writing to a string does not fail");
}
