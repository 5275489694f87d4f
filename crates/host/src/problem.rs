//! Answers that the host makes itself, as problem details (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

/// When to come back after a 503, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// Why a request got no answer of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    BadHost,
    NoRoute,
    BodyTooLarge,
    /// The component trapped, or gave up without an answer.
    Failed,
    /// All instances are at work.
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
            Problem::BodyTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "The body of this request is too large.")
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
        let mut response = whole(status, document.to_string());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self == Problem::Busy {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// A response whose body is known: hyper gives it its `content-length`.
pub(crate) fn whole(status: StatusCode, body: impl Into<Bytes>) -> Response<WasiBody> {
    let body = Full::new(body.into()).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}
