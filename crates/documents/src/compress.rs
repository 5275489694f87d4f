//! Compression of what is large and the same for everybody. What holds a secret is not compressed:
//! its length would tell of it (the attack BREACH).

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, VARY};
use web::{Body, Context, Response, session};

/// Less than this is not worth it, in bytes: it fits into one packet.
const BYTES_MIN: usize = 1_400;
/// Of nine: a stylesheet takes a millisecond and is a fifth of its size.
const LEVEL: u32 = 4;

/// The answer, compressed where the client takes that.
pub(crate) fn compressed(cx: &Context<'_>, mut response: Response) -> Response {
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let is_taken = cx.header(ACCEPT_ENCODING).is_some_and(takes_gzip);
    let Body::Bytes(bytes) = response.body() else { return response };
    if !is_taken || bytes.len() < BYTES_MIN {
        return response;
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(LEVEL));
    let Ok(short) = encoder.write_all(bytes).and_then(|()| encoder.finish()) else {
        return response;
    };
    *response.body_mut() = Body::Bytes(short);
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response
}

/// The same for a page: only one that nobody's session has a part in.
pub(crate) fn compressed_page(cx: &Context<'_>, response: Response) -> Response {
    if session::has_session(cx.request) { response } else { compressed(cx, response) }
}

/// Whether an `Accept-Encoding` takes gzip (RFC 9110, 12.5.3): a weight of zero refuses it.
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let weight = weight.trim().strip_prefix("q=").and_then(|it| it.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_some_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_where_it_is_named_and_not_refused() {
        for taken in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.8"] {
            assert!(takes_gzip(taken), "{taken}");
        }
        for refused in ["", "br", "gzip;q=0", "identity, gzip; q=0.000", "gzipped"] {
            assert!(!takes_gzip(refused), "{refused}");
        }
    }
}
