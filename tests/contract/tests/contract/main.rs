//! What programs rely on: each operation is served once, and the API document is the expected one.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod mails;

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
            format!("{} {} [{}]\n", o.method, o.path, o.access)
        })
        .collect();
    expect![[r#"
        GET /api/marketplace/slices [anybody]
        GET /api/marketplace/nodes [anybody]
        GET /api/marketplace/nodes/{node} [anybody]
        GET /api/marketplace/nodes/{node}/record [anybody]
        GET /api/marketplace/nodes/{node}/samples [anybody]
        GET /api/status [anybody]
        POST /api/marketplace/quotes [signed in, scope rent]
        GET /api/marketplace/quotes/{quote} [signed in, scope read]
        DELETE /api/marketplace/quotes/{quote} [signed in, scope rent]
        POST /api/marketplace/rent-slice [signed in, scope rent]
        POST /api/marketplace/rent-node [signed in, scope rent]
        GET /api/rentals [signed in, scope read]
        GET /api/rentals/{rental} [signed in, scope read]
        PATCH /api/rentals/{rental} [signed in, scope rent]
        POST /api/rentals/{rental}/extend [signed in, scope rent]
        POST /api/rentals/{rental}/cancel [signed in, scope rent]
        GET /api/rentals/{rental}/access [signed in, scope read]
        POST /api/rentals/{rental}/console [signed in, scope rent]
        GET /api/rentals/{rental}/alternatives [signed in, scope read]
        POST /api/rentals/{rental}/move [signed in, scope rent]
        GET /api/rentals/{rental}/months [signed in, scope read]
        POST /api/rentals/{rental}/months/{month}/dispute [signed in, scope rent]
        POST /api/rentals/{rental}/transfer [signed in, scope rent]
        DELETE /api/rentals/{rental}/transfer [signed in, scope rent]
        GET /api/transfers [signed in, scope read]
        POST /api/transfers/{rental}/accept [signed in, scope rent]
        GET /api/wallet [signed in, scope read]
        GET /api/wallet/entries [signed in, scope read]
        GET /api/wallet/statements [signed in, scope read]
        GET /api/wallet/statements/{month} [signed in, scope read]
        GET /api/wallet/receipts/{transaction} [signed in, scope read]
        POST /api/wallet/top-ups [signed in, scope rent]
        GET /api/wallet/top-ups [signed in, scope read]
        GET /api/wallet/top-ups/{top_up} [signed in, scope read]
        POST /api/payments/stripe/webhook [anybody]
        GET /api/farm/payout [signed in, scope read]
        PUT /api/farm/payout [signed in, scope farm]
        GET /api/farm/payouts [signed in, scope read]
        POST /api/farm/payouts [signed in, scope farm]
        GET /api/farm/payouts/{payout} [signed in, scope read]
        POST /api/farm/payouts/{payout}/withdraw [signed in, scope farm]
        GET /api/farm/nodes [signed in, scope read]
        POST /api/farm/nodes [signed in, scope farm]
        GET /api/farm/nodes/{node} [signed in, scope read]
        PATCH /api/farm/nodes/{node} [signed in, scope farm]
        POST /api/farm/nodes/{node}/publish [signed in, scope farm]
        POST /api/farm/nodes/{node}/pause [signed in, scope farm]
        GET /api/farm/grid-nodes [signed in, scope read]
        GET /api/farm/claims [signed in, scope read]
        POST /api/farm/claims [signed in, scope farm]
        POST /api/farm/claims/prove [signed in, scope farm]
        POST /api/farm/nodes/{node}/take-over [signed in, scope farm]
        GET /api/farm/market [signed in, scope read]
        POST /api/farm/nodes/{node}/withdraw [signed in, scope farm]
        POST /api/farm/nodes/{node}/stay [signed in, scope farm]
        POST /api/farm/nodes/{node}/lock [signed in, scope farm]
        POST /api/farm/nodes/{node}/unlock [signed in, scope farm]
        GET /api/farm/nodes/{node}/history [signed in, scope read]
        GET /api/farm/nodes/{node}/maintenance [signed in, scope read]
        POST /api/farm/nodes/{node}/maintenance [signed in, scope farm]
        DELETE /api/farm/nodes/{node}/maintenance/{maintenance} [signed in, scope farm]
        GET /api/farm/revenue [signed in, scope read]
        GET /api/farm/credits [signed in, scope read]
        POST /api/farm/credits/{rental}/{month}/dispute [signed in, scope farm]
        POST /api/admin/credits [operator]
        POST /api/admin/sla-credits [operator]
        GET /api/admin/refused-payments [operator]
        GET /api/admin/payouts [operator]
        GET /api/admin/payouts/export [operator]
        POST /api/admin/payouts/{payout}/approve [operator]
        POST /api/admin/payouts/{payout}/send [operator]
        POST /api/admin/payouts/{payout}/done [operator]
        POST /api/admin/payouts/{payout}/fail [operator]
        GET /api/admin/farms [operator]
        POST /api/admin/farms/{farm} [operator]
        DELETE /api/admin/farms/{farm} [operator]
        POST /api/admin/nodes/{node}/lock [operator]
        POST /api/admin/nodes/{node}/unlock [operator]
        GET /api/admin/invariants [operator]
        GET /api/admin/sync-runs [operator]
        GET /api/admin/jobs [operator]
        GET /api/admin/accounts [operator]
        POST /api/admin/accounts/{account}/disable [operator]
        POST /api/admin/accounts/{account}/enable [operator]
        POST /api/admin/accounts/{account}/end-sessions [operator]
        POST /api/admin/accounts/{account}/grant-operator [operator]
        POST /api/admin/accounts/{account}/revoke-operator [operator]
        GET /api/admin/audit [operator]
        GET /api/admin/mails [operator]
        POST /api/admin/mails/{mail}/retry [operator]
        GET /api/admin/disputes [operator]
        POST /api/admin/disputes/{dispute}/decide [operator]
        GET /api/health [anybody]
        GET /api/openapi.json [anybody]
        POST /api/farm/nodes/{node}/slices/{number}/confirm-removed [signed in, scope farm]
        POST /api/agent/jobs/lease [signed in, scope agent]
        POST /api/agent/jobs/{job}/progress [signed in, scope agent]
        POST /api/agent/jobs/{job}/complete [signed in, scope agent]
        POST /api/agent/jobs/{job}/fail [signed in, scope agent]
        GET /api/events [signed in, scope read]
        GET /api/notifications [signed in, scope read]
        POST /api/notifications/read [signed in, scope farm]
        GET /api/notifications/choices [signed in, scope read]
        PUT /api/notifications/choices [signed in, scope farm]
        GET /api/notifications/webhooks [signed in, scope read]
        POST /api/notifications/webhooks [signed in, scope farm]
        DELETE /api/notifications/webhooks/{webhook} [signed in, scope farm]
        POST /api/notifications/webhooks/{webhook}/secret [signed in, scope farm]
        POST /api/notifications/webhooks/{webhook}/test [signed in, scope farm]
        GET /api/notifications/webhooks/{webhook}/deliveries [signed in, scope read]
        POST /api/notifications/webhooks/{webhook}/deliveries/{delivery}/replay [signed in, scope farm]
        GET /api/account/ssh-keys [signed in, scope read]
        POST /api/account/ssh-keys [signed in, scope rent]
        DELETE /api/account/ssh-keys/{key} [signed in, scope rent]
        POST /api/account [anybody]
        POST /api/account/confirm [anybody]
        GET /api/account [signed in, scope read]
        PATCH /api/account [signed in, scope read]
        POST /api/account/delete [signed in, scope read]
        POST /api/account/password [signed in, scope read]
        POST /api/account/email [signed in, scope read]
        POST /api/account/email/confirm [anybody]
        POST /api/account/reset [anybody]
        POST /api/account/reset/confirm [anybody]
        POST /api/account/sessions [anybody]
        DELETE /api/account/sessions [anybody]
        GET /api/account/sessions [signed in, scope read]
        DELETE /api/account/sessions/{session} [signed in, scope read]
        POST /api/account/sessions/end-others [signed in, scope read]
        POST /api/account/tokens [signed in, scope read]
        GET /api/account/tokens [signed in, scope read]
        DELETE /api/account/tokens/{token} [signed in, scope read]
        GET /api/account/audit [signed in, scope read]
        POST /api/account/sessions/second-factor [anybody]
        POST /api/account/passkeys/sign-in [anybody]
        POST /api/account/sessions/passkey [anybody]
        POST /api/account/sessions/prove [signed in, scope read]
        GET /api/account/factors [signed in, scope read]
        GET /api/account/passkeys [signed in, scope read]
        POST /api/account/passkeys/options [signed in, scope read]
        POST /api/account/passkeys [signed in, scope read]
        DELETE /api/account/passkeys/{passkey} [signed in, scope read]
        POST /api/account/totp [signed in, scope read]
        POST /api/account/totp/confirm [signed in, scope read]
        DELETE /api/account/totp [signed in, scope read]
        POST /api/account/recovery-codes [signed in, scope read]
    "#]]
    .assert_eq(&operations);
}
