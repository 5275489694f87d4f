//! Forms of pages, and the gathering of every wrong field before anything is answered.

use std::fmt::Display;

use askama::Template;
use domain::field::FieldError;
use domain::order::IdempotencyKey;
use domain::text::parse_line;
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use url::form_urlencoded::{self, Serializer};

use crate::context::{Context, IDEMPOTENCY_KEY, Request, Response, UnreadableHeader, sole_header};
use crate::page::Field;
use crate::problem::{Kind, Problem};
use crate::text::sentence;
use crate::{kept, respond, session};

/// The longest reason that an operator gives.
const REASON_CHARS_MAX: usize = 200;

/// The name of the field with a form's idempotency key.
pub(crate) const KEY_FIELD: &str = "idempotency_key";

/// Fields that are of a page and not of what its form asks for. Password managers read `username`.
const PAGE_FIELDS: [&str; 6] =
    [session::FORM_TOKEN, KEY_FIELD, "next", kept::FIELD, kept::SENDER, "username"];

/// What is said above a form that was kept while its sender signed in.
const SHOWN_AGAIN: &str = "you had to sign in or verify again, so nothing was sent; check what you \
                           entered and send it now";

/// What stands in for a text that is no whole number. No field allows it.
const NO_NUMBER: &str = "-9223372036854775808";

/// Marks a request whose form is shown again rather than done.
#[derive(Clone, Copy)]
pub(crate) struct IsStale;

/// The fields of a form, as a browser sends them.
#[derive(Clone)]
pub struct Form {
    fields: Vec<(String, String)>,
    /// Whether it is shown again rather than done.
    is_stale: bool,
}

impl Form {
    /// The most fields that are read: 200 boxes of a list, and what is around them.
    const FIELDS_MAX: usize = 256;

    /// Reads the fields of a request. Browsers end lines with carriage returns as well.
    pub fn read(request: &Request) -> Form {
        let pairs = form_urlencoded::parse(request.body()).take(Form::FIELDS_MAX);
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.replace("\r\n", "\n")));
        let is_stale = request.extensions().get::<IsStale>().is_some();
        Form { fields: pairs.collect(), is_stale }
    }

    /// The text in a field; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.fields.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The texts of every field of this name, such as the boxes that are ticked.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The key that marks the intention of whoever sent it: a form of a page that has one must.
    pub fn idempotency_key(&self) -> Result<IdempotencyKey, FieldError> {
        IdempotencyKey::parse(self.text(KEY_FIELD))
    }

    /// The same without these fields.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Form {
        self.fields.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// The same without those of these fields that are empty, which stands for left out.
    #[must_use]
    pub fn without_empty(mut self, names: &[&str]) -> Form {
        self.fields
            .retain(|(name, value)| !names.contains(&name.as_str()) || !value.trim().is_empty());
        self
    }

    /// Decodes the fields as a `T`, such as the body of the operation that does the same. What is
    /// no whole number becomes one that the body refuses: so its rule stands beside the field, and
    /// every other wrong field is named as well. A form that is to be shown again is a wrong one.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if self.is_stale {
            return Err(Problem::new(Kind::StaleForm, SHOWN_AGAIN));
        }
        let fields = self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut fields: Vec<_> = fields.filter(|(name, _)| !PAGE_FIELDS.contains(name)).collect();
        loop {
            let text = Serializer::new(String::new()).extend_pairs(&fields).finish();
            let decoder = serde_html_form::Deserializer::from_bytes(text.as_bytes());
            let error = match serde_path_to_error::deserialize(decoder) {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let Some(Segment::Map { key }) = error.path().iter().next() else {
                return Err(unreadable(&error));
            };
            let is_wrong = |(name, value): &(&str, &str)| name == key && *value != NO_NUMBER;
            if !fields.iter().any(is_wrong) {
                return Err(unreadable(&error));
            }
            for (_, value) in fields.iter_mut().filter(|field| is_wrong(field)) {
                *value = trimmed_or_wrong(value);
            }
        }
    }
}

/// The text without the spaces around it; what no field allows if it has none.
fn trimmed_or_wrong(text: &str) -> &str {
    Some(text.trim()).filter(|trimmed| *trimmed != text).unwrap_or(NO_NUMBER)
}

fn unreadable(error: &dyn Display) -> Problem {
    Problem::new(Kind::MalformedRequest, format!("the form is invalid: {error}"))
}

/// Decodes the form of a request.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    Form::read(request).body()
}

/// Keeps what is wrong with a field and goes on, so that a person sees every mistake at once.
pub fn keep<T>(wrong: &mut Vec<FieldError>, read: Result<T, FieldError>) -> Option<T> {
    read.map_err(|error| wrong.push(error)).ok()
}

/// Reads why an operator does something: for who it concerns, and the books or the audit log.
pub fn read_reason(text: &str) -> Result<String, FieldError> {
    parse_line("reason", text, 1..=REASON_CHARS_MAX)
}

/// The request's `Idempotency-Key`, if it has one. A key that cannot be read is refused: without
/// it, a retry would act twice.
pub fn idempotency_key(cx: &Context<'_>) -> Result<Option<IdempotencyKey>, FieldError> {
    match sole_header(cx.request, IDEMPOTENCY_KEY) {
        Ok(key) => key.map(IdempotencyKey::parse).transpose(),
        Err(UnreadableHeader) => Err(IdempotencyKey::wrong()),
    }
}

