//! The documents for programmers, `/docs/api`, `/docs/problems` and `/docs/limits`.

use askama::Template;
use serde_json::Value;
use strum::VariantArray;
use ui::visit::Visit;
use web::Kind;
use web::limit::POLICIES;
use web::operation::{self, Access};
use web::page::{Frame, Section};

use crate::api::Api;
use crate::limits::{rate, sizes};
use crate::walk;

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

impl ApiDocs {
    /// The API, operation by operation.
    pub fn new(visit: &Visit<'_>, api: &Api) -> ApiDocs {
        ApiDocs {
            frame: visit.frame("API", Section::Docs),
            steps: walk::steps(&visit.base_url),
            groups: groups(api, &api.document(&visit.base_url)),
            base_url: visit.base_url.clone(),
        }
    }
}

impl Problems {
    /// Every kind of problem, by name.
    pub fn new(visit: &Visit<'_>) -> Problems {
        let mut kinds = Kind::VARIANTS.to_vec();
        kinds.sort_unstable_by_key(Kind::into_str);
        let problem = |kind: Kind| ProblemKind {
            kind: kind.into_str().to_owned(),
            status: kind.status().as_u16(),
            title: kind.title().to_owned(),
            advice: kind.advice().to_owned(),
        };
        Problems {
            frame: visit.frame("API errors", Section::Docs),
            problems: kinds.into_iter().map(problem).collect(),
        }
    }
}

/// The operations under their headings, both in the order of the API document.
pub fn groups(api: &Api, document: &Value) -> Vec<OperationGroup> {
    let mut groups: Vec<OperationGroup> = Vec::new();
    for operation in api.operations() {
        let described = Operation::new(operation, document);
        match groups.iter_mut().find(|group| group.title == operation.group) {
            Some(group) => group.operations.push(described),
            None => groups.push(OperationGroup {
                id: operation.group.to_lowercase().replace(' ', "-"),
                title: operation.group.to_owned(),
                operations: vec![described],
            }),
        }
    }
    groups
}

impl Operation {
    fn new(operation: &operation::Operation, document: &Value) -> Operation {
        let method = operation.method.as_str();
        let described = &document["paths"][operation.path][method.to_lowercase()];
        let mut answers =
            vec![Answer { status: operation.status, text: operation.about_answer.to_owned() }];
        if let Some(stream) = operation.stream {
            answers.push(Answer { status: operation.status, text: stream.to_owned() });
        }
        let not_modified = &described["responses"]["304"];
        if not_modified.is_object() {
            answers.push(Answer { status: 304, text: text(&not_modified["description"]) });
        }
        Operation {
            id: operation.id.to_owned(),
            method: method.to_owned(),
            path: operation.path.to_owned(),
            summary: operation.summary.to_owned(),
            access: access(operation.access),
            fields: fields(described, document),
            answers,
            problems: operation.all_problems().iter().map(|kind| kind.into_str().into()).collect(),
        }
    }
}

fn access(access: Access) -> String {
    match access {
        Access::Anonymous | Access::Public => "anybody".to_owned(),
        Access::Account(scope) => format!("signed in, scope {}", scope.into_str()),
        Access::Operator => "operator".to_owned(),
    }
}

/// What an operation takes: in path, query and header, and then in its body, what must be there
/// first.
fn fields(described: &Value, document: &Value) -> Vec<RequestField> {
    let parameters = described["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let mut fields: Vec<RequestField> =
        parameters.iter().map(|given| parameter(given, document)).collect();
    let body =
        resolved(&described["requestBody"]["content"]["application/json"]["schema"], document);
    let required = body["required"].as_array().map_or(&[][..], Vec::as_slice);
    let properties = body["properties"].as_object().into_iter().flatten();
    fields.extend(properties.map(|(name, schema)| RequestField {
        name: name.clone(),
        place: "body".to_owned(),
        format: format(schema, document),
        is_required: required.iter().any(|required| required == name),
        text: text(&schema["description"]),
    }));
    fields.sort_by_key(|field| field.place == "body" && !field.is_required);
    fields
}

fn parameter(parameter: &Value, document: &Value) -> RequestField {
    let name = text(&parameter["name"]);
    let about = match name.as_str() {
        "node" => "The node, such as node32.".to_owned(),
        "rental" => "The id of the rental.".to_owned(),
        "month" => "The month, such as 2026-11.".to_owned(),
        "transaction" => "The number of the entry.".to_owned(),
        "top_up" => "The id of the top-up.".to_owned(),
        "payout" => "The id of the payout.".to_owned(),
        "dispute" => "The id of the dispute.".to_owned(),
        "incident" => "The id of the incident.".to_owned(),
        "account" => "The id of the account.".to_owned(),
        "maintenance" => "The id of the maintenance.".to_owned(),
        "search" => "The id of the saved search.".to_owned(),
        "webhook" => "The id of the webhook.".to_owned(),
        "delivery" => "The id of the message.".to_owned(),
        "job" => "The id of the leased job.".to_owned(),
        "key" => "The id of the SSH key.".to_owned(),
        "number" => "The slice number on its node, starting at 1.".to_owned(),
        "farm" => "The farm's id on the grid.".to_owned(),
        "session" => "The id of the session.".to_owned(),
        "token" => "The id of the token.".to_owned(),
        "passkey" => "The id of the passkey.".to_owned(),
        "mail" => "The id of the mail.".to_owned(),
        "quote" => "The id of the quote.".to_owned(),
        _ => text(&parameter["description"]),
    };
    RequestField {
        name,
        place: text(&parameter["in"]),
        format: format(&parameter["schema"], document),
        is_required: parameter["required"] == true,
        text: about,
    }
}

/// The form of a value, in a word or two.
fn format(schema: &Value, document: &Value) -> String {
    if schema["format"] == "decimal" {
        return "decimal".to_owned();
    }
    // A field that may be null refers to its form this way.
    let forms = schema["allOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(form) = forms.and_then(|forms| forms.first()) {
        return format(form, document);
    }
    let schema = resolved(schema, document);
    match schema["type"].as_str() {
        Some("string") => "text".to_owned(),
        Some("array") => format!("list of {}", format(&schema["items"], document)),
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}

/// The schema that a reference leads to, or the schema itself.
fn resolved<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl Limits {
    /// Every limit that a client can meet.
    pub fn new(visit: &Visit<'_>) -> Limits {
        Limits {
            frame: visit.frame("Limits", Section::Docs),
            rates: POLICIES.iter().map(|policy| rate(policy, visit.limit_factor)).collect(),
            sizes: sizes(),
        }
    }
}
