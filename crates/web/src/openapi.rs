//! The API document, made from the operations that are served.
//!
//! It is OpenAPI 3.0: `progenitor` and `oapi-codegen` read no later version. Every error of an
//! operation is a `Problem`, and everything that a success can be has one name, for generators that
//! give an operation one type for each.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::body::EVENT_STREAM;
use crate::operation::{Access, Form, Operation, ProblemMember};
use crate::problem::Kind;

/// Makes the document of these operations, in their order. `members` are the members that problems
/// have besides those of every problem, and `public_url` is where the API is reached.
pub fn document(
    operations: &[&[&Operation]],
    members: &[&[ProblemMember]],
    public_url: &str,
) -> Value {
    let mut generator = SchemaSettings::openapi3().into_generator();
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for operation in operations.iter().copied().flatten() {
        let method = operation.method.as_str().to_lowercase();
        let described = describe(operation, &mut generator);
        paths.entry(operation.path).or_default().insert(method, described);
    }
    let problem = problem_schema(members, &mut generator);
    generator.definitions_mut().insert("Problem".into(), problem);
    let schemas = generator.take_definitions(true);
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "Mycelium",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Rent slices of grid nodes: 1 vCPU, 4 GB memory, 200 GB SSD each.",
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "servers": [{ "url": if public_url.is_empty() { "/" } else { public_url } }],
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": security_schemes() },
    })
}

fn describe(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.group],
        "summary": operation.summary,
        "parameters": parameters(operation),
        "security": security(operation.access),
        "responses": responses(operation, generator),
    });
    // `progenitor` reads no document in which a success has a body or has none.
    if let Some(about) = operation.nothing {
        described["description"] = format!("Can be answered with 204 and no body: {about}").into();
        described["x-no-content"] = about.into();
    }
    if let Some(schema) = operation.body {
        described["requestBody"] = json!({
            "required": !operation.is_body_optional,
            "content": { "application/json": { "schema": schema(generator) } },
        });
    }
    described
}

fn parameters(operation: &Operation) -> Value {
    let in_path = operation
        .path
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        });
    let in_query = operation.query.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.about,
            "allowEmptyValue": true,
            "schema": parameter.form.schema(),
            "example": parameter.example,
        })
    });
    let key = operation.takes_key.then(|| {
        json!({
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Identifies the request, so that a retry with the same key has no \
                            second effect.",
            "schema": { "type": "string", "pattern": "^[!-~]{1,128}$" },
        })
    });
    let last_event = operation.stream.map(|_| {
        json!({
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The last event received before the stream ended.",
            "schema": Form::Whole(0, u32::MAX).schema(),
        })
    });
    in_path.chain(in_query).chain(key).chain(last_event).collect()
}

fn security(access: Access) -> Value {
    match access {
        Access::Anonymous | Access::Public => json!([]),
        Access::Account(_) => json!([{ "token": [] }, { "session": [] }]),
        Access::Operator => json!([{ "operator": [] }, { "token": [] }, { "session": [] }]),
    }
}

fn security_schemes() -> Value {
    json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "An API token.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-session",
            "description": "The session cookie. Named `session` on localhost without TLS.",
        },
        "operator": {
            "type": "http",
            "scheme": "bearer",
            "description": "The operator's token.",
        },
    })
}

fn responses(operation: &Operation, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for success in successes(operation, generator) {
        responses.insert(success.status.to_string(), success.described);
    }
    let is_for_all = matches!(operation.access, Access::Anonymous | Access::Public);
    if operation.method == http::Method::GET && is_for_all {
        let unchanged =
            json!({ "description": "Not modified since the response with the sent ETag." });
        responses.insert("304".into(), unchanged);
    }
    let mut by_status: BTreeMap<u16, Vec<Kind>> = BTreeMap::new();
    for kind in operation.all_problems() {
        by_status.entry(kind.status().as_u16()).or_default().push(kind);
    }
    for (status, kinds) in by_status {
        responses.insert(status.to_string(), problem_response(&kinds));
    }
    Value::Object(responses)
}

struct Success {
    status: u16,
    described: Value,
}

const ABOUT_DRY_RUN: &str = "With dry_run: the transactions this would create. Nothing has \
                             changed.";

