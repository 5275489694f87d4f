//! Forms that do not carry the token of their session: sent by a page from before a sign-in, or by
//! the page that kept them meanwhile.

use expect_test::expect;
use http::Method;
use stage::{ADA, Caller, FARMER, Stage};
use store::Db;
use store::db::Value;

/// How many rows the database has changed so far.
fn changes(stage: &Stage) -> i64 {
    let rows = stage.db.run("SELECT total_changes()", &[]).unwrap();
    match rows[0].0[0] {
        Value::Integer(count) => count,
        ref other => panic!("{other:?}"),
    }
}

#[test]
fn no_stale_form_changes_anything_and_what_was_entered_is_shown() {
    let stage = Stage::market();
    let rental = stage.rent().life.id.to_string();
    let path_of = |pattern: &str| {
        let path = pattern.replace("{rental}", &rental).replace("{node}", "node32");
        path.replace("{number}", "1").replace("{month}", "2026-07")
    };
    let sent = |who: &Caller<'_>, path: &str| {
        let before = changes(&stage);
        let fields = [("form_token", "of another session"), ("node_id", "node32")];
        let page = who.form(&contract::groups(), path, &fields).html(403);
        (page.contains("so nothing was sent"), changes(&stage) - before)
    };
    let people = [stage.as_strong(ADA), stage.as_strong(FARMER)];
    // A limit counts each, and the session is noted as used.
    let usual = sent(&people[0], "/dashboard/notifications/read").1;
    let mut not_shown = Vec::new();
    for route in contract::routes().filter(|route| *route.method() == Method::POST) {
        let path = route.path();
        if !path.starts_with("/dashboard/") {
            continue;
        }
        let answers = people.each_ref().map(|who| sent(who, &path_of(path)));
        assert!(answers.iter().all(|(_, changed)| *changed == usual), "{path}: {answers:?}");
        if !answers.iter().any(|(is_shown, _)| *is_shown) {
            not_shown.push(path);
        }
    }
    // Buttons, and forms of secrets.
    expect![[r#"
        /dashboard/waitlist
        /dashboard/waitlist/{node}/leave
        /dashboard/searches/{search}/remove
        /dashboard/slices/selected/work
        /dashboard/slices/{rental}/auto-start
        /dashboard/slices/{rental}/ports
        /dashboard/slices/{rental}/console
        /dashboard/slices/{rental}/transfer/cancel
        /dashboard/slices/{rental}/months/{month}/dispute
        /dashboard/transfers/{rental}/accept
        /dashboard/transfers/{rental}/decline
        /dashboard/wallet/top-ups
        /dashboard/wallet/orders
        /dashboard/farm/payouts/{payout}/cancel
        /dashboard/farm/nodes/{node}/agent
        /dashboard/farm/nodes/{node}/cancel-leave
        /dashboard/farm/nodes/{node}/lock
        /dashboard/farm/nodes/{node}/unlock
        /dashboard/farm/nodes/{node}/slices/{number}/confirm-removed
        /dashboard/farm/nodes/{node}/maintenance/{maintenance}/cancel
        /dashboard/farm/claims/verify
        /dashboard/farm/nodes/{node}/take-over
        /dashboard/notifications/read
        /dashboard/notifications/settings
        /dashboard/notifications/webhooks/{webhook}/secret
        /dashboard/notifications/webhooks/{webhook}/test
        /dashboard/notifications/webhooks/{webhook}/remove
        /dashboard/notifications/webhooks/{webhook}/deliveries/{delivery}/replay
        /dashboard/farm/nodes/{node}/slices/{number}/setup
        /dashboard/settings/ssh-keys/{key}/remove
        /dashboard/verify/kept
        /dashboard/settings/passkeys/remove
        /dashboard/settings/totp
        /dashboard/settings/totp/confirm
        /dashboard/settings/totp/remove
        /dashboard/settings/recovery-codes
        /dashboard/settings/password
        /dashboard/settings/sessions/end-others
        /dashboard/settings/sessions/{session}/end
        /dashboard/settings/tokens/{token}/revoke
        /dashboard/settings/delete"#]]
    .assert_eq(&not_shown.join("\n"));
}
