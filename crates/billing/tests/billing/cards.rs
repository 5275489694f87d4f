//! What Stripe tells of payments that are taken back, that fail, or that were made in other money:
//! by signed events.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use stage::{ADA, Stage};
use store::Db;

use crate::{STRIPE, TOP_UPS, count, with_stripe};

const WEBHOOK: &str = "/api/payments/stripe/webhook";
const SECRET: &[u8] = b"whsec_0123456789abcdef0123456789";

/// A market that takes payments, where Stripe answers with one page after the other.
fn with_page(stage: Stage) -> Stage {
    let stage = with_stripe(stage);
    let url = "https://checkout.stripe.com/c/pay/cs_test_1";
    stage.network.answer(STRIPE, 200, json!({ "id": "cs_test_1", "url": url }).to_string());
    stage
}

/// Stripe tells of an event, which is signed; answers what came of it.
fn told(stage: &Stage, kind: &str, object: &Value) -> String {
    let event = json!({ "id": "evt_1", "type": kind, "data": { "object": object } });
    let time = stage.now().seconds().to_string();
    let mac = Hmac::<Sha256>::new_from_slice(SECRET).unwrap();
    let mac = mac.chain_update(&time).chain_update(".").chain_update(event.to_string());
    let hex: String =
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let stripe = stage.as_visitor().header("stripe-signature", &format!("t={time},v1={hex}"));
    let answer = stripe.post(billing::ROUTES, WEBHOOK, event).ok(200);
    answer["outcome"].as_str().unwrap().to_owned()
}

/// Ada begins a top-up of $50; answers its id.
fn begun(stage: &Stage) -> String {
    let ada = stage.as_user(ADA).key("k1");
    let top_up = ada.post(billing::ROUTES, TOP_UPS, json!({ "amount_usd": "50" })).ok(201);
    top_up["id"].as_str().unwrap().to_owned()
}

/// Ada has paid $50 by card, and has $150 then.
fn paid() -> (Stage, String) {
    let stage = with_page(Stage::market());
    let top_up = begun(&stage);
    let intent = json!({
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 5000,
        "amount_received": 5000, "currency": "usd", "metadata": { "top_up_id": top_up },
    });
    assert_eq!(told(&stage, "payment_intent.succeeded", &intent), "credited");
    assert_eq!(stage.balance(ADA), "150.00");
    (stage, top_up)
}

fn charge(refunded: i64) -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 5000, "amount_refunded": refunded,
        "refunded": refunded == 5000, "currency": "usd", "payment_intent": "pi_1",
    })
}

fn refund(id: &str, amount: i64, status: &str) -> Value {
    json!({
        "id": id, "object": "refund", "amount": amount, "currency": "usd", "charge": "ch_1",
        "payment_intent": "pi_1", "status": status,
    })
}

fn dispute(status: &str) -> Value {
    json!({
        "id": "dp_1", "object": "dispute", "amount": 5000, "currency": "usd", "charge": "ch_1",
        "payment_intent": "pi_1", "status": status, "reason": "fraudulent",
    })
}

fn state(stage: &Stage, top_up: &str) -> Value {
    let path = format!("{TOP_UPS}/{top_up}");
    stage.as_user(ADA).get(billing::ROUTES, &path).ok(200)["state"].clone()
}

fn reversed(stage: &Stage) -> Value {
    let path = "/api/admin/reversed-payments";
    stage.as_operator().get(billing::ROUTES, path).ok(200)["items"].clone()
}

#[test]
fn a_refund_at_stripe_is_debited_once() {
    let (stage, top_up) = paid();
    for (refunded, outcome, balance) in [
        (2000, "reversed", "130.00"),
        (2000, "already-reversed", "130.00"),
        (5000, "reversed", "100.00"),
        (2000, "already-reversed", "100.00"),
    ] {
        assert_eq!(told(&stage, "charge.refunded", &charge(refunded)), outcome);
        assert_eq!(stage.balance(ADA), balance);
    }
    assert_eq!(state(&stage, &top_up), "paid");
    let shown = reversed(&stage);
    assert_eq!(
        (&shown[0]["kind"], &shown[0]["status"], &shown[0]["amount"], &shown[0]["balance"]),
        (&json!("refund"), &json!("refunded"), &json!("50.00"), &json!("100.00"))
    );
    // Wallet, statement, receipt and CSV say it.
    let ada = stage.as_user(ADA);
    let entries = ada.get(billing::ROUTES, "/api/wallet/entries").ok(200);
    assert_eq!(
        (&entries["items"][0]["kind"], &entries["items"][0]["amount"]),
        (&json!("card-reversal"), &json!("-30.00"))
    );
    let words = "Card payment refunded or disputed";
    for page in ["/dashboard/wallet", "/dashboard/wallet/statements/2026-07"] {
        assert!(ada.get(billing::ROUTES, page).page(200).contains(words), "{page}");
    }
    let csv = ada.get(billing::ROUTES, "/dashboard/wallet/statements/2026-07/csv");
    assert!(csv.text().contains(words) && csv.text().contains("-30.00"), "{csv}");
    let receipt = format!("/dashboard/wallet/receipts/{}", entries["items"][0]["id"]);
    assert!(ada.get(billing::ROUTES, &receipt).page(200).contains(words));
    stage.check_invariants();
}

