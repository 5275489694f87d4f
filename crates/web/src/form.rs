//! Forms of pages, and the gathering of every wrong field before anything is answered.

use domain::field::FieldError;
use domain::order::IdempotencyKey;
use url::form_urlencoded;

use crate::context::{Context, IDEMPOTENCY_KEY, Request, UnreadableHeader, sole_header};
use crate::page::Field;
use crate::problem::{Kind, Problem};
use crate::text::sentence;

/// The longest reason that an operator gives.
const REASON_CHARS_MAX: usize = 200;

/// The fields of a form, as a browser sends them.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The most fields that are read: 200 boxes of a list, and what is around them.
    const FIELDS_MAX: usize = 256;

    /// Reads the fields of a request.
    pub fn read(request: &Request) -> Form {
        let pairs = form_urlencoded::parse(request.body()).take(Form::FIELDS_MAX);
        Form(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The text in a field; empty if it was not sent.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// The texts of every field of this name, such as the boxes that are ticked.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Whether a field was sent, empty or not.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// The text in a field, if there is any.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.trim().is_empty())
    }
}

/// Keeps what is wrong with a field and goes on, so that a person sees every mistake at once.
pub fn keep<T>(wrong: &mut Vec<FieldError>, read: Result<T, FieldError>) -> Option<T> {
    read.map_err(|error| wrong.push(error)).ok()
}

/// Reads why an operator does something: for who it concerns, and the books or the audit log.
pub fn read_reason(text: &str) -> Result<String, FieldError> {
    let reason = text.trim();
    let length = reason.chars().count();
    if !(1..=REASON_CHARS_MAX).contains(&length) || reason.chars().any(char::is_control) {
        return Err(FieldError::new("reason", "1 to 200 characters on one line"));
    }
    Ok(reason.to_owned())
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
    use super::*;

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
