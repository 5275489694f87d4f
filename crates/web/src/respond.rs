//! Answers: their headers, their length, their tags.

use std::fmt::Write;

use askama::Template;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE, VARY,
    WWW_AUTHENTICATE,
};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::body::{Body, EVENT_STREAM};
use crate::confirmation::{self, Destination};
use crate::context::{Context, Response, header};
use crate::page::ErrorPage;
use crate::problem::{Kind, Problem};
use crate::{csv, session};

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How long a client waits before it tries again, in seconds.
const RETRY_AFTER_SECONDS: u64 = 1;

/// What a page may load and do: nothing from elsewhere, and no form that leads away.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What every answer carries besides, unless its handler says otherwise. Nothing may be framed,
/// sniffed, or loaded from elsewhere.
const SECURITY_HEADERS: [(&str, &str); 6] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ("referrer-policy", "same-origin"),
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
];

/// An answer of this status, type and body.
pub fn answer(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::Bytes(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A JSON document.
pub fn json(status: StatusCode, document: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(document).map_err(Problem::internal)?;
    Ok(answer(status, "application/json", body))
}

/// A page.
pub fn page(status: StatusCode, page: &impl Template) -> Result<Response, Problem> {
    let body = page.render().map_err(Problem::internal)?;
    Ok(answer(status, "text/html; charset=utf-8", body.into_bytes()))
}

/// A page whose forms may lead on to `origin`, such as `https://checkout.stripe.com`: a browser
/// holds that against where a form is sent on to as well. It must be an origin that was parsed.
pub fn page_that_leads_to(
    status: StatusCode,
    body: &impl Template,
    origin: &str,
) -> Result<Response, Problem> {
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    let response = page(status, body)?;
    Ok(with_header(response, CONTENT_SECURITY_POLICY, &policy))
}

/// The form did its work; the browser goes on to a path, and the page there may confirm it.
pub fn see_other<'a>(to: impl Into<Destination<'a>>) -> Response {
    let Destination { path, confirms } = to.into();
    let mut response = answer(StatusCode::SEE_OTHER, "text/plain; charset=utf-8", Vec::new());
    let location = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(LOCATION, location);
    match confirms {
        Some(name) => confirmation::confirming(response, name),
        None => response,
    }
}

/// For good at another path, for every method.
pub fn moved(path: &str) -> Response {
    let mut response = see_other(path);
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    response
}

/// For now at another path, with the same method and body.
pub fn same_method_at(path: &str) -> Response {
    let mut response = see_other(path);
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response
}

/// Nothing more to say.
pub fn no_content() -> Response {
    let mut response = Response::new(Body::Bytes(Vec::new()));
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Adds a header whose value was made by this program.
pub fn with_header(mut response: Response, name: HeaderName, value: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
    response
}

/// A problem, as JSON for the API and as a page for people.
pub fn problem(cx: &Context<'_>, problem: &Problem) -> Response {
    let status = problem.kind.status();
    let made = if cx.is_api() {
        serde_json::to_vec(&problem.document(&cx.request_id))
            .map(|body| answer(status, "application/problem+json", body))
            .map_err(Problem::internal)
    } else {
        page(status, &ErrorPage::new(cx, problem))
    };
    // Text and numbers can always be written; a template of text can always be rendered.
    let mut response = made.unwrap_or_else(|_| answer(status, "text/plain", Vec::new()));
    let wait = match problem.kind {
        Kind::Busy => Some(RETRY_AFTER_SECONDS),
        Kind::TooManyRequests => problem.extra.get("retry_after_seconds").and_then(Value::as_u64),
        _ => None,
    };
    if let Some(seconds) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Whether a proxy on the way must change nothing: one that compresses a stream keeps its events
/// until it has enough of them, and a table is taken as it is into other books.
fn has_exact_bytes(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    content_type.is_some_and(|it| it == csv::TYPE || it == EVENT_STREAM)
}

/// Completes an answer: security headers, tag, caching, and the length.
///
/// The length is always said: a body in chunks waits for the client's delayed acknowledgment on
/// Spin (measured: 44 ms each).
pub fn finish(cx: &Context<'_>, mut response: Response) -> Response {
    let is_read = matches!(*cx.request.method(), Method::GET | Method::HEAD);
    // The link of a mail has a secret in its address.
    let is_secret = cx.query("code").is_some();
    // The operator has a token and no identity, and not every page looks up whose session it is.
    let has_credential = session::has_token(cx.request) || session::has_session(cx.request);
    let confirms = confirmation::of(cx.request).is_some();
    let is_public = cx.identity.is_none() && !has_credential && !is_secret && !confirms;
    let has_own_rule = response.headers().contains_key(CACHE_CONTROL);
    if is_read && is_public && response.status() == StatusCode::OK {
        let tag = entity_tag(response.body().bytes());
        let seen = header(cx.request, IF_NONE_MATCH).unwrap_or("");
        let is_known = seen.split(',').any(|candidate| {
            let candidate = candidate.trim();
            candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == tag
        });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Body::Bytes(Vec::new());
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response = with_header(response, ETAG, &tag);
        if !has_own_rule {
            response = with_header(response, CACHE_CONTROL, "public, max-age=0, must-revalidate");
        }
    } else if !has_own_rule {
        response = with_header(response, CACHE_CONTROL, "no-store");
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        // RFC 9110, 15.5.2: such an answer says how to show who one is.
        response = with_header(response, WWW_AUTHENTICATE, "Bearer");
    }
    if let Some(cookie) = confirmation::cookie(cx.request, &response) {
        response = with_header(response, SET_COOKIE, &cookie);
    }
    for cookie in cx.take_cookies() {
        response = with_header(response, SET_COOKIE, &cookie);
    }
    if let Some(budget) = cx.budget() {
        response = with_header(response, RATE_LIMIT_POLICY, &budget.policy_header());
        response = with_header(response, RATE_LIMIT, &budget.limit_header());
    }
    if has_exact_bytes(&response) {
        let rule = response.headers().get(CACHE_CONTROL).and_then(|rule| rule.to_str().ok());
        let rule = format!("{}, no-transform", rule.unwrap_or("no-store"));
        response = with_header(response, CACHE_CONTROL, &rule);
    }
    let headers = response.headers_mut();
    // One header, for those who read the first one only.
    let more = headers.get(VARY).and_then(|more| more.to_str().ok());
    let varies = more.map(|more| format!("Cookie, Authorization, {more}"));
    let varies = varies.and_then(|varies| HeaderValue::from_str(&varies).ok());
    headers.insert(VARY, varies.unwrap_or(HeaderValue::from_static("Cookie, Authorization")));
    if !headers.contains_key(CONTENT_SECURITY_POLICY) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    }
    for (name, value) in SECURITY_HEADERS {
        let header = headers.entry(HeaderName::from_static(name));
        header.or_insert(HeaderValue::from_static(value));
    }
    if is_secret {
        // Without a path, and yet with an origin: with `no-referrer`, a form of this page would
        // come from `null`.
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
    }
    let bodiless = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    // How long a stream gets is not known, and it says something at once.
    if !bodiless && let Body::Bytes(bytes) = response.body() {
        let length = bytes.len();
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if *cx.request.method() == Method::HEAD {
        *response.body_mut() = Body::Bytes(Vec::new());
    }
    response
}

/// A strong tag: the same bytes have the same one.
fn entity_tag(body: &[u8]) -> String {
    /// Bytes of the digest that make the tag: 96 bits, far beyond chance.
    const TAG_BYTES: usize = 12;
    let digest = Sha256::digest(body);
    let mut tag = String::from("\"");
    for byte in &digest[..TAG_BYTES] {
        write!(tag, "{byte:02x}").expect("writing to a string does not fail");
    }
    tag.push('"');
    tag
}