/// What is wrong with a field, as a sentence.
pub fn error_of(wrong: &[FieldError], field: &str) -> Option<String> {
    wrong.iter().find(|error| error.field == field).map(|error| sentence(&error.rule))
}

/// A field of a form as it was sent, with what is wrong with it.
pub fn sent(form: &Form, field: &str, wrong: &[FieldError]) -> Field {
    Field { value: form.text(field).to_owned(), error: error_of(wrong, field) }
}

/// What a problem says above a form: nothing if every wrong field has its own words beside it.
pub fn error_above(problem: &Problem, shown: &[&str]) -> Option<String> {
    let is_beside = |wrong: &FieldError| shown.contains(&wrong.field);
    let is_said = !problem.fields.is_empty() && problem.fields.iter().all(is_beside);
    (!is_said).then(|| sentence(&problem.detail))
}

/// Shows the page of a form again with why it did nothing, where the problem is about the form.
pub fn refused<P: Template>(
    problem: Problem,
    show: impl FnOnce(&Problem) -> Result<P, Problem>,
) -> Result<Response, Problem> {
    if !belongs_to_form(&problem) {
        return Err(problem);
    }
    respond::page(problem.kind.status(), &show(&problem)?)
}

/// Whether a problem is about what was sent in a form, so that it is said there and the person can
/// try again; the others have a page of their own.
pub fn belongs_to_form(problem: &Problem) -> bool {
    !matches!(
        problem.kind,
        Kind::NotFound
            | Kind::NotSignedIn
            | Kind::MissingScope
            | Kind::VerificationRequired
            | Kind::CrossSite
            | Kind::TooLarge
            | Kind::Internal
            | Kind::Busy
            | Kind::WrongSchema
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::json::{self, Decimal};

    /// As an operation's body is declared.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        name: String,
        #[serde(deserialize_with = "json::whole")]
        months: i64,
        #[serde(default, deserialize_with = "json::optional_whole")]
        count: Option<i64>,
        #[serde(default)]
        max_price: Option<Decimal>,
        #[serde(default)]
        labels: Vec<String>,
    }

    fn form(body: &str) -> Form {
        Form::read(&http::Request::post("/").body(body.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_form_is_decoded_as_the_body_of_an_operation() {
        let order: Order = form(
            "form_token=t&idempotency_key=k&next=%2F&username=ada&name=A%0D%0AB&months=+3+\
             &max_price=25.00&labels=web&labels=eu",
        )
        .body()
        .unwrap();
        assert_eq!((order.name.as_str(), order.months, order.count), ("A\nB", 3, None));
        assert_eq!(order.max_price.unwrap().text(), "25.00");
        assert_eq!(order.labels, ["web", "eu"]);
        let order: Order = form("name=&months=1&count=&labels=").body().unwrap();
        assert_eq!((order.name.as_str(), order.labels.as_slice()), ("", &[String::new()][..]));
        let order: Order = form("name=a&months=1&count=+&more=x")
            .without(&["more"])
            .without_empty(&["count"])
            .body()
            .unwrap();
        assert_eq!(order.count, None);
    }

    #[test]
    fn a_text_that_is_no_number_is_left_to_the_rule_of_its_field() {
        for text in ["", "x", "3.5", "3.0", "9223372036854775808"] {
            let body = format!("name=a&months={text}&count={text}");
            let order: Order = form(&body).body().unwrap();
            assert_eq!((order.months, order.count), (i64::MIN, Some(i64::MIN)), "{body}");
        }
    }

    #[test]
    fn what_is_no_form_of_the_page_is_refused() {
        for (body, why) in [
            ("name=a", "missing field `months`"),
            ("name=a&name=b&months=1", "name: unsupported value"),
            ("name=a&months=1&months=2", "months: unsupported value"),
            ("name=a&months=1&more=2", "more: unknown field `more`"),
        ] {
            let problem = form(body).body::<Order>().unwrap_err();
            assert!(problem.kind == Kind::MalformedRequest && belongs_to_form(&problem), "{body}");
            assert!(problem.detail.contains(why), "{}", problem.detail);
        }
    }

    #[test]
    fn the_fields_of_a_form_are_bounded() {
        let order = |labels| form(&format!("name=a&months=1{}", "&labels=x".repeat(labels)));
        let order: Order = order(300).body().unwrap();
        assert_eq!(order.labels.len(), Form::FIELDS_MAX - 2);
    }

    #[test]
    fn an_error_is_said_once() {
        let wrong =
            vec![FieldError::new("price", "at most 500"), FieldError::new("node", "a node")];
        assert_eq!(error_of(&wrong, "price").as_deref(), Some("At most 500."));
        let problem = Problem::fields(wrong);
        assert_eq!(error_above(&problem, &["price", "node"]), None);
        let above = error_above(&problem, &["price"]).unwrap();
        assert_eq!(above, "Price: expected at most 500; node: expected a node.");
        let taken = Problem::new(Kind::NodeTaken, "it is taken");
        assert_eq!(error_above(&taken, &[]).as_deref(), Some("It is taken."));
        assert!(belongs_to_form(&taken) && !belongs_to_form(&Problem::internal("x")));
    }
}
