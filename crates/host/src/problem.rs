//! Answers that the host makes itself, as problem details (RFC 9457).

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

/// When to come back after a 503, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What every answer that the host makes itself carries: nobody frames, keeps or guesses it, and
/// nothing in it does anything.
const GUARDS: [(HeaderName, HeaderValue); 4] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

/// Why a request got no answer of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    BadHost,
    NoRoute,
    NoSuchMethod,
    BodyTooLarge,
    /// The body did not arrive in time.
    SlowBody,
    /// The body did not arrive whole.
    CutBody,
    NotAMessage,
    /// The component trapped, or gave up without an answer.
    Failed,
    /// All instances are at work, or the client has its share of what there is.
    Busy,
    /// The component did not answer in time.
    Deadline,
}

impl Problem {
    fn parts(self) -> (StatusCode, &'static str) {
        match self {
            Problem::BadHost => {
                (StatusCode::BAD_REQUEST, "The Host header is missing or cannot be understood.")
            }
            Problem::NoRoute => (StatusCode::NOT_FOUND, "There is nothing at this address."),
            Problem::NoSuchMethod => {
                (StatusCode::METHOD_NOT_ALLOWED, "This method is not offered here.")
            }
            Problem::NotAMessage => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send a message as message/rfc822.")
            }
            Problem::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "The body of this request is too large.")
            }
            Problem::SlowBody => {
                (StatusCode::REQUEST_TIMEOUT, "The body of this request took too long to arrive.")
            }
            Problem::CutBody => {
                (StatusCode::BAD_REQUEST, "The body of this request did not arrive whole.")
            }
            Problem::Failed => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here."),
            Problem::Busy => {
                (StatusCode::SERVICE_UNAVAILABLE, "Too much is going on. Try again in a moment.")
            }
            Problem::Deadline => (StatusCode::GATEWAY_TIMEOUT, "The answer took too long."),
        }
    }

    pub(crate) fn response(self) -> Response<WasiBody> {
        let (status, detail) = self.parts();
        let document = serde_json::json!({
            "type": "about:blank",
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "success": false,
            "message": detail,
        });
        let mut response = own(status, "application/problem+json", document.to_string());
        if self == Problem::Busy {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// An answer that the host makes itself.
pub(crate) fn own(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<WasiBody> {
    let mut response = whole(status, body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.extend(GUARDS);
    response
}

/// A response whose body is known: hyper gives it its `content-length`.
pub(crate) fn whole(status: StatusCode, body: impl Into<Bytes>) -> Response<WasiBody> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
