//! The routes of `site`, called natively without a database.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod help;
mod pages;

use documents::ROUTES;
use http::header::{CACHE_CONTROL, COOKIE, ETAG, HOST, LOCATION};
use http::{Method, Request, StatusCode};
use stage::Stage;
use store::NoDatabase;
use web::{Context, Env, Response, dispatch};

/// Asks in an environment in which every statement fails.
fn ask(method: Method, path: &str, cookie: &str) -> Response {
    let stage = Stage::empty();
    let env = Env { db: &NoDatabase, ..stage.env() };
    let request = Request::builder().method(method).uri(path).header(HOST, "localhost");
    let request = request.header(COOKIE, cookie).body(Vec::new()).unwrap();
    dispatch(ROUTES, &mut Context::new(&env, &request)).response
}

fn text(response: &Response) -> &str {
    str::from_utf8(response.body().bytes()).unwrap()
}

#[test]
fn every_document_is_shown_without_a_database() {
    for (path, says) in [
        ("/", "Servers, by the slice"),
        ("/docs/problems", "not-signed-in"),
        ("/docs/limits", "64 KiB"),
        ("/docs/sla", "SLA"),
    ] {
        for cookie in ["", "session=c2VjcmV0"] {
            let response = ask(Method::GET, path, cookie);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert!(text(&response).contains(says), "{path}: {}", text(&response));
        }
    }
}

#[test]
fn what_is_not_there_is_answered_without_a_database() {
    for (method, path, status) in [
        (Method::GET, "/nothing", StatusCode::NOT_FOUND),
        (Method::GET, "/api/nothing", StatusCode::NOT_FOUND),
        (Method::GET, "/static/nothing.css", StatusCode::NOT_FOUND),
        (Method::GET, "/static/icons/nothing", StatusCode::NOT_FOUND),
        (Method::POST, "/", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/favicon.ico", StatusCode::SEE_OTHER),
    ] {
        assert_eq!(ask(method, path, "session=c2VjcmV0").status(), status, "{path}");
    }
}

#[test]
fn what_people_type_leads_somewhere() {
    for (path, status, to) in [
        ("/docs", StatusCode::SEE_OTHER, "/help"),
        ("/dashboard", StatusCode::SEE_OTHER, "/dashboard/slices"),
        ("/docs/", StatusCode::PERMANENT_REDIRECT, "/docs"),
        ("/docs/sla/?x=1", StatusCode::PERMANENT_REDIRECT, "/docs/sla?x=1"),
        ("/dashboard/wallet/", StatusCode::PERMANENT_REDIRECT, "/dashboard/wallet"),
    ] {
        let response = ask(Method::GET, path, "");
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()[LOCATION], to, "{path}");
    }
    assert_eq!(ask(Method::GET, "//evil.example/", "").status(), StatusCode::NOT_FOUND);
}

/// Whose session it is, is not looked up: there is no balance, address or count to show.
#[test]
fn the_navigation_is_that_of_a_session_or_of_a_visitor() {
    let [sign_in, wallet, settings] =
        ["href=\"/login\"", "href=\"/dashboard/wallet\"", "href=\"/dashboard/settings\""];
    for path in ["/", "/docs/api", "/nothing"] {
        let visitor = ask(Method::GET, path, "");
        let html = text(&visitor);
        assert!(html.contains(sign_in) && !html.contains(wallet), "{path}: {html}");
        let session = ask(Method::GET, path, "session=c2VjcmV0");
        let html = text(&session);
        assert!(!html.contains(sign_in) && html.contains(wallet), "{path}: {html}");
        assert!(html.contains(settings) && html.contains("action=\"/logout\""), "{path}: {html}");
        assert!(html.contains("name=\"form_token\""), "{path}: {html}");
        assert!(!html.contains("nav-figure") && !html.contains("nav-unread"), "{path}: {html}");
    }
}

#[test]
fn what_a_session_is_shown_is_not_kept() {
    let visitor = ask(Method::GET, "/", "");
    assert!(visitor.headers().contains_key(ETAG));
    let session = ask(Method::GET, "/", "session=c2VjcmV0");
    assert_eq!(session.headers()[CACHE_CONTROL], "no-store");
    assert!(!session.headers().contains_key(ETAG));
}
