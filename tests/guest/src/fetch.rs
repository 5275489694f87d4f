//! A blocking GET through WASI 0.2, as the cron component does it.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::{Fields, IncomingBody, OutgoingRequest, Scheme};
use wasip2::io::streams::StreamError;

/// The most that is read of an answer.
const BODY_BYTES_MAX: usize = 1 << 20;

/// The status and body of a URL, or the error's name.
pub(crate) fn get(url: &str) -> String {
    match try_get(url) {
        Ok(text) => text,
        Err(text) => format!("error: {text}"),
    }
}

fn try_get(url: &str) -> Result<String, String> {
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    // The host must not let it stand: a guest may not speak to one site in another's name.
    let headers = Fields::new();
    headers.append("host", b"forged.test").map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(headers);
    request.set_scheme(Some(&scheme)).map_err(|()| "bad scheme")?;
    request.set_authority(Some(authority)).map_err(|()| "bad authority")?;
    request.set_path_with_query(Some(path)).map_err(|()| "bad path")?;

    let answer = handle(request, None).map_err(|error| format!("{error:?}"))?;
    answer.subscribe().block();
    let answer = answer.get().ok_or("not ready")?.map_err(|()| "taken twice")?;
    let response = answer.map_err(|error| format!("{error:?}"))?;
    let status = response.status();
    let body = response.consume().map_err(|()| "no body")?;
    let text = read(&body)?;
    Ok(format!("{status} {text}"))
}

fn read(body: &IncomingBody) -> Result<String, String> {
    let stream = body.stream().map_err(|()| "no stream")?;
    let mut bytes = Vec::new();
    while bytes.len() < BODY_BYTES_MAX {
        match stream.blocking_read(64 << 10) {
            Ok(piece) => bytes.extend(piece),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(format!("{error:?}")),
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
