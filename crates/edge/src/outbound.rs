//! Requests to the outside, bounded in size and time.
//!
//! Through WASI 0.2, whose calls block: the cron components cannot await, and one way serves all.

use std::time::{Duration, Instant};

use url::Url;
use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingBody, OutgoingRequest,
    RequestOptions, Scheme,
};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{OutputStream, StreamError};
use web::env::{Answer, Message, Outbound};

/// How long a connection, the first byte and each next one may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a `GET` may take in all, however slowly its answer drips.
const GET_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a `POST` may take in all. The outbox gives a mail to the next mailer after 30 seconds.
const POST_TIMEOUT: Duration = Duration::from_secs(20);
/// How long several messages that are posted at once may take, all together.
const TOGETHER_TIMEOUT: Duration = Duration::from_secs(15);
/// The largest answer that is read, in bytes. A page of 200 nodes has about 500 kB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much is read at a time.
const PIECE_BYTES: u64 = 64 * 1024;

/// The network through WASI 0.2.
pub(crate) struct WasiOutbound;

impl Outbound for WasiOutbound {
    fn get(&self, url: &str) -> Result<Answer, String> {
        let headers = vec![("accept", "application/json".to_owned())];
        let message = Message { url, headers, body: &[] };
        exchange(&Method::Get, &message, Deadline::in_time(GET_TIMEOUT))
    }

    fn post(&self, message: &Message<'_>) -> Result<Answer, String> {
        exchange(&Method::Post, message, Deadline::in_time(POST_TIMEOUT))
    }

    fn post_all(&self, messages: &[Message<'_>]) -> Vec<Result<u16, String>> {
        let deadline = Deadline::in_time(TOGETHER_TIMEOUT);
        let answers: Vec<Result<FutureIncomingResponse, String>> =
            messages.iter().map(|message| begin(&Method::Post, message, &deadline)).collect();
        loop {
            let awaited: Vec<Pollable> =
                answers.iter().flatten().map(FutureIncomingResponse::subscribe).collect();
            let awaited: Vec<&Pollable> =
                awaited.iter().filter(|awaited| !awaited.ready()).collect();
            if awaited.is_empty() || !deadline.wait_for_any(&awaited) {
                break;
            }
        }
        answers.into_iter().map(|answer| status(&answer?)).collect()
    }
}

/// Sends a message, without waiting for its answer.
fn begin(
    method: &Method,
    message: &Message<'_>,
    deadline: &Deadline,
) -> Result<FutureIncomingResponse, String> {
    let request = request(method, message)?;
    let sending = request.body().map_err(|()| "the request has no body")?;
    let answer = handle(request, Some(options()?)).map_err(|error| format!("{error:?}"))?;
    send(sending, message.body, deadline)?;
    Ok(answer)
}

/// The status of an answer that has come by now.
fn status(answer: &FutureIncomingResponse) -> Result<u16, String> {
    match answer.get() {
        None => Err(format!("no answer within {} s", TOGETHER_TIMEOUT.as_secs())),
        Some(Ok(Ok(response))) => Ok(response.status()),
        Some(Ok(Err(error))) => Err(format!("{error:?}")),
        Some(Err(())) => Err("the host gave no answer".to_owned()),
    }
}

fn exchange(method: &Method, message: &Message<'_>, deadline: Deadline) -> Result<Answer, String> {
    let answer = begin(method, message, &deadline)?;
    deadline.wait(&answer.subscribe())?;
    let response = answer
        .get()
        .and_then(Result::ok)
        .ok_or("the host gave no answer")?
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    Ok(Answer { status, body: read(&response, &deadline)? })
}

fn request(method: &Method, message: &Message<'_>) -> Result<OutgoingRequest, String> {
    let Message { url, headers, body } = message;
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let scheme = match url.scheme() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => return Err(format!("cannot ask over {other}")),
    };
    let path = url.query().map_or(url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let mut fields: Vec<(String, Vec<u8>)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes()))
        .collect();
    if matches!(method, Method::Post) {
        // A body in chunks is more than some servers understand.
        fields.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    let fields = Fields::from_list(&fields).map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(fields);
    let set = request.set_method(method);
    let set = set.and_then(|()| request.set_scheme(Some(&scheme)));
    let set = set.and_then(|()| request.set_authority(Some(url.authority())));
    let set = set.and_then(|()| request.set_path_with_query(Some(&path)));
    set.map_err(|()| "the URL cannot be asked for".to_owned())?;
    Ok(request)
}

fn options() -> Result<RequestOptions, String> {
    let options = RequestOptions::new();
    let nanos = Some(nanos(STEP_TIMEOUT));
    let set = options.set_connect_timeout(nanos);
    let set = set.and_then(|()| options.set_first_byte_timeout(nanos));
    let set = set.and_then(|()| options.set_between_bytes_timeout(nanos));
    set.map_err(|()| "the host takes no time limits".to_owned())?;
    Ok(options)
}

/// Sends the whole body, and says that it is whole.
fn send(sending: OutgoingBody, body: &[u8], deadline: &Deadline) -> Result<(), String> {
    let stream = sending.write().map_err(|()| "the request's body cannot be written")?;
    let written = write(&stream, body, deadline);
    // A stream is a part of its body, and has to go first.
    drop(stream);
    if written? {
        OutgoingBody::finish(sending, None).map_err(|error| format!("{error:?}"))?;
    }
    Ok(())
}

/// Writes all of `body`; `false` if nobody reads it any more. Then there may be an answer all the
/// same, which says why.
fn write(stream: &OutputStream, mut body: &[u8], deadline: &Deadline) -> Result<bool, String> {
    while !body.is_empty() {
        deadline.wait(&stream.subscribe())?;
        let done = stream.check_write().and_then(|room| {
            let room = usize::try_from(room).unwrap_or(usize::MAX).min(body.len());
            let (now, later) = body.split_at(room);
            body = later;
            stream.write(now)
        });
        match done {
            Ok(()) => {}
            Err(StreamError::Closed) => return Ok(false),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
    }
    Ok(true)
}

fn read(response: &IncomingResponse, deadline: &Deadline) -> Result<Vec<u8>, String> {
    let body = response.consume().map_err(|()| "the answer has no body")?;
    let stream = body.stream().map_err(|()| "the answer's body cannot be read")?;
    let mut whole = Vec::new();
    loop {
        deadline.wait(&stream.subscribe())?;
        match stream.read(PIECE_BYTES) {
            Ok(piece) => whole.extend(piece),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
        if whole.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer is larger than {ANSWER_BYTES_MAX} bytes"));
        }
    }
}

/// Until when an exchange must be over.
struct Deadline {
    started: Instant,
    limit: Duration,
}

impl Deadline {
    fn in_time(limit: Duration) -> Deadline {
        Deadline { started: Instant::now(), limit }
    }

    /// Waits until something is ready, but not for longer than there is time.
    fn wait(&self, awaited: &Pollable) -> Result<(), String> {
        let left = self.limit.saturating_sub(self.started.elapsed());
        if !left.is_zero() {
            poll(&[awaited, &subscribe_duration(nanos(left))]);
            if awaited.ready() {
                return Ok(());
            }
        }
        Err(format!("the answer took longer than {} s", self.limit.as_secs()))
    }

    /// Waits until one of several is ready; `false` if the time is over.
    fn wait_for_any(&self, awaited: &[&Pollable]) -> bool {
        let left = self.limit.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return false;
        }
        let timer = subscribe_duration(nanos(left));
        let mut all = awaited.to_vec();
        all.push(&timer);
        poll(&all);
        true
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
