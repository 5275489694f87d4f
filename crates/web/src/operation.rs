//! An operation of the JSON API: what serves it and what the API document says of it are one thing.

use domain::account::Scope;
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;
use strum::VariantArray;

use crate::problem::Kind;

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a look at who asks: it needs no database.
    Anonymous,
    /// Everybody.
    Public,
    /// Who is signed in, or has a token with this scope.
    Account(Scope),
    /// The operator: who has the bootstrap token, an operator's account in a session with a second
    /// factor, or its token with the scope `admin`. For others it does not exist.
    Operator,
}

/// What the value of a field of the query must be. An empty one counts as not given, as forms send
/// it.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// Text of at most so many characters.
    Text(usize),
    /// A whole number, from and to.
    Whole(u32, u32),
    /// A decimal number that fits this pattern.
    Decimal(&'static str),
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Form {
    /// Its schema in the API document.
    pub fn schema(self) -> serde_json::Value {
        match self {
            Form::Text(length) => json!({ "type": "string", "maxLength": length }),
            Form::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
            Form::Decimal(pattern) => json!({ "type": "string", "pattern": pattern }),
            Form::OneOf(words) => json!({ "type": "string", "enum": words }),
        }
    }
}

/// A field of the query.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub form: Form,
    /// What it does and what it must be.
    pub about: &'static str,
    /// An example of its value.
    pub example: &'static str,
}

/// Gives a type's schema.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`, as a reference to the document's component of its name.
pub fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The answer `202`: so far so good, and there is another step to take.
#[derive(Clone, Copy)]
pub struct NextStep {
    /// Which.
    pub about: &'static str,
    /// The schema of the answer.
    pub answer: SchemaOf,
}

/// A member that some problems have besides those of every problem.
pub struct ProblemMember {
    /// Its name.
    pub name: &'static str,
    /// What it is, where its schema does not say so.
    pub about: Option<&'static str>,
    /// Its schema.
    pub schema: SchemaOf,
}

/// An operation of the JSON API.
pub struct Operation {
    /// Its name for generated clients.
    pub id: &'static str,
    /// The heading that it stands under.
    pub group: &'static str,
    /// The method.
    pub method: Method,
    /// The path; placeholders are in braces.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who may call.
    pub access: Access,
    /// Fields of the query.
    pub query: &'static [Parameter],
    /// Whether it takes an `Idempotency-Key`.
    pub takes_key: bool,
    /// The schema of what `dry_run` in its body answers, which changes nothing, if it takes that.
    pub dry_run: Option<SchemaOf>,
    /// The schema of the body that it takes.
    pub body: Option<SchemaOf>,
    /// Whether no body at all is like `{}`.
    pub is_body_optional: bool,
    /// The status of success.
    pub status: u16,
    /// What success answers.
    pub about_answer: &'static str,
    /// The schema of what success answers; `None` for no body.
    pub answer: Option<SchemaOf>,
    /// What success answers as a table, where it answers one: `text/csv`.
    pub table: Option<&'static str>,
    /// What success streams, to who asks for server-sent events.
    pub stream: Option<&'static str>,
    /// What `202` answers, where there is another step to take.
    pub next_step: Option<NextStep>,
    /// When `204` is answered instead: there is nothing to give.
    pub nothing: Option<&'static str>,
    /// Its own problems, besides those that access, bodies and the machine add.
    pub problems: &'static [Kind],
}

impl Operation {
    /// A public read; the other operations are given by what differs from it.
    pub const READ: Operation = Operation {
        id: "",
        group: "",
        method: Method::GET,
        path: "",
        summary: "",
        access: Access::Public,
        query: &[],
        takes_key: false,
        dry_run: None,
        body: None,
        is_body_optional: false,
        status: 200,
        about_answer: "",
        answer: None,
        table: None,
        stream: None,
        next_step: None,
        nothing: None,
        problems: &[],
    };

    /// Every problem that this operation can answer, in the order of their declaration.
    pub fn all_problems(&self) -> Vec<Kind> {
        let mut kinds = self.problems.to_vec();
        kinds.extend([Kind::MalformedRequest, Kind::MethodNotAllowed, Kind::Internal]);
        if self.access != Access::Anonymous {
            // A token of nobody is refused wherever it is sent.
            kinds.extend([Kind::Busy, Kind::WrongSchema, Kind::NotSignedIn]);
        }
        match self.access {
            Access::Anonymous | Access::Public => {}
            Access::Operator => kinds.extend([
                Kind::NotSignedIn,
                Kind::NotFound,
                Kind::MissingScope,
                Kind::VerificationRequired,
            ]),
            Access::Account(_) => kinds.extend([Kind::NotSignedIn, Kind::MissingScope]),
        }
        if !self.query.is_empty() || self.takes_key {
            kinds.push(Kind::InvalidFields);
        }
        if self.takes_key {
            kinds.extend([Kind::KeyReused, Kind::ResponseDeleted]);
        }
        if self.body.is_some() {
            kinds.extend([Kind::InvalidFields, Kind::TooLarge]);
        }
        if self.path.contains('{') {
            kinds.push(Kind::NotFound);
        }
        if self.method != Method::GET {
            kinds.extend([Kind::CrossSite, Kind::TooManyRequests]);
        }
        Kind::VARIANTS.iter().copied().filter(|kind| kinds.contains(kind)).collect()
    }
}
