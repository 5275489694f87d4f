//! What the market answered.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;

use crate::html::Page;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) asked: String,
    /// The status.
    pub status: u16,
    pub(crate) headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// How long it took, from the connection to the last byte; nothing for a stream.
    pub took: Duration,
}

impl Answer {
    /// The value of a header, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The names of all headers, in lower case.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.keys().map(http::HeaderName::as_str)
    }

    /// The `Set-Cookie` header: that of the session, where one is set.
    #[track_caller]
    pub fn set_cookie(&self) -> &str {
        let first = self.session_cookie().or_else(|| self.header("set-cookie"));
        first.unwrap_or_else(|| panic!("no cookie is set by {self}"))
    }

    /// The `Set-Cookie` header of the session, if it is set or ended.
    pub fn session_cookie(&self) -> Option<&str> {
        let cookies = self.headers.get_all("set-cookie").iter();
        cookies.filter_map(|it| it.to_str().ok()).find(|cookie| cookie.starts_with("session="))
    }

    /// The cookie that is set, as `name=value`.
    #[track_caller]
    pub fn cookie(&self) -> String {
        self.set_cookie().split(';').next().unwrap_or_default().to_owned()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The JSON document of a success with this status; null if it has no body.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// The document of a problem of this status and kind.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        assert_eq!(self.status, status, "{self}");
        let document = self.json();
        assert_eq!(document["type"], format!("/docs/problems#{kind}"), "{self}");
        document
    }

    /// The fields that a problem says are wrong, in its order.
    #[track_caller]
    pub fn wrong_fields(&self) -> Vec<String> {
        let document = self.problem(400, "invalid-fields");
        let errors = document["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The page that was answered with this status.
    #[track_caller]
    pub fn page(&self, status: u16) -> Page {
        assert_eq!(self.status, status, "{self}");
        assert_eq!(self.header("content-type"), Some("text/html; charset=utf-8"), "{self}");
        Page::new(self.text())
    }

    /// Where a form leads on to, with what the page there is to confirm: `/path?done=name`.
    #[track_caller]
    pub fn see_other(&self) -> String {
        assert_eq!(self.status, 303, "{self}");
        let path = self.header("location").unwrap_or_else(|| panic!("no location in {self}"));
        let sign = if path.contains('?') { '&' } else { '?' };
        match self.cookie_named("done") {
            Some(name) => format!("{path}{sign}done={name}"),
            None => path.to_owned(),
        }
    }

    /// The value of a cookie that is set, and not taken back.
    pub fn cookie_named(&self, name: &str) -> Option<&str> {
        let cookies = self.headers.get_all("set-cookie").iter().filter_map(|it| it.to_str().ok());
        let pairs = cookies.filter_map(|cookie| cookie.split(';').next()?.split_once('='));
        pairs.filter(|(given, value)| *given == name && !value.is_empty()).map(|it| it.1).next()
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}: {}", self.asked, self.status, self.text())
    }
}
