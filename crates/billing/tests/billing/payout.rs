//! Where a farmer is paid.

use expect_test::expect;
use serde_json::json;
use stage::{FARMER, HOSTILE, Stage};

const PAYOUT: &str = "/dashboard/farm/payout";

#[test]
fn a_payout_is_locked_without_a_second_factor() {
    let stage = Stage::without_nodes();
    let save = |address: &str| {
        stage.as_strong(FARMER).form(billing::ROUTES, PAYOUT, &[("payout_address", address)])
    };
    assert_eq!(save("BE71 0961 2345 6769").see_other(), "/dashboard/farm/payout?done=payout-set");
    stage.as_user(FARMER).get(billing::ROUTES, PAYOUT).reads(
        200,
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address. After a change, payouts wait 72
              hours.
            Current: BE71 0961 2345 6769
            To change the payout address, verify it's you with a passkey or an authenticator app.
              If you have neither, add one in Settings </dashboard/settings/security> first.
            Verify it's you </dashboard/verify?next=%2Fdashboard%2Ffarm%2Fpayout>"#]],
    );
    save("BE71\tx").reads(
        400,
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address. After a change, payouts wait 72
              hours.
            post /dashboard/farm/payout
            Payout address [text payout_address=BE71 x]
            1 to 200 visible characters on one line.
            (Save payout address)"#]],
    );
}

#[test]
fn an_address_is_text() {
    let stage = Stage::without_nodes();
    let fields = [("payout_address", HOSTILE)];
    stage.as_strong(FARMER).form(billing::ROUTES, PAYOUT, &fields).see_other();
    for path in [PAYOUT, "/dashboard/farm/payouts"] {
        stage.as_strong(FARMER).get(billing::ROUTES, path).escapes_hostile_text();
    }
}

/// T22: whoever sets another address waits, and its owner is told.
#[test]
fn payouts_wait_after_another_address_was_set() {
    let stage = crate::with_earnings().with("mail_transport", "folder");
    let farmer = || stage.as_strong(FARMER);
    let put = |address: &str| {
        let body = json!({ "payout_address": address });
        farmer().call(billing::ROUTES, http::Method::PUT, "/api/farm/payout", body)
    };
    let ask = |key: &str| {
        let body = json!({ "amount_usd": "30" });
        farmer().key(key).post(billing::ROUTES, "/api/farm/payouts", body)
    };
    let mails = || crate::count(&stage, "SELECT count(*) FROM mails WHERE sealed IS NOT NULL");
    ask("k1").ok(201);
    // The same address is no change.
    put("BE71").ok(200);
    ask("k2").ok(201);
    assert_eq!(mails(), 0);
    put("thief").ok(200);
    assert_eq!(mails(), 1);
    let refused = ask("k3").problem(409, "payout-address-changed");
    assert_eq!(refused["available_at"], "2026-08-01T12:00:00Z");
    let page = farmer().get(billing::ROUTES, "/dashboard/farm/payouts").page(200);
    assert!(page.contains("You can request payouts from 1 August 2026, 12:00 UTC on."), "{page}");
    stage.pass(2);
    ask("k3").problem(409, "payout-address-changed");
    stage.pass(1);
    ask("k3").ok(201);
    stage.check_invariants();
}

#[test]
fn an_address_is_set_only_by_who_has_shown_a_second_factor_lately() {
    let stage = Stage::without_nodes();
    let put = || {
        let body = json!({ "payout_address": "BE71" });
        stage.as_strong(FARMER).call(billing::ROUTES, http::Method::PUT, "/api/farm/payout", body)
    };
    put().ok(200);
    stage.pass_seconds(15 * 60);
    put().problem(403, "verification-required");
    let page = stage.as_strong(FARMER).get(billing::ROUTES, PAYOUT).page(200);
    assert!(page.contains("Verify it's you"), "{page}");
}

/// T20: what an unverified farm earns is held, and the farmer reads what releases it.
#[test]
fn what_an_unverified_farm_earned_is_held_and_told() {
    let stage = crate::with_earnings();
    let owner = FARMER.account().to_string();
    let run = |sql: &'static str| {
        (&stage.db as &dyn store::Db).run(sql, &[owner.as_str().into()]).unwrap();
    };
    run("INSERT INTO unproven_earnings VALUES (?1, 1, 0, 70000000)");
    run("INSERT INTO farm_uses VALUES (?1, 1, 12, '2026-07-01')");
    let page = || stage.as_strong(FARMER).get(billing::ROUTES, "/dashboard/farm/payouts").page(200);
    let ask = |amount: &str| {
        let body = json!({ "amount_usd": amount });
        stage.as_strong(FARMER).post(billing::ROUTES, "/api/farm/payouts", body)
    };
    let held = "Verify farm 1 (Freefarm) to release $70.00, or wait until renters have used it \
                for 30 days: 12 days so far.";
    let shown = page();
    assert!(shown.contains(held) && shown.contains("$20.00 USD"), "{shown}");
    assert!(shown.contains("less than that is available now."), "{shown}");
    ask("30").problem(409, "insufficient-earnings");
    // Somebody else has verified it.
    let farm = "INSERT INTO farms VALUES
                    (1, 'Freefarm', 1, '5Grwva', ?1, 'operator', 0, 0, NULL)";
    let other = stage::BEN.account().to_string();
    (&stage.db as &dyn store::Db).run(farm, &[other.as_str().into()]).unwrap();
    let shown = page();
    let lost = "$70.00 is held because another account has verified farm 1 (Freefarm).";
    assert!(shown.contains(lost), "{shown}");
    run("UPDATE farms SET owner_id = ?1");
    let shown = page();
    assert!(!shown.contains("Freefarm") && shown.contains("$90.00 USD"), "{shown}");
    ask("30").ok(201);
}