#[test]
fn a_refund_that_fails_comes_back_once_and_its_owner_is_told() {
    let (stage, _) = paid();
    for (kind, object, outcome, balance) in [
        ("charge.refunded", charge(2000), "reversed", "130.00"),
        // The same refund by itself.
        ("refund.created", refund("re_1", 2000, "succeeded"), "already-reversed", "130.00"),
        ("refund.failed", refund("re_1", 2000, "failed"), "reversed", "150.00"),
        ("charge.refund.updated", refund("re_1", 2000, "failed"), "already-reversed", "150.00"),
        // What comes late is of earlier.
        ("refund.created", refund("re_1", 2000, "succeeded"), "already-reversed", "150.00"),
        // A second one, which doesn't raise the sum.
        ("refund.created", refund("re_2", 1500, "pending"), "reversed", "135.00"),
        ("charge.refunded", charge(1500), "already-reversed", "135.00"),
    ] {
        assert_eq!(told(&stage, kind, &object), outcome, "{kind} {object}");
        assert_eq!(stage.balance(ADA), balance, "{kind} {object}");
    }
    let shown = reversed(&stage);
    let statuses: Vec<&Value> =
        shown.as_array().unwrap().iter().map(|item| &item["status"]).collect();
    assert_eq!(statuses, ["failed", "partially_refunded"], "{shown:#}");
    assert_eq!((&shown[0]["kind"], &shown[0]["amount"]), (&json!("single-refund"), &json!("0.00")));
    let sql = "SELECT group_concat(kind || ' ' || subject, '; ' ORDER BY id) FROM events
                WHERE kind LIKE 'card-payment-re%'";
    let events: Vec<String> = (&stage.db as &dyn Db).all(sql, &[]).unwrap();
    let expected = "card-payment-reversed $20.00; card-payment-returned $20.00; \
                    card-payment-reversed $15.00";
    assert_eq!(events, [expected]);
    stage.check_invariants();
}

#[test]
fn a_dispute_takes_the_wallet_below_zero_until_it_is_won() {
    let (stage, _) = paid();
    stage.rent();
    stage.rent_another(1);
    assert_eq!(stage.balance(ADA), "7.50");
    assert_eq!(told(&stage, "charge.dispute.created", &dispute("needs_response")), "reversed");
    let withdrawn = dispute("needs_response");
    assert_eq!(told(&stage, "charge.dispute.funds_withdrawn", &withdrawn), "already-reversed");
    assert_eq!(stage.balance(ADA), "-42.50");
    let shown = &reversed(&stage)[0];
    assert_eq!((&shown["kind"], &shown["balance"]), (&json!("dispute"), &json!("-42.50")));
    let page = stage.as_user(ADA).get(billing::ROUTES, "/dashboard/wallet").page(200);
    assert!(page.contains("\u{2212}$42.50"), "{page}");
    // It is won: the money is back, once.
    assert_eq!(told(&stage, "charge.dispute.closed", &dispute("won")), "reversed");
    let back = told(&stage, "charge.dispute.funds_reinstated", &dispute("won"));
    assert_eq!((back.as_str(), stage.balance(ADA)), ("already-reversed", "7.50".to_owned()));
    // What comes late is of earlier.
    let late = told(&stage, "charge.dispute.created", &dispute("needs_response"));
    assert_eq!((late.as_str(), stage.balance(ADA)), ("already-reversed", "7.50".to_owned()));
    stage.check_invariants();
}

#[test]
fn an_inquiry_takes_nothing() {
    let (stage, _) = paid();
    let inquiry = dispute("warning_needs_response");
    assert_eq!(told(&stage, "charge.dispute.created", &inquiry), "already-reversed");
    let shown = reversed(&stage)[0]["amount"].clone();
    assert_eq!((stage.balance(ADA), shown), ("150.00".to_owned(), json!("0.00")));
    assert_eq!(told(&stage, "charge.dispute.closed", &dispute("lost")), "reversed");
    assert_eq!(stage.balance(ADA), "100.00");
    // Payments of other things of the same Stripe account are none of ours.
    let mut other = charge(5000);
    other["payment_intent"] = json!("pi_other");
    assert_eq!(told(&stage, "charge.refunded", &other), "ignored");
    assert_eq!(reversed(&stage).as_array().unwrap().len(), 1);
}

