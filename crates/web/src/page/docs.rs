//! The documents for programmers, `/docs/api`, `/docs/problems` and `/docs/limits`.

use super::Frame;
use askama::Template;

/// What `api_docs.html` shows: every operation, and a walk through them.
#[derive(Clone, Debug, Template)]
#[template(path = "api_docs.html")]
pub struct ApiDocs {
    /// What surrounds the page.
    pub frame: Frame,
    /// Where the API is served, such as `https://market.example`.
    pub base_url: String,
    /// Commands that lead from nothing to a rented slice.
    pub steps: Vec<WalkStep>,
    /// The operations, by what they are about.
    pub groups: Vec<OperationGroup>,
}

/// One step of the walk-through.
#[derive(Clone, Debug)]
pub struct WalkStep {
    /// What the step does, as a sentence.
    pub text: String,
    /// The command to copy.
    pub command: String,
    /// What comes back, if it helps.
    pub answer: Option<String>,
}

/// Operations about one thing.
#[derive(Clone, Debug)]
pub struct OperationGroup {
    /// Its place on the page, such as `rentals`.
    pub id: String,
    /// Such as `Rentals`.
    pub title: String,
    /// The operations.
    pub operations: Vec<Operation>,
}

/// One method on one path.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its place on the page; unique, such as `rent-slice`.
    pub id: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Such as `/api/rentals/{id}`.
    pub path: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// Who may call it, such as `anybody`, `signed in` or `operator`.
    pub access: String,
    /// What it takes, in path, query, header or body.
    pub fields: Vec<RequestField>,
    /// What it answers when it works.
    pub answers: Vec<Answer>,
    /// The kinds of problems that it can answer, as on `/docs/problems`.
    pub problems: Vec<String>,
}

/// One thing that an operation takes.
#[derive(Clone, Debug)]
pub struct RequestField {
    /// Such as `duration_months`.
    pub name: String,
    /// Where it stands: `path`, `query`, `header` or `body`.
    pub place: String,
    /// Such as `integer` or `decimal string`.
    pub format: String,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it means.
    pub text: String,
}

/// One answer of an operation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What it means here.
    pub text: String,
}

/// What `problems.html` shows: every kind of problem.
#[derive(Clone, Debug, Template)]
#[template(path = "problems.html")]
pub struct Problems {
    /// What surrounds the page.
    pub frame: Frame,
    /// Every kind, in the order of their names.
    pub problems: Vec<ProblemKind>,
}

/// One kind of problem; its `type` is `/docs/problems#kind`.
#[derive(Clone, Debug)]
pub struct ProblemKind {
    /// The stable name, such as `slice-not-available`.
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// What it says, such as `The slice is no longer available`.
    pub title: String,
    /// What to do about it.
    pub advice: String,
}

/// What `limits.html` shows: how often something may be done, and how large it may be.
#[derive(Clone, Debug, Template)]
#[template(path = "limits.html")]
pub struct Limits {
    /// What surrounds the page.
    pub frame: Frame,
    /// Limits on how often.
    pub rates: Vec<LimitRow>,
    /// Limits on how large and how many.
    pub sizes: Vec<LimitRow>,
}

/// A limit.
#[derive(Clone, Debug)]
pub struct LimitRow {
    /// Its name.
    pub name: String,
    /// How much, such as `10 in 15 minutes` or `64 KiB`.
    pub amount: String,
    /// What it counts, as a sentence.
    pub about: String,
}
