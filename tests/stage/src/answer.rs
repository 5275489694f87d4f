//! What was answered.

use std::fmt;

use expect_test::Expect;
use http::HeaderMap;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, SET_COOKIE};
use serde_json::Value;
use web::route::Outcome;
use web::{Body, Response};

use crate::html::{check_html, reading};

const HTML: &str = "text/html; charset=utf-8";

/// What somebody hostile says wherever they can.
pub const HOSTILE: &str = "<3>\"&'</title><script src=\"x\"></script>";
/// How a page must print it, in text and in attributes alike.
const ESCAPED: &str = "&#60;3&#62;&#34;&#38;&#39;&#60;/title&#62;";

/// An answer.
pub struct Answer {
    asked: String,
    /// Why it was not done, for the log.
    cause: Option<String>,
    response: Response,
}

impl Answer {
    /// An answer to what a session with this form token asked. It fails if it is a page that is
    /// not as every page must be.
    #[track_caller]
    pub(crate) fn new(asked: String, outcome: Outcome, form_token: Option<&str>) -> Answer {
        let cause = outcome.problem.and_then(|problem| problem.cause);
        let answer = Answer { asked, cause, response: outcome.response };
        if answer.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == HTML) {
            check_html(&answer.asked, &answer.text(), form_token);
            let policy = &answer.headers()[CONTENT_SECURITY_POLICY];
            assert!(policy.to_str().unwrap().starts_with("default-src 'none'; "), "{policy:?}");
        }
        answer
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Its body.
    pub fn bytes(&self) -> Vec<u8> {
        self.response.body().bytes().to_vec()
    }

    /// Its body, to poll a stream or a wait.
    pub fn into_body(self) -> Body {
        self.response.into_body()
    }

    /// Its body as text.
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).unwrap()
    }

    /// Its body as a JSON document.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.response.body().bytes())
            .unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// The document that was answered with this status.
    #[track_caller]
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status(), status, "{self}");
        self.json()
    }

    /// The problem of this status and type.
    #[track_caller]
    pub fn problem(&self, status: u16, kind: &str) -> Value {
        let document = self.ok(status);
        let found = document["type"].as_str().unwrap_or_default();
        assert_eq!(found.rsplit(['/', '#', ':']).next(), Some(kind), "{self}");
        document
    }

    /// The fields that a problem says are wrong, in its order.
    #[track_caller]
    pub fn wrong_fields(&self) -> Vec<String> {
        let document = self.problem(400, "invalid-fields");
        let errors = document["errors"].as_array().into_iter().flatten();
        errors.map(|error| error["field"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The words of the page that was answered with this status.
    #[track_caller]
    pub fn page(&self, status: u16) -> String {
        words(&self.html(status))
    }

    /// The page that was answered with this status.
    #[track_caller]
    pub fn html(&self, status: u16) -> String {
        assert_eq!(self.status(), status, "{self}");
        let kind = self.headers().get(CONTENT_TYPE).unwrap();
        assert_eq!(kind, HTML, "{self}");
        self.text()
    }

    /// Compares what a person reads on the page that was answered with this status.
    #[track_caller]
    pub fn reads(&self, status: u16, expected: Expect) {
        expected.assert_eq(&reading(&self.html(status)));
    }

    /// Expects what somebody hostile said on the page, every time as text.
    #[track_caller]
    pub fn escapes_hostile_text(&self) {
        let html = self.html(self.status());
        assert!(!html.contains("<3>"), "{}: printed as markup", self.asked);
        assert!(html.contains(ESCAPED), "{}: not printed at all", self.asked);
    }

    /// Where a form leads on to, with what the page there is to confirm: `/path?done=name`.
    #[track_caller]
    pub fn see_other(&self) -> String {
        assert_eq!(self.status(), 303, "{self}");
        let path = self.headers()[LOCATION].to_str().unwrap().to_owned();
        assert!(!path.contains("done="), "{self}: an address confirms something");
        let sign = if path.contains('?') { '&' } else { '?' };
        match self.confirms() {
            Some(name) => format!("{path}{sign}done={name}"),
            None => path,
        }
    }

    /// The name of what the next page is to confirm.
    pub fn confirms(&self) -> Option<String> {
        let cookies = self.headers().get_all(SET_COOKIE).iter().filter_map(|it| it.to_str().ok());
        let names = cookies.filter_map(|cookie| cookie.strip_prefix("done=")?.split(';').next());
        names.map(str::to_owned).find(|name| !name.is_empty())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, cause) = (self.text(), self.cause.as_deref().unwrap_or_default());
        write!(f, "{} -> {}: {text} {cause}", self.asked, self.status())
    }
}

/// A page's words, with single spaces and without anything between angle brackets.
pub fn words(html: &str) -> String {
    let texts = html.split('<').map(|piece| piece.split_once('>').map_or("", |(_, text)| text));
    let text: Vec<&str> = texts.flat_map(str::split_whitespace).collect();
    unescape(&text.join(" "))
}

/// Undoes what the templates do to text. Tags were taken out before, so what looks like one in the
/// result was escaped on the page.
fn unescape(text: &str) -> String {
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    escapes.iter().fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}
