//! What programs rely on: each operation is served once, and the API document is the expected one.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod mails;
mod stale_forms;

use contract::{ABOUT_THE_API, API, routes};
use documents::docs::{RequestField, groups};
use documents::walk::steps;
use expect_test::{expect, expect_file};
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
        ("/api/openapi.json", "\"openapi\":\"3.0.3\""),
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
    // A name with a number was made of two that are the same.
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let twice = schemas.keys().filter(|name| name.ends_with(|c: char| c.is_ascii_digit()));
    assert_eq!(twice.collect::<Vec<_>>(), Vec::<&String>::new());
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
            "ports in body: list of object",
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
            "min_bandwidth_mbps in body: decimal",
            "min_uptime in body: decimal",
            "name in body: text",
            "offer_version in body: integer",
            "price_per_month in body: decimal",
            "terms in body: list of integer",
            "withheld_slices in body: integer",
        ],
    );
    check(
        "createToken",
        &[
            "name in body: text, required",
            "scopes in body: list of text, required",
            "expires_in_days in body: integer",
            "farm_id in body: integer",
            "spending_limit_usd in body: decimal",
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

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn the_api_page_is_made_from_what_is_served() {
    let stage = Stage::without_nodes();
    let page = stage.as_visitor().get(&[ABOUT_THE_API], "/docs/api").page(200);
    let groups = groups(&API, &API.document(""));
    let operations: String = groups
        .iter()
        .flat_map(|group| &group.operations)
        .map(|o| {
            assert!(page.contains(&format!("{} {}", o.method, o.path)), "{}", o.path);
            let path = o.path.trim_start_matches("/api");
            format!("{} {path} [{}]\n", o.method, o.access)
        })
        .collect();
    expect![[r#"
        GET /marketplace/slices [anybody]
        GET /marketplace/nodes [anybody]
        GET /marketplace/nodes/{node} [anybody]
        GET /marketplace/nodes/{node}/record [anybody]
        GET /marketplace/nodes/{node}/samples [anybody]
        GET /status [anybody]
        POST /marketplace/quotes [signed in, scope rent]
        GET /marketplace/quotes/{quote} [signed in, scope read]
        DELETE /marketplace/quotes/{quote} [signed in, scope rent]
        POST /marketplace/rent-slice [signed in, scope rent]
        POST /marketplace/rent-node [signed in, scope rent]
        GET /rentals [signed in, scope read]
        GET /rentals/{rental} [signed in, scope read]
        PATCH /rentals/{rental} [signed in, scope rent]
        POST /rentals/{rental}/extend [signed in, scope rent]
        POST /rentals/{rental}/cancel [signed in, scope rent]
        GET /rentals/{rental}/access [signed in, scope read]
        POST /rentals/{rental}/console [signed in, scope rent]
        GET /rentals/{rental}/alternatives [signed in, scope read]
        POST /rentals/{rental}/move [signed in, scope rent]
        GET /rentals/{rental}/months [signed in, scope read]
        POST /rentals/{rental}/months/{month}/dispute [signed in, scope rent]
        POST /rentals/{rental}/transfer [signed in, scope rent]
        DELETE /rentals/{rental}/transfer [signed in, scope rent]
        GET /transfers [signed in, scope read]
        POST /transfers/{rental}/accept [signed in, scope rent]
        GET /wallet [signed in, scope read]
        GET /wallet/entries [signed in, scope read]
        GET /wallet/earnings/entries [signed in, scope read]
        GET /wallet/statements [signed in, scope read]
        GET /wallet/statements/{month} [signed in, scope read]
        GET /wallet/receipts/{transaction} [signed in, scope read]
        POST /wallet/top-ups [signed in, scope rent]
        GET /wallet/top-ups [signed in, scope read]
        GET /wallet/top-ups/{top_up} [signed in, scope read]
        GET /saved-searches [signed in, scope read]
        POST /saved-searches [signed in, scope rent]
        PATCH /saved-searches/{search} [signed in, scope rent]
        DELETE /saved-searches/{search} [signed in, scope rent]
        GET /waitlist [signed in, scope read]
        POST /waitlist [signed in, scope rent]
        DELETE /waitlist/{node} [signed in, scope rent]
        POST /payments/stripe/webhook [anybody]
        GET /farm/payout [signed in, scope read]
        PUT /farm/payout [signed in, scope farm]
        GET /farm/payouts [signed in, scope read]
        POST /farm/payouts [signed in, scope farm]
        GET /farm/payouts/{payout} [signed in, scope read]
        POST /farm/payouts/{payout}/cancel [signed in, scope farm]
        GET /farm/nodes [signed in, scope read]
        POST /farm/nodes [signed in, scope farm]
        GET /farm/nodes/{node} [signed in, scope read]
        PATCH /farm/nodes/{node} [signed in, scope farm]
        POST /farm/nodes/{node}/publish [signed in, scope farm]
        POST /farm/nodes/{node}/pause [signed in, scope farm]
        GET /farm/grid-nodes [signed in, scope read]
        GET /farm/claims [signed in, scope read]
        POST /farm/claims [signed in, scope farm]
        POST /farm/claims/verify [signed in, scope farm]
        POST /farm/nodes/{node}/take-over [signed in, scope farm]
        GET /farm/market [signed in, scope read]
        POST /farm/nodes/{node}/leave [signed in, scope farm]
        POST /farm/nodes/{node}/cancel-leave [signed in, scope farm]
        POST /farm/nodes/{node}/lock [signed in, scope farm]
        POST /farm/nodes/{node}/unlock [signed in, scope farm]
        GET /farm/nodes/{node}/history [signed in, scope read]
        GET /farm/nodes/{node}/maintenance [signed in, scope read]
        POST /farm/nodes/{node}/maintenance [signed in, scope farm]
        DELETE /farm/nodes/{node}/maintenance/{maintenance} [signed in, scope farm]
        GET /farm/revenue [signed in, scope read]
        GET /farm/credits [signed in, scope read]
        POST /farm/credits/{rental}/{month}/dispute [signed in, scope farm]
        POST /admin/credits [operator]
        POST /admin/sla-credits [operator]
        GET /admin/refused-payments [operator]
        GET /admin/reversed-payments [operator]
        GET /admin/payouts [operator]
        GET /admin/payouts/export [operator]
        POST /admin/payouts/{payout}/approve [operator]
        POST /admin/payouts/{payout}/send [operator]
        POST /admin/payouts/{payout}/done [operator]
        POST /admin/payouts/{payout}/fail [operator]
        GET /admin/farms [operator]
        POST /admin/farms/{farm} [operator]
        DELETE /admin/farms/{farm} [operator]
        POST /admin/nodes/{node}/lock [operator]
        POST /admin/nodes/{node}/unlock [operator]
        GET /admin/invariants [operator]
        GET /admin/sync-runs [operator]
        GET /admin/jobs [operator]
        GET /admin/accounts [operator]
        POST /admin/accounts/{account}/suspend [operator]
        POST /admin/accounts/{account}/reactivate [operator]
        POST /admin/accounts/{account}/end-sessions [operator]
        POST /admin/accounts/{account}/grant-operator [operator]
        POST /admin/accounts/{account}/revoke-operator [operator]
        GET /admin/audit [operator]
        GET /admin/mails [operator]
        POST /admin/mails/{mail}/retry [operator]
        GET /admin/disputes [operator]
        POST /admin/disputes/{dispute}/decide [operator]
        GET /admin/incidents [operator]
        POST /admin/incidents [operator]
        PUT /admin/incidents/{incident} [operator]
        DELETE /admin/incidents/{incident} [operator]
        GET /health [anybody]
        GET /openapi.json [anybody]
        POST /farm/nodes/{node}/slices/{number}/confirm-removed [signed in, scope farm]
        POST /agent/jobs/lease [signed in, scope agent]
        POST /agent/jobs/{job}/progress [signed in, scope agent]
        POST /agent/jobs/{job}/complete [signed in, scope agent]
        POST /agent/jobs/{job}/fail [signed in, scope agent]
        POST /agent/machines [signed in, scope agent]
        GET /farm/nodes/{node}/manual-setups [signed in, scope farm]
        POST /farm/nodes/{node}/slices/{number}/confirm-setup [signed in, scope farm]
        GET /events [signed in, scope read]
        GET /notifications [signed in, scope read]
        POST /notifications/read [signed in, scope farm]
        GET /notifications/settings [signed in, scope read]
        PUT /notifications/settings [signed in, scope farm]
        GET /notifications/webhooks [signed in, scope read]
        POST /notifications/webhooks [signed in, scope farm]
        DELETE /notifications/webhooks/{webhook} [signed in, scope farm]
        POST /notifications/webhooks/{webhook}/secret [signed in, scope farm]
        POST /notifications/webhooks/{webhook}/test [signed in, scope farm]
        GET /notifications/webhooks/{webhook}/deliveries [signed in, scope read]
        POST /notifications/webhooks/{webhook}/deliveries/{delivery}/replay [signed in, scope farm]
        POST /rentals/{rental}/actions [signed in, scope rent]
        GET /rentals/{rental}/actions [signed in, scope read]
        PUT /rentals/{rental}/ports [signed in, scope rent]
        GET /rentals/{rental}/keys [signed in, scope read]
        PUT /rentals/{rental}/keys [signed in, scope rent]
        POST /rentals/{rental}/rebuild [signed in, scope rent]
        POST /rentals/{rental}/console-password [signed in, scope rent]
        GET /account/ssh-keys [signed in, scope read]
        POST /account/ssh-keys [signed in, scope rent]
        DELETE /account/ssh-keys/{key} [signed in, scope rent]
        POST /account [anybody]
        POST /account/confirm [anybody]
        GET /account [signed in, scope read]
        PATCH /account [signed in, scope read]
        POST /account/delete [signed in, scope read]
        POST /account/password [signed in, scope read]
        POST /account/email [signed in, scope read]
        POST /account/email/confirm [anybody]
        POST /account/reset [anybody]
        POST /account/reset/confirm [anybody]
        POST /account/sessions [anybody]
        DELETE /account/sessions [anybody]
        GET /account/sessions [signed in, scope read]
        DELETE /account/sessions/{session} [signed in, scope read]
        POST /account/sessions/end-others [signed in, scope read]
        POST /account/tokens [signed in, scope read]
        GET /account/tokens [signed in, scope read]
        DELETE /account/tokens/{token} [signed in, scope read]
        GET /account/audit [signed in, scope read]
        POST /account/sessions/second-factor [anybody]
        POST /account/passkeys/sign-in [anybody]
        POST /account/sessions/passkey [anybody]
        POST /account/sessions/verify [signed in, scope read]
        GET /account/factors [signed in, scope read]
        GET /account/passkeys [signed in, scope read]
        POST /account/passkeys/options [signed in, scope read]
        POST /account/passkeys [signed in, scope read]
        DELETE /account/passkeys/{passkey} [signed in, scope read]
        POST /account/totp [signed in, scope read]
        POST /account/totp/confirm [signed in, scope read]
        DELETE /account/totp [signed in, scope read]
        POST /account/recovery-codes [signed in, scope read]
    "#]]
    .assert_eq(&operations);
}