#[test]
fn a_payment_that_fails_later_ends_its_top_up() {
    let stage = with_page(Stage::market());
    let top_up = begun(&stage);
    let session = |status: &str| {
        json!({
            "id": "cs_test_1", "object": "checkout.session", "payment_status": status,
            "payment_intent": "pi_1", "amount_total": 5000, "currency": "usd",
            "metadata": { "top_up_id": top_up },
        })
    };
    assert_eq!(told(&stage, "checkout.session.completed", &session("unpaid")), "ignored");
    assert_eq!(state(&stage, &top_up), "pending");
    let failed = "checkout.session.async_payment_failed";
    assert_eq!(told(&stage, failed, &session("unpaid")), "expired");
    assert_eq!(state(&stage, &top_up), "expired");
    assert_eq!(told(&stage, failed, &session("unpaid")), "ignored");
    // Money that comes all the same is credited, once.
    let succeeded = "checkout.session.async_payment_succeeded";
    assert_eq!(told(&stage, succeeded, &session("paid")), "credited");
    assert_eq!(told(&stage, succeeded, &session("paid")), "already-credited");
    assert_eq!(stage.balance(ADA), "150.00");
    stage.check_invariants();
}

/// The payer saw euros; Stripe says what dollars they were.
#[test]
fn what_stripe_converted_is_credited_once() {
    let stage = with_page(Stage::market());
    let top_up = begun(&stage);
    let intent = json!({
        "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 4610,
        "amount_received": 4610, "currency": "eur", "metadata": { "top_up_id": top_up },
    });
    let session = json!({
        "id": "cs_test_1", "object": "checkout.session", "payment_status": "paid",
        "payment_intent": "pi_1", "amount_total": 4610, "currency": "eur",
        "currency_conversion": {
            "amount_subtotal": 5000, "amount_total": 5000, "fx_rate": "0.922",
            "source_currency": "usd",
        },
        "metadata": { "top_up_id": top_up },
    });
    let refused = || count(&stage, "SELECT count(*) FROM refused_payments");
    // The intent does not say: the operator sees it until the session does.
    assert_eq!(told(&stage, "payment_intent.succeeded", &intent), "refused");
    assert_eq!(refused(), 1);
    assert_eq!(told(&stage, "checkout.session.completed", &session), "credited");
    assert_eq!((stage.balance(ADA).as_str(), refused()), ("150.00", 0));
    for (kind, object) in
        [("payment_intent.succeeded", &intent), ("checkout.session.completed", &session)]
    {
        assert_eq!(told(&stage, kind, object), "already-credited");
    }
    // What goes back is the same share.
    let half = json!({
        "id": "ch_1", "object": "charge", "amount": 4610, "amount_refunded": 2305,
        "currency": "eur", "payment_intent": "pi_1",
    });
    assert_eq!(told(&stage, "charge.refunded", &half), "reversed");
    assert_eq!((stage.balance(ADA).as_str(), refused()), ("125.00", 0));
    stage.check_invariants();
}

/// Stripe refuses another request with the key of an earlier one.
#[test]
fn a_top_up_goes_on_after_the_address_has_changed() {
    let stage = with_stripe(Stage::market());
    let begin = || {
        let ada = stage.as_user(ADA).key("k1");
        ada.post(billing::ROUTES, TOP_UPS, json!({ "amount_usd": "50" }))
    };
    begin().problem(502, "payment-provider");
    let moved = "UPDATE accounts SET email = 'ada@example.net' WHERE email LIKE '%ada%'";
    stage.db.run(moved, &[]).unwrap();
    begin().problem(502, "payment-provider");
    stage.pass_seconds(23 * 3_600);
    let url = "https://checkout.stripe.com/c/pay/cs_test_1";
    stage.network.answer(STRIPE, 200, json!({ "id": "cs_test_1", "url": url }).to_string());
    begin().ok(201);
    let posted = stage.network.posted();
    let keys: Vec<String> = posted
        .iter()
        .flat_map(|sent| sent.headers.iter().filter(|(name, _)| name == "idempotency-key"))
        .map(|(_, key)| key.clone())
        .collect();
    assert_eq!(keys.len(), 3);
    // One top-up, and no request with the key of another one.
    assert_eq!(count(&stage, "SELECT count(*) FROM top_ups"), 1);
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "{keys:?}");
    assert_eq!(keys[0][..36], keys[2][..36]);
}