/// Everything that success can be.
fn successes(operation: &Operation, generator: &mut SchemaGenerator) -> Vec<Success> {
    let mut bodies = vec![(operation.status, operation.about_answer.to_owned())];
    let mut schemas: Vec<Schema> =
        operation.answer.iter().map(|answer| answer(generator)).collect();
    if let Some(plan) = operation.dry_run {
        schemas.push(plan(generator));
        if operation.status == 200 {
            bodies[0].1 = format!("{} {ABOUT_DRY_RUN}", operation.about_answer);
        } else {
            bodies.push((200, ABOUT_DRY_RUN.to_owned()));
        }
    }
    if let Some(step) = operation.next_step {
        schemas.push((step.answer)(generator));
        bodies.push((202, step.about.to_owned()));
    }
    let schema = match schemas.as_slice() {
        [] => None,
        [only] => Some(only.clone().to_value()),
        several => {
            let name = union_name(operation);
            let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
            let about = "One of these; the status of the response says which.";
            let union = json!({ "description": about, "anyOf": several });
            generator.definitions_mut().insert(name, union);
            Some(reference)
        }
    };
    let content = |status| {
        let mut content = Map::new();
        if let Some(schema) = &schema {
            content.insert("application/json".into(), json!({ "schema": schema }));
        }
        let others = [(crate::csv::TYPE, operation.table), (EVENT_STREAM, operation.stream)];
        for (of_type, about) in others.iter().filter(|_| status == operation.status) {
            if let Some(about) = about {
                let schema = json!({ "type": "string", "description": about });
                content.insert((*of_type).to_owned(), json!({ "schema": schema }));
            }
        }
        content
    };
    bodies
        .into_iter()
        .map(|(status, about)| {
            let content = content(status);
            let described = if content.is_empty() {
                json!({ "description": about })
            } else {
                json!({ "description": about, "content": content })
            };
            Success { status, described }
        })
        .collect()
}

/// The name of everything that success can be, such as `RentSliceSuccess`.
fn union_name(operation: &Operation) -> String {
    let (first, rest) = operation.id.split_at(1);
    format!("{}{rest}Success", first.to_ascii_uppercase())
}

fn problem_response(kinds: &[Kind]) -> Value {
    let titles: Vec<&str> = kinds.iter().map(|kind| kind.title()).collect();
    let types: Vec<String> = kinds.iter().map(|kind| kind.uri()).collect();
    json!({
        "description": titles.join("; "),
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" },
        } },
        "x-problem-types": types,
    })
}

#[expect(clippy::too_many_lines, reason = "a list of all items")]
fn problem_schema(members: &[&[ProblemMember]], generator: &mut SchemaGenerator) -> Value {
    let mut problem = json!({
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail", "instance", "success", "message"],
        "properties": {
            "type": { "type": "string", "description": "The stable error type, as a link to its \
                documentation." },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "A human-readable explanation." },
            "instance": { "type": "string", "description": "The request ID." },
            "success": { "type": "boolean", "description": "Always false, for older clients." },
            "message": { "type": "string", "description": "Same as detail, for older clients." },
            "total_cost": {
                "type": "string",
                "description": "The current total, as decimal text.",
            },
            "retry_after_seconds": {
                "type": "integer",
                "description": "Seconds until a retry, as in Retry-After.",
            },
            "missing": {
                "type": "string",
                "description": "The amount missing from the wallet, as decimal text.",
            },
            "top_up": {
                "type": "string",
                "description": "Where to add credit.",
            },
            "agreed": {
                "type": "string",
                "description": "The guaranteed price per slice per month, as decimal text.",
            },
            "price": {
                "type": "string",
                "description": "The current price per slice per month, as decimal text.",
            },
            "available_at": {
                "type": "string",
                "description": "From when on this can be done (RFC 3339).",
            },
            "leaves_at": {
                "type": "string",
                "description": "When the node leaves the market (RFC 3339).",
            },
            "refund": {
                "type": "string",
                "description": "The current refund, as decimal text.",
            },
            "cost_per_month": {
                "type": "string",
                "description": "Estimated monthly SLA credits per rented slice at the measured \
                                values, as decimal text.",
            },
            "min_uptime": { "type": "number", "description": "In percent." },
            "measured_uptime": { "type": "number", "description": "In percent." },
            "min_bandwidth_mbps": { "type": "integer", "description": "In Mbit/s." },
            "measured_bandwidth_mbps": { "type": "integer", "description": "In Mbit/s." },
            "errors": {
                "type": "array",
                "description": "The invalid fields.",
                "items": {
                    "type": "object",
                    "required": ["field", "rule"],
                    "properties": {
                        "field": { "type": "string" },
                        "rule": { "type": "string" },
                    },
                },
            },
        },
    });
    for member in members.iter().copied().flatten() {
        let mut schema = (member.schema)(generator);
        if let Some(about) = member.about {
            schema.insert("description".into(), about.into());
        }
        problem["properties"][member.name] = schema.into();
    }
    problem
}
