//! What a wallet lacks for an order is paid by card, once, and leads back to the order.

use serde_json::json;
use stage::{ADA, Answer, BEN, Stage};

use crate::{STRIPE, count, with_stripe};

const ORDERS: &str = "/dashboard/wallet/orders";
const CHECKOUT: &str = "https://checkout.stripe.com/c/pay/cs_test_1";

/// Ada pays for an order of this total.
fn pay(stage: &Stage, total: &str) -> Answer {
    let fields = [
        ("node_id", "node32"),
        ("offer_version", "2"),
        ("idempotency_key", "k"),
        ("duration_months", "3"),
        ("count", "2"),
        ("total", total),
    ];
    stage.as_user(ADA).form(billing::ROUTES, ORDERS, &fields)
}

fn market() -> Stage {
    let stage = with_stripe(Stage::market());
    let answer = json!({ "id": "cs_test_1", "url": CHECKOUT }).to_string();
    stage.network.answer(STRIPE, 200, answer);
    stage
}

#[test]
fn exactly_what_is_missing_is_paid_once_for_each_order() {
    let stage = market();
    let page = pay(&stage, "142.50").see_other();
    let id = page.strip_prefix("/dashboard/wallet/orders/").unwrap().to_owned();
    // Sent twice, also after the payment, it is one payment.
    assert_eq!(pay(&stage, "142.50").see_other(), page);
    stage.credit(ADA, "42.50");
    assert_eq!(pay(&stage, "142.50").see_other(), page);
    assert_eq!(count(&stage, "SELECT amount_micros FROM top_ups"), 42_500_000);
    let posted = stage.network.posted();
    assert_eq!(posted.len(), 1);
    let sent: Vec<_> = url::form_urlencoded::parse(&posted[0].body).collect();
    let sent = |name: &str| {
        sent.iter().find(|(field, _)| field == name).map(|(_, value)| value.to_string()).unwrap()
    };
    assert_eq!(sent("line_items[0][price_data][unit_amount]"), "4250");
    let order = "node_id=node32&offer_version=2&idempotency_key=k&total=142.50&\
                 duration_months=3&count=2";
    let back = format!("/dashboard/slices/{id}/paid?{order}");
    assert!(sent("success_url").ends_with(&back), "{}", sent("success_url"));
    let sheet = format!("/marketplace/compute/node32?months=3&count=2&canceled={id}#rent");
    assert!(sent("cancel_url").ends_with(&sheet), "{}", sent("cancel_url"));
    // The page leads on to the card without a click, for its owner alone.
    let leads = stage.as_user(ADA).get(billing::ROUTES, &page);
    assert_eq!(leads.headers()["refresh"], format!("0; url={CHECKOUT}"));
    assert!(leads.html(200).contains("You pay $42.50 by card"));
    assert_eq!(stage.as_user(BEN).get(billing::ROUTES, &page).status(), 404);
    stage.check_invariants();
}

#[test]
fn nobody_pays_for_an_order_that_their_wallet_covers() {
    let stage = market();
    let sheet = "/marketplace/compute/node32?months=3&count=2#rent";
    assert_eq!(pay(&stage, "100.00").see_other(), sheet);
    assert!(stage.network.posted().is_empty());
    // A card pays $5 or more; the rest is credit.
    pay(&stage, "101.00").see_other();
    assert_eq!(count(&stage, "SELECT amount_micros FROM top_ups"), 5_000_000);
    assert_eq!(pay(&Stage::market(), "142.50").status(), 409);
}
