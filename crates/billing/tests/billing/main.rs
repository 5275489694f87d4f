//! The routes of billing, called natively on SQLite with a played network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod books;
mod payout;
mod wallet;

use serde_json::{Value, json};
use stage::{ADA, FARMER, Stage};

const TOP_UPS: &str = "/api/wallet/top-ups";
const STRIPE: &str = "https://api.stripe.com/v1/checkout/sessions";

fn credit(amount: &str) -> Value {
    json!({ "email": ADA.email, "amount_usd": amount, "reason": "bank transfer" })
}

/// The market takes payments by card.
fn with_stripe(stage: Stage) -> Stage {
    let stage = stage.with("stripe_secret_key", "sk_test_0123456789");
    stage.with("stripe_webhook_secret", "whsec_0123456789abcdef0123456789")
}

#[test]
fn a_credit_is_booked_once_for_each_key() {
    let stage = Stage::market();
    let operator = || stage.as_operator().key("transfer-1");
    let credit = |amount| operator().post(billing::ROUTES, "/api/admin/credits", credit(amount));
    let first = credit("50.00");
    first.ok(201);
    assert_eq!(credit("50").bytes(), first.bytes());
    credit("60").problem(422, "idempotency-key-reused");
    assert_eq!(stage.balance(ADA), "150.00");
    stage.check_invariants();
}

#[test]
fn a_key_that_is_not_allowed_is_refused_and_not_ignored() {
    let stage = with_stripe(Stage::market());
    let sla = json!({
        "rental_id": "01a2043b-3da8-7100-8000-000000000003", "amount_usd": "1", "reason": "down",
    });
    for (caller, path, body) in [
        (stage.as_operator(), "/api/admin/credits", credit("50")),
        (stage.as_operator(), "/api/admin/sla-credits", sla),
        (stage.as_user(ADA), TOP_UPS, json!({ "amount_usd": "25" })),
        (stage.as_strong(FARMER), "/api/farm/payouts", json!({ "amount_usd": "25" })),
    ] {
        for caller in [caller.clone().key("cl\u{e9}-1"), caller.key("k1").key("k2")] {
            let answer = caller.post(billing::ROUTES, path, body.clone());
            assert_eq!(answer.wrong_fields(), ["Idempotency-Key"], "{path}");
        }
    }
    assert_eq!(stage.balance(ADA), "100.00");
    assert!(stage.network.posted().is_empty());
}

#[test]
fn a_top_up_asks_stripe_once_and_again_where_it_did_not_answer() {
    let stage = with_stripe(Stage::market());
    let begin = || {
        let ada = stage.as_user(ADA).key("k1");
        ada.post(billing::ROUTES, TOP_UPS, json!({ "amount_usd": "25" }))
    };
    begin().problem(502, "payment-provider");
    let url = "https://checkout.stripe.com/c/pay/cs_test_1";
    stage.network.answer(STRIPE, 200, json!({ "id": "cs_test_1", "url": url }).to_string());
    let first = begin().ok(201);
    assert_eq!(first["url"], url);
    assert_eq!(begin().ok(201), first);
    let posted = stage.network.posted();
    // A retry asks for just the same.
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0], posted[1]);
    assert_eq!(stage.balance(ADA), "100.00");
}

#[test]
fn every_page_is_well_formed() {
    let stage = with_stripe(Stage::three_slices());
    stage.rent();
    let names = [("month", "2026-07"), ("transaction", "1")];
    stage.as_user(ADA).get_every_page(&[billing::WALLET, billing::PAYOUTS], &names);
    stage.as_strong(FARMER).get_every_page(&[billing::PAYOUTS], &[]);
    stage.as_operator().get_every_page(&[billing::OPERATOR], &[]);
}
