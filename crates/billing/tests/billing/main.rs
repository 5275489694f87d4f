//! The routes of billing, called natively on SQLite with a played network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cards;
mod orders;
mod payout;
mod statements;
mod wallet;

use serde_json::{Value, json};
use stage::{ADA, FARMER, Stage};
use store::{Db, responses};

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

/// The number that a query answers with.
fn count(stage: &Stage, sql: &'static str) -> i64 {
    (&stage.db as &dyn Db).one(sql, &[]).unwrap()
}

#[test]
fn a_credit_is_booked_once_for_each_key() {
    let stage = Stage::market();
    let operator = || stage.as_operator().key("transfer-1");
    let credit = |amount| operator().post(billing::ROUTES, "/api/admin/credits", credit(amount));
    let first = credit("50.00");
    assert_eq!(first.ok(201)["balance"], "150.00");
    // The wallet holds something else by now.
    stage.credit(ADA, "5");
    let written = "SELECT count(*) FROM audit WHERE subject = 'transfer-1'";
    assert_eq!(credit("50").bytes(), first.bytes());
    assert_eq!(count(&stage, written), 1);
    credit("60").problem(422, "idempotency-key-reused");
    // Of all that this operator does.
    let sla = json!({
        "rental_id": "01a2043b-3da8-7100-8000-000000000003", "amount_usd": "1", "reason": "down",
    });
    let sla = operator().post(billing::ROUTES, "/api/admin/sla-credits", sla);
    sla.problem(422, "idempotency-key-reused");
    assert_eq!(stage.balance(ADA), "155.00");
    stage.pass(31);
    responses::sweep(&stage.db, stage.now()).unwrap();
    credit("50").problem(410, "response-deleted");
    assert_eq!(stage.balance(ADA), "155.00");
    stage.check_invariants();
}

/// A farmer who has earned $90, and is paid to an address.
fn with_earnings() -> Stage {
    let stage = Stage::market();
    let earned = "INSERT INTO post_booking VALUES (NULL, ?1, 0)";
    let owner = FARMER.account().to_string();
    let booking = json!({ "kind": "credit", "reference": "earned", "reason": "", "entries": [
        { "kind": "funding", "owner": "", "micros": -90_000_000 },
        { "kind": "earnings", "owner": owner, "micros": 90_000_000 },
    ] });
    stage.db.run(earned, &[booking.to_string().as_str().into()]).unwrap();
    let address = "UPDATE accounts SET payout_address = 'BE71' WHERE id = ?1";
    stage.db.run(address, &[owner.as_str().into()]).unwrap();
    stage
}

#[test]
fn a_payout_is_requested_once_for_each_key() {
    let stage = with_earnings();
    let farmer = || stage.as_strong(FARMER).key("k1");
    let ask = |amount: &str| {
        farmer().post(billing::ROUTES, "/api/farm/payouts", json!({ "amount_usd": amount }))
    };
    let first = ask("30");
    let payout = first.ok(201);
    let path = format!("/api/farm/payouts/{}", payout["id"].as_str().unwrap());
    // It is what the payout is, told before it was written.
    assert_eq!(farmer().get(billing::ROUTES, &path).ok(200), payout);
    farmer().post(billing::ROUTES, &format!("{path}/cancel"), json!({})).ok(200);
    assert_eq!(ask("30.00").bytes(), first.bytes());
    ask("31").problem(422, "idempotency-key-reused");
    assert_eq!(count(&stage, "SELECT count(*) FROM payouts"), 1);
    // A form that is sent twice.
    let form = || {
        let fields = [("amount_usd", "30"), ("idempotency_key", "k2")];
        stage
            .as_strong(FARMER)
            .form(billing::ROUTES, "/dashboard/farm/payouts", &fields)
            .see_other()
    };
    assert_eq!(form(), form());
    assert_eq!(count(&stage, "SELECT count(*) FROM payouts"), 2);
    // A retry without a second factor is no retry.
    let weak = stage.as_user(FARMER).key("k1");
    let weak = weak.post(billing::ROUTES, "/api/farm/payouts", json!({ "amount_usd": "30" }));
    weak.problem(403, "verification-required");
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
    let begin_of = |amount: &str| {
        let ada = stage.as_user(ADA).key("k1");
        ada.post(billing::ROUTES, TOP_UPS, json!({ "amount_usd": amount }))
    };
    let begin = || begin_of("25");
    begin().problem(502, "payment-provider");
    // The key is taken, though there is no response yet.
    begin_of("26").problem(422, "idempotency-key-reused");
    let payout = stage.as_strong(ADA).key("k1");
    let payout = payout.post(billing::ROUTES, "/api/farm/payouts", json!({ "amount_usd": "25" }));
    payout.problem(422, "idempotency-key-reused");
    let url = "https://checkout.stripe.com/c/pay/cs_test_1";
    stage.network.answer(STRIPE, 200, json!({ "id": "cs_test_1", "url": url }).to_string());
    let first = begin();
    assert_eq!(first.ok(201)["url"], url);
    let path = format!("{TOP_UPS}/{}", first.json()["id"].as_str().unwrap());
    assert_eq!(stage.as_user(ADA).get(billing::ROUTES, &path).ok(200), first.json());
    // Whatever has become of it.
    stage.db.run("UPDATE top_ups SET state = 'expired'", &[]).unwrap();
    assert_eq!(begin().bytes(), first.bytes());
    begin_of("26").problem(422, "idempotency-key-reused");
    let posted = stage.network.posted();
    // A retry asks for just the same.
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0], posted[1]);
    assert_eq!(stage.balance(ADA), "100.00");
    // A form that is sent twice leads to one page.
    stage.network.answer(STRIPE, 200, json!({ "id": "cs_test_2", "url": url }).to_string());
    let fields = [("amount_usd", "30"), ("idempotency_key", "k2")];
    let form = || stage.as_user(ADA).form(billing::ROUTES, "/dashboard/wallet/top-ups", &fields);
    assert_eq!((form().see_other(), form().see_other()), (url.to_owned(), url.to_owned()));
    assert_eq!(
        (stage.network.posted().len(), count(&stage, "SELECT count(*) FROM top_ups")),
        (3, 2)
    );
}

#[test]
fn every_page_is_well_formed() {
    let stage = with_stripe(Stage::three_slices());
    stage.rent();
    let top_up = "019fadbe-f200-7000-8000-00000000000a";
    let begin = "INSERT INTO top_ups (id, account_id, amount_micros, provider, created_at)
                 VALUES ('019fadbe-f200-7000-8000-00000000000a', ?1, 42500000, 'stripe', 1)";
    stage.db.run(begin, &[ADA.account().to_string().as_str().into()]).unwrap();
    let names = [("month", "2026-07"), ("transaction", "1"), ("top_up", top_up)];
    stage.as_user(ADA).get_every_page(&[billing::WALLET, billing::PAYOUTS], &names);
    stage.as_strong(FARMER).get_every_page(&[billing::PAYOUTS], &[]);
    stage.as_operator().get_every_page(&[billing::OPERATOR], &[]);
}
