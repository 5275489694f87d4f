//! Requests to the outside: one `GET`, bounded in size and time.
//!
//! Through WASI 0.2, whose calls block: the cron component cannot await, and one way serves both.

use std::time::{Duration, Instant};

use url::Url;
use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingResponse, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

/// How long a connection, the first byte and each next one may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a whole answer may take, however slowly it drips.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes. A page of 200 nodes has about 500 kB.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How much is read at a time.
const PIECE_BYTES: u64 = 64 * 1024;

/// An answer from outside.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its whole body.
    pub body: Vec<u8>,
}

/// Gets `url`. The error is for the log: it names no secret, for the URL is the operator's.
pub fn get(url: &str) -> Result<Answer, String> {
    let started = Instant::now();
    let answer = handle(request(url)?, Some(options()?)).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    let response = answer
        .get()
        .and_then(Result::ok)
        .ok_or("the host gave no answer")?
        .map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    Ok(Answer { status, body: read(&response, started)? })
}

fn request(url: &str) -> Result<OutgoingRequest, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let scheme = match url.scheme() {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => return Err(format!("cannot ask over {other}")),
    };
    let path = url.query().map_or(url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let headers = Fields::from_list(&[("accept".to_owned(), b"application/json".to_vec())])
        .map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(headers);
    let set = request.set_scheme(Some(&scheme));
    let set = set.and_then(|()| request.set_authority(Some(url.authority())));
    let set = set.and_then(|()| request.set_path_with_query(Some(&path)));
    set.map_err(|()| "the URL cannot be asked for".to_owned())?;
    Ok(request)
}

fn options() -> Result<RequestOptions, String> {
    let options = RequestOptions::new();
    let nanos = Some(u64::try_from(STEP_TIMEOUT.as_nanos()).unwrap_or(u64::MAX));
    let set = options.set_connect_timeout(nanos);
    let set = set.and_then(|()| options.set_first_byte_timeout(nanos));
    let set = set.and_then(|()| options.set_between_bytes_timeout(nanos));
    set.map_err(|()| "the host takes no time limits".to_owned())?;
    Ok(options)
}

fn read(response: &IncomingResponse, started: Instant) -> Result<Vec<u8>, String> {
    let body: IncomingBody = response.consume().map_err(|()| "the answer has no body")?;
    let stream = body.stream().map_err(|()| "the answer's body cannot be read")?;
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(PIECE_BYTES) {
            Ok(piece) => whole.extend(piece),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(error)) => return Err(error.to_debug_string()),
        }
        if whole.len() > ANSWER_BYTES_MAX {
            return Err(format!("the answer is larger than {ANSWER_BYTES_MAX} bytes"));
        }
        if started.elapsed() > ANSWER_TIMEOUT {
            return Err(format!("the answer took longer than {} s", ANSWER_TIMEOUT.as_secs()));
        }
    }
}
