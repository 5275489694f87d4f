//! What programs rely on: each operation is served once, and the API document is the expected one.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod mails;

use contract::{ABOUT_THE_API, API, routes};
use documents::docs::{RequestField, groups};
use documents::walk::steps;
use expect_test::expect_file;
use http::header::HOST;
use http::{Request, StatusCode};
use serde_json::Value;
use stage::Stage;
use store::NoDatabase;
use web::{Context, Env, dispatch};

/// A change of this file is a change for every client: CHANGELOG.md names it.
#[test]
fn the_api_document_is_the_expected_one() {
    let document = serde_json::to_string_pretty(&API.document("")).unwrap();
    expect_file!["../../openapi.json"].assert_eq(&(document + "\n"));
}

#[test]
fn the_api_is_explained_without_a_database() {
    let stage = Stage::empty();
    let env = Env { db: &NoDatabase, ..stage.env() };
    for (path, says) in [
        ("/docs/api", "/api/marketplace/rent-slice"),
        ("/api/openapi.json", "\"openapi\":\"3.1.0\""),
    ] {
        let request = Request::get(path).header(HOST, "localhost").body(Vec::new()).unwrap();
        let answer = dispatch(&[ABOUT_THE_API], &mut Context::new(&env, &request)).response;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let body = str::from_utf8(answer.body().bytes()).unwrap();
        assert!(body.contains(says), "{path}: {body}");
    }
}

#[test]
fn each_operation_has_one_route() {
    let mut operations: Vec<_> = API.operations().map(|it| (it.method.as_str(), it.path)).collect();
    let mut served: Vec<_> = routes()
        .filter(|route| route.path().starts_with("/api/"))
        .map(|route| (route.method().as_str(), route.path()))
        .collect();
    operations.sort_unstable();
    served.sort_unstable();
    assert_eq!(served, operations);
}

#[test]
fn every_reference_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    let pointer = target.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{target}");
                }
                members.values().for_each(|member| check(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = API.document("");
    check(&document, &document);
    assert!(document["components"]["schemas"]["RentBody"].is_object());
}

#[test]
fn operations_have_their_own_names_and_places() {
    let count = API.operations().count();
    let mut names: Vec<&str> = API.operations().map(|operation| operation.id).collect();
    let mut places: Vec<String> =
        API.operations().map(|o| format!("{} {}", o.method, o.path)).collect();
    names.sort_unstable();
    names.dedup();
    places.sort_unstable();
    places.dedup();
    assert_eq!((names.len(), places.len()), (count, count));
}

#[track_caller]
fn check(id: &str, expected: &[&str]) {
    let groups = groups(&API, &API.document(""));
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
    let groups = groups(&API, &API.document(""));
    let operations: Vec<_> = groups.iter().flat_map(|group| &group.operations).collect();
    assert_eq!(operations.len(), API.operations().count());
    for operation in operations {
        assert!(!operation.summary.is_empty() && !operation.answers[0].text.is_empty());
        for field in &operation.fields {
            assert!(!field.text.is_empty(), "{} of {}", field.name, operation.id);
        }
    }
}

#[test]
fn every_step_goes_to_an_operation_that_is_served() {
    for step in steps("https://market.example") {
        for called in step.command.split("https://market.example").skip(1) {
            let path = called.split(['?', ' ', '\'', '\n']).next().unwrap();
            let path = path.replace("node32", "{node}");
            assert!(API.operations().any(|operation| operation.path == path), "{path}");
        }
    }
}
