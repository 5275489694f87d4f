//! What a page confirms of the form that led to it: once, and by a cookie, which no link can set.

use http::HeaderName;
use http::header::CONTENT_TYPE;

use crate::context::{Request, Response, header};
use crate::session;

/// The cookie that names what a form did, until a page has said so.
const COOKIE: &str = "done";
/// How long it waits for that page, in seconds. A redirect is followed at once.
const SECONDS: i64 = 60;
/// What a stored response says behind its location.
const STORED: &str = "?done=";
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Where a form leads, and the name of what the page there confirms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// A path of this site, with or without a query.
    pub path: String,
    /// One of a fixed list, in lower-case letters and hyphens.
    pub name: &'static str,
}

/// A stored response has no cookie; it names what it confirms in its location.
impl From<Confirmed> for String {
    fn from(confirmed: Confirmed) -> String {
        format!("{}{STORED}{}", confirmed.path, confirmed.name)
    }
}

/// Where a redirect leads, with or without something to confirm there.
pub struct Destination<'a> {
    pub(crate) path: &'a str,
    pub(crate) confirms: Option<&'a str>,
}

impl<'a> From<&'a str> for Destination<'a> {
    fn from(path: &'a str) -> Destination<'a> {
        Destination { path, confirms: None }
    }
}

impl<'a> From<&'a String> for Destination<'a> {
    fn from(path: &'a String) -> Destination<'a> {
        Destination { path, confirms: None }
    }
}

impl<'a> From<&'a Confirmed> for Destination<'a> {
    fn from(confirmed: &'a Confirmed) -> Destination<'a> {
        Destination { path: &confirmed.path, confirms: Some(confirmed.name) }
    }
}

impl<'a> Destination<'a> {
    /// The location of a stored response, which this program has written.
    pub(crate) fn stored(location: &'a str) -> Destination<'a> {
        match location.rsplit_once(STORED) {
            Some((path, name)) if is_name(name) => Destination { path, confirms: Some(name) },
            _ => Destination::from(location),
        }
    }
}

/// What an answer has the next page confirm, on its way to [`cookie`].
#[derive(Clone)]
struct Note(String);

/// Has the page that is opened next confirm what `name` names.
pub fn confirming(mut response: Response, name: &str) -> Response {
    response.extensions_mut().insert(Note(name.to_owned()));
    response
}

/// What this page is to confirm; `None` where a script asks for it, which shows nobody anything.
pub fn of(request: &Request) -> Option<&str> {
    let is_opened = header(request, SEC_FETCH_MODE).is_none_or(|mode| mode == "navigate");
    session::cookie(request, COOKIE).filter(|name| is_opened && is_name(name))
}

/// The `Set-Cookie` of an answer: what the next page confirms or, on a page, that it was said.
pub(crate) fn cookie(request: &Request, response: &Response) -> Option<String> {
    if let Some(Note(name)) = response.extensions().get() {
        return Some(session::new_cookie(request, COOKIE, name, SECONDS));
    }
    let is_page = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|it| it.to_str().is_ok_and(|it| it.starts_with("text/html")));
    (is_page && of(request).is_some()).then(|| session::new_cookie(request, COOKIE, "", 0))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_location_names_what_it_confirms() {
        let stored = |location| {
            let to = Destination::stored(location);
            (to.path.to_owned(), to.confirms.map(str::to_owned))
        };
        let rented = Confirmed { path: "/dashboard/slices/1".to_owned(), name: "rented" };
        let location = String::from(rented);
        assert_eq!(stored(&location), ("/dashboard/slices/1".to_owned(), Some("rented".into())));
        for plain in ["https://pay.example/c?done=<b>", "/wallet", "/wallet?done="] {
            assert_eq!(stored(plain), (plain.to_owned(), None));
        }
    }

    #[test]
    fn a_script_takes_no_confirmation_from_the_page_that_shows_it() {
        let name = |mode: Option<&str>, cookie: &str| {
            let mut request = http::Request::get("/").header("host", "localhost");
            if let Some(mode) = mode {
                request = request.header(SEC_FETCH_MODE, mode);
            }
            let request = request.header("cookie", cookie).body(Vec::new()).unwrap();
            of(&request).map(str::to_owned)
        };
        assert_eq!(name(None, "done=rented").as_deref(), Some("rented"));
        assert_eq!(name(Some("navigate"), "a=b; done=rented").as_deref(), Some("rented"));
        assert_eq!(name(Some("cors"), "done=rented"), None);
        assert_eq!(name(None, "done=<b>"), None);
    }
}
