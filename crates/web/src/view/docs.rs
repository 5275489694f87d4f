//! Fills the documents for programmers, from the operations that are served and the document that
//! describes them to programs.

use serde_json::Value;

use crate::api::OPERATIONS;
use crate::openapi;
use crate::operation::{self, Access};
use crate::page::{
    Answer, ApiDocs, Operation, OperationGroup, ProblemKind, Problems, RequestField, Section,
};
use crate::problem::Kind;
use crate::view::visit::Visit;
use crate::view::walk;

impl ApiDocs {
    /// The API, operation by operation.
    pub fn new(visit: &Visit<'_>) -> ApiDocs {
        ApiDocs {
            frame: visit.frame("API", Section::Docs),
            steps: walk::steps(&visit.base_url),
            groups: groups(&openapi::document(&visit.base_url)),
            base_url: visit.base_url.clone(),
        }
    }
}

impl Problems {
    /// Every kind of problem, by name.
    pub fn new(visit: &Visit<'_>) -> Problems {
        let mut kinds = Kind::ALL.to_vec();
        kinds.sort_unstable_by_key(|kind| kind.as_str());
        let problem = |kind: Kind| ProblemKind {
            kind: kind.as_str().to_owned(),
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
fn groups(document: &Value) -> Vec<OperationGroup> {
    let mut groups: Vec<OperationGroup> = Vec::new();
    for operation in OPERATIONS {
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
            problems: operation.all_problems().iter().map(|kind| kind.as_str().into()).collect(),
        }
    }
}

fn access(access: Access) -> String {
    match access {
        Access::Anonymous | Access::Public => "anybody".to_owned(),
        Access::Account(scope) => format!("signed in, scope {}", scope.as_str()),
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
        "account" => "The id of the account.".to_owned(),
        "maintenance" => "The id of the maintenance.".to_owned(),
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
    // A field that may be left out is its form or null.
    if let Some(form) = schema["anyOf"].as_array().and_then(|forms| forms.first()) {
        return format(form, document);
    }
    let schema = resolved(schema, document);
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().unwrap_or(&Value::Null),
        kind => kind,
    };
    match kind.as_str() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, expected: &[&str]) {
        let document = openapi::document("");
        let groups = groups(&document);
        let found = groups.iter().flat_map(|group| &group.operations).find(|o| o.id == id).unwrap();
        let line = |field: &RequestField| {
            let required = if field.is_required { ", required" } else { "" };
            format!("{} in {}: {}{required}", field.name, field.place, field.format)
        };
        assert_eq!(found.fields.iter().map(line).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_an_operation_takes_comes_from_its_schema() {
        check("showNode", &["node in path: text, required"]);
        check(
            "rentSlice",
            &[
                "Idempotency-Key in header: text",
                "count in body: integer",
                "dry_run in body: boolean",
                "duration_months in body: integer",
                "max_price in body: decimal",
                "node_id in body: text",
                "offer_version in body: integer",
                "quote_id in body: text",
                "slice_id in body: text",
                "spread in body: text",
                "ssh_key_id in body: text",
                "template in body: text",
                "user_data in body: text",
                "where in body: object",
            ],
        );
        check(
            "changeNode",
            &[
                "node in path: text, required",
                "confirm_cost_per_month in body: text",
                "kept_slices in body: integer",
                "min_bandwidth_mbps in body: decimal",
                "min_uptime in body: decimal",
                "name in body: text",
                "offer_version in body: integer",
                "price_per_month in body: decimal",
                "terms in body: list of integer",
            ],
        );
        check(
            "createToken",
            &[
                "name in body: text, required",
                "scopes in body: list of text, required",
                "ceiling_usd in body: decimal",
                "expires_in_days in body: integer",
                "farm_id in body: integer",
            ],
        );
    }

    #[test]
    fn every_field_and_every_operation_is_explained() {
        let groups = groups(&openapi::document(""));
        let operations: Vec<_> = groups.iter().flat_map(|group| &group.operations).collect();
        assert_eq!(operations.len(), OPERATIONS.len());
        for operation in operations {
            assert!(!operation.summary.is_empty() && !operation.answers[0].text.is_empty());
            for field in &operation.fields {
                assert!(!field.text.is_empty(), "{} of {}", field.name, operation.id);
            }
        }
    }
}
