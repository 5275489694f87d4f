//! Top-ups by card: begun at localstripe, told by its signed webhooks, credited once.

use std::time::UNIX_EPOCH;

use e2e::{Call, Client, Localstripe, Market, Signed};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::browser::Browser;

const EMAIL: &str = "ada@example.org";
const TOP_UPS: &str = "/api/wallet/top-ups";

async fn top_up(client: &Client, usd: &str, key: &str) -> Value {
    let call = Call::post(TOP_UPS, &json!({ "amount_usd": usd })).key(key);
    client.send(call).await.ok(201)
}

fn id(top_up: &Value) -> &str {
    top_up["id"].as_str().unwrap()
}

async fn state(client: &Client, top_up: &Value) -> String {
    let shown = client.get(&format!("{TOP_UPS}/{}", id(top_up))).await.ok(200);
    shown["state"].as_str().unwrap().to_owned()
}

/// Pays with a `PaymentIntent` of localstripe's own, and answers what it tells then.
async fn pay_intent(stripe: &Localstripe, top_up: &str, cents: &str, currency: &str) -> Signed {
    let before = stripe.caught("payment_intent.succeeded", 0).await.len();
    let fields = [
        ("amount", cents),
        ("currency", currency),
        ("payment_method", "pm_card_visa"),
        ("metadata[top_up_id]", top_up),
    ];
    let intent = stripe.post("/v1/payment_intents", fields).await;
    let confirm = format!("/v1/payment_intents/{}/confirm", intent["id"].as_str().unwrap());
    assert_eq!(stripe.post(&confirm, []).await["status"], "succeeded");
    stripe.caught("payment_intent.succeeded", before + 1).await.pop().unwrap()
}

/// An event that localstripe has no word for, signed as Stripe signs.
fn signed(kind: &str, object: &Value) -> Signed {
    let body = json!({ "id": "evt_1", "type": kind, "data": { "object": object } }).to_string();
    let time = UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let mac = Hmac::<Sha256>::new_from_slice(Localstripe::SECRET.as_bytes()).unwrap();
    let mac = mac.chain_update(&time).chain_update(".").chain_update(&body).finalize();
    let hex: String = mac.into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    Signed { signature: format!("t={time},v1={hex}"), body: body.into_bytes() }
}

async fn outcome(market: &Market, signed: &Signed) -> String {
    let answer = market.visitor().send(signed.call()).await.ok(200);
    assert_eq!(answer["received"], true);
    answer["outcome"].as_str().unwrap().to_owned()
}

/// Credits in the ledger, by a look at the wallet.
async fn credits(client: &Client) -> usize {
    let entries = client.get("/api/wallet/entries").await.ok(200);
    entries["items"].as_array().unwrap().len()
}

/// localstripe as it is: its intent, its signature, its delivery to the real component.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_localstripe_tells_of_is_credited_once() {
    // The session comes from the add-on, and is not paid here.
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.notify("market", &market, Localstripe::SECRET).await;
    stripe.catch().await;
    let begun = top_up(&ada, "25.50", "key").await;
    let signed = pay_intent(&stripe, id(&begun), "2550", "usd").await;
    ada.wait_for_balance("25.50").await;
    assert_eq!(state(&ada, &begun).await, "paid");

    // The same again, twenty times at once; and another event of the same payment.
    let again = (0..20).map(|_| {
        let (visitor, call) = (market.visitor(), signed.call());
        tokio::spawn(async move { visitor.send(call).await.ok(200)["outcome"].clone() })
    });
    for told in again.collect::<Vec<_>>() {
        assert_eq!(told.await.unwrap(), "already-credited");
    }
    assert_eq!((ada.balance().await.as_str(), credits(&ada).await), ("25.50", 1));
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    assert_eq!(entries["items"][0]["reason"], "Top-up by card");
    market.check_invariants().await;

    // Nothing of a secret is in any log.
    for (component, log) in market.logs() {
        for secret in [Localstripe::KEY, Localstripe::SECRET, EMAIL] {
            assert!(!log.contains(secret), "{component} logs {secret}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_first_messages_of_a_payment_at_once_credit_it_once() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "25", "key").await;
    let signed = pay_intent(&stripe, id(&begun), "2500", "usd").await;
    let at_once = (0..20).map(|_| {
        let (visitor, call) = (market.visitor(), signed.call());
        tokio::spawn(async move { visitor.send(call).await.ok(200)["outcome"].clone() })
    });
    let mut outcomes = Vec::new();
    for told in at_once.collect::<Vec<_>>() {
        outcomes.push(told.await.unwrap());
    }
    let credited = outcomes.iter().filter(|outcome| **outcome == "credited").count();
    assert_eq!((credited, ada.balance().await.as_str()), (1, "25.00"), "{outcomes:?}");
    market.check_invariants().await;
}

/// localstripe as it is, with another secret, and its own messages changed on their way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_as_it_must_be_is_refused() {
    let stripe = Localstripe::start().await;
    let market = stripe.market().await;
    // It tells one after the other, in this order.
    stripe.notify("other", &market, "whsec_of_somebody_else").await;
    stripe.catch().await;
    let signed = pay_intent(&stripe, "01936f2c-0000-7000-8000-000000000001", "2500", "usd").await;
    let refused = async |signed: &Signed| {
        market.visitor().send(signed.call()).await.problem(400, "wrong-signature");
    };
    let mut changed = signed.clone();
    *changed.body.last_mut().unwrap() ^= 1;
    refused(&changed).await;
    refused(&Signed { signature: "t=1,v1=00".to_owned(), ..signed.clone() }).await;
    refused(&Signed { signature: String::new(), ..signed.clone() }).await;
    // Neither a session nor a token is in place of a signature, and another site is none.
    let ada = market.sign_up(EMAIL).await;
    let bare = Call::post(Localstripe::WEBHOOK, &signed.event());
    ada.send(bare.clone()).await.problem(400, "wrong-signature");
    market.operator().send(bare.clone()).await.problem(401, "not-signed-in");
    let from_elsewhere = signed.call().with("origin", "https://evil.example");
    market.visitor().send(from_elsewhere).await.problem(403, "cross-site-request");
    market
        .visitor()
        .send(Call::new(Method::GET, Localstripe::WEBHOOK))
        .await
        .problem(405, "method-not-allowed");
    // What localstripe has signed with the other secret has come, and was refused.
    let log = market.log("rent-slice");
    assert_eq!(log.matches("wrong-signature").count(), 5, "{log}");
    // As it was signed, it is believed: it names no top-up that there is.
    assert_eq!(outcome(&market, &signed).await, "refused");
    // But not for long.
    market.pass(301);
    refused(&signed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_was_not_meant_is_shown_to_the_operator() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "25", "key").await;
    for (cents, currency) in [("2499", "usd"), ("2500", "eur")] {
        let signed = pay_intent(&stripe, id(&begun), cents, currency).await;
        for _ in 0..2 {
            assert_eq!(outcome(&market, &signed).await, "refused");
        }
    }
    assert_eq!(state(&ada, &begun).await, "refused");
    assert_eq!((ada.balance().await.as_str(), credits(&ada).await), ("0.00", 0));
    let found = market.operator().get("/api/admin/refused-payments").await.ok(200);
    let mut reasons: Vec<_> = found["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            assert_eq!((&it["email"], &it["top_up_id"]), (&json!(EMAIL), &begun["id"]));
            it["reason"].as_str().unwrap()
        })
        .collect();
    reasons.sort_unstable();
    assert_eq!(reasons, ["other-amount", "other-currency"]);
    // The renter is notified to ask, and what was meant is credited when it comes after all.
    let page = ada.get("/dashboard/wallet").await.page(200);
    page.says(&["a different amount was paid; contact the operator"]);
    let signed = pay_intent(&stripe, id(&begun), "2500", "usd").await;
    assert_eq!(outcome(&market, &signed).await, "credited");
    // A second payment of it is one too many.
    let signed = pay_intent(&stripe, id(&begun), "2500", "usd").await;
    assert_eq!(outcome(&market, &signed).await, "refused");
    assert_eq!(ada.balance().await, "25.00");
    // Payments for something else of the same Stripe account are none of ours.
    let signed = pay_intent(&stripe, "order 7", "2500", "usd").await;
    assert_eq!(outcome(&market, &signed).await, "ignored");
    market.check_invariants().await;
}

/// From the form to the credit, on the add-on's page: two events, one credit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_pays_what_an_order_lacks_and_comes_back_to_a_slice() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    stripe.notify("market", &market, Localstripe::SECRET).await;
    let mut browser = Browser::new(&market);
    browser.sign_up(EMAIL).await;
    market.credit(EMAIL, "10").await.ok(201);
    let node = browser.open("/marketplace/compute/node32").await;
    node.says(&["Your balance is $15.00 short of this total.", "Pay $15.00 by card and rent"]);
    let pay = node.submit_to("/dashboard/slices", "/dashboard/wallet/orders", &[]);
    let page = browser.send(pay.clone()).await.see_other();
    let id = page.rsplit('/').next().unwrap();
    assert_eq!(page, format!("/dashboard/wallet/orders/{id}"));
    // Sent twice, it is one payment.
    assert_eq!(browser.send(pay.clone()).await.see_other(), page);
    let leads = browser.client.get(&page).await;
    let url = leads.header("refresh").unwrap().strip_prefix("0; url=").unwrap().to_owned();
    leads.page(200).says(&["You pay $15.00 by card"]);

    let back = stripe.pay(&url, false).await;
    let back = back.strip_prefix(&market.url()).unwrap().to_owned();
    browser.client.wait_for_balance("25.00").await;
    let paid = browser.open(&back).await;
    paid.says(&["Your payment of $15.00 is in your wallet.", "Rent for $25.00"]);
    let (rental, page) = browser.submit(&paid, "/dashboard/slices", &[]).await;
    page.says(&["Rented and paid for the full term."]);
    // Whoever goes back and sends it again rents and pays nothing more.
    assert_eq!(browser.submit(&paid, "/dashboard/slices", &[]).await.0, rental);
    assert_eq!(browser.client.balance().await, "0.00");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_tops_up_with_the_form() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    stripe.notify("market", &market, Localstripe::SECRET).await;
    stripe.catch().await;
    let mut browser = Browser::new(&market);
    browser.sign_up(EMAIL).await;
    let wallet = browser.client.get("/dashboard/wallet").await;
    // The browser may be led on to the page to pay on, and nowhere else.
    let policy = wallet.header("content-security-policy").unwrap();
    let expected = format!("; form-action 'self' {}; base-uri", stripe.url());
    assert!(policy.contains(&expected), "{policy}");
    let wallet = wallet.page(200);
    wallet.says(&["Add credit", "Continue to payment"]);
    assert!(!wallet.words().contains("The marketplace operator adds credit"));

    let form = |amount| wallet.submit("/dashboard/wallet/top-ups", &[("amount_usd", amount)]);
    let refused = browser.send(form("4")).await;
    assert!(refused.header("content-security-policy").unwrap().contains(&expected));
    refused.page(400).says(&["An amount from 5 to 5000 dollars"]);
    let url = browser.send(form("30")).await.see_other();
    assert!(url.starts_with(&stripe.url()), "{url}");
    // Sent twice, it is one.
    assert_eq!(browser.send(form("30")).await.see_other(), url);
    let page = browser.open("/dashboard/wallet").await;
    page.says(&["$30.00", "awaiting confirmation", "Pay"]);

    let back = stripe.pay(&url, false).await;
    let back = back.strip_prefix(&market.url()).unwrap();
    let canceled = back.replace("?paid=", "?canceled=");
    let paid = browser.client.get(back).await.see_other();
    assert_eq!(paid, "/dashboard/wallet?done=topped-up");
    browser.client.wait_for_balance("30.00").await;
    // Both events of the payment, in whatever order they come: one credit.
    let completed = stripe.caught("checkout.session.completed", 1).await;
    let succeeded = stripe.caught("payment_intent.succeeded", 1).await;
    for signed in completed.iter().chain(&succeeded) {
        assert_eq!(outcome(&market, signed).await, "already-credited");
    }
    assert_eq!(credits(&browser.client).await, 1);
    let page = browser.open("/dashboard/wallet").await;
    page.says(&["$30.00 USD", "Credit: Top-up by card"]);
    assert!(!page.words().contains("awaiting confirmation"));
    // It was paid, whatever a link says.
    let page = browser.open(&canceled).await;
    assert!(!page.words().contains("Payment canceled"));
    market.check_invariants().await;
}

/// A debit: the session is completed without money, which comes later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_comes_later_is_credited_when_it_comes() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "30", "key").await;
    stripe.pay(begun["url"].as_str().unwrap(), true).await;
    let completed = stripe.caught("checkout.session.completed", 1).await;
    assert_eq!(outcome(&market, &completed[0]).await, "ignored");
    assert_eq!((state(&ada, &begun).await.as_str(), credits(&ada).await), ("pending", 0));
    let succeeded = stripe.caught("payment_intent.succeeded", 1).await;
    assert_eq!(outcome(&market, &succeeded[0]).await, "credited");
    assert_eq!(ada.balance().await, "30.00");

    // A page that has expired cannot be paid on. Ids are in the order of seconds.
    market.pass(1);
    let unpaid = top_up(&ada, "40", "other").await;
    let session = unpaid["url"].as_str().unwrap().rsplit('/').next().unwrap();
    stripe.post(&format!("/v1/checkout/sessions/{session}/expire"), []).await;
    let expired = stripe.caught("checkout.session.expired", 1).await;
    assert_eq!(outcome(&market, &expired[0]).await, "expired");
    assert_eq!(outcome(&market, &expired[0]).await, "ignored");
    assert_eq!(state(&ada, &unpaid).await, "expired");
    let list = ada.get(&format!("{TOP_UPS}?limit=1")).await.ok(200);
    assert_eq!(
        (&list["items"][0]["state"], &list["items"][0]["url"]),
        (&json!("expired"), &Value::Null)
    );
    assert!(list["next_cursor"].is_string());
    market.check_invariants().await;
}

/// What was credited and spent goes back: the wallet lacks it, and pays for nothing until it is
/// there again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_is_taken_back_is_debited_once() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "50", "key").await;
    let paid = pay_intent(&stripe, id(&begun), "5000", "usd").await;
    assert_eq!(outcome(&market, &paid).await, "credited");
    let intent = paid.event()["data"]["object"]["id"].clone();
    ada.rent("node32", 1).await.ok(201);

    let charge = |refunded: i64| {
        let charge = json!({
            "id": "ch_1", "object": "charge", "amount": 5000, "amount_refunded": refunded,
            "currency": "usd", "payment_intent": intent,
        });
        signed("charge.refunded", &charge)
    };
    let dispute = |kind: &str, status: &str| {
        let dispute = json!({
            "id": "dp_1", "object": "dispute", "amount": 3000, "currency": "usd",
            "charge": "ch_1", "payment_intent": intent, "status": status,
        });
        signed(&format!("charge.dispute.{kind}"), &dispute)
    };
    for (event, expected, balance) in [
        (charge(2000), "reversed", "5.00"),
        (charge(2000), "already-reversed", "5.00"),
        (charge(500), "already-reversed", "5.00"),
        (dispute("created", "needs_response"), "reversed", "-25.00"),
        (dispute("funds_withdrawn", "needs_response"), "already-reversed", "-25.00"),
    ] {
        assert_eq!(outcome(&market, &event).await, expected);
        assert_eq!(ada.balance().await, balance);
    }
    let refused = ada.rent("node32", 1).await.problem(402, "insufficient-funds");
    assert_eq!(refused["missing"], "50.00");
    let found = market.operator().get("/api/admin/reversed-payments").await.ok(200);
    let kinds: Vec<_> = found["items"].as_array().unwrap().iter().map(|it| &it["kind"]).collect();
    assert_eq!(kinds.len(), 2, "{found}");
    market.check_invariants().await;
    // It is won.
    assert_eq!(outcome(&market, &dispute("closed", "won")).await, "reversed");
    assert_eq!(outcome(&market, &dispute("created", "needs_response")).await, "already-reversed");
    assert_eq!(ada.balance().await, "5.00");
    market.check_invariants().await;
}

/// A debit that fails in the end: its top-up waits no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn money_that_does_not_come_ends_its_top_up() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "30", "key").await;
    let session = json!({
        "id": "cs_1", "object": "checkout.session", "payment_status": "unpaid",
        "payment_intent": "pi_1", "amount_total": 3000, "currency": "usd",
        "metadata": { "top_up_id": id(&begun) },
    });
    let completed = signed("checkout.session.completed", &session);
    assert_eq!(outcome(&market, &completed).await, "ignored");
    assert_eq!(state(&ada, &begun).await, "pending");
    let failed = signed("checkout.session.async_payment_failed", &session);
    assert_eq!(outcome(&market, &failed).await, "expired");
    assert_eq!(state(&ada, &begun).await, "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_again_with_the_same_key() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.post("/_config/checkout/lose/1", []).await;
    let call = || Call::post(TOP_UPS, &json!({ "amount_usd": "25" })).key("key");
    ada.send(call()).await.problem(502, "payment-provider");
    market.pass(60);
    let begun = ada.send(call()).await.ok(201);
    assert_eq!(ada.send(call()).await.ok(201), begun);
    let list = ada.get(TOP_UPS).await.ok(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let other = Call::post(TOP_UPS, &json!({ "amount_usd": "26" })).key("key");
    ada.send(other).await.problem(422, "idempotency-key-reused");

    // Who may, and how much.
    let read_only = ada.token(&["read"]).await;
    read_only.send(call()).await.problem(403, "missing-scope");
    assert_eq!(ada.token(&["rent"]).await.send(call()).await.ok(201)["id"], begun["id"]);
    for amount in ["4.99", "5000.01", "25.001", "-5"] {
        let wrong = ada.post(TOP_UPS, &json!({ "amount_usd": amount })).await;
        assert_eq!(wrong.wrong_fields(), ["amount_usd"]);
    }
    for number in 1..10 {
        top_up(&ada, "25", &number.to_string()).await;
    }
    ada.post(TOP_UPS, &json!({ "amount_usd": "25" })).await.problem(409, "too-many-top-ups");
    // Another's is not there.
    let ben = market.sign_up("ben@example.org").await;
    ben.get(&format!("{TOP_UPS}/{}", id(&begun))).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_cannot_be_reached_is_said_to_be() {
    let stripe = Localstripe::start().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    // localstripe has no Checkout Sessions: it answers that there is no such path.
    let answer = ada.post(TOP_UPS, &json!({ "amount_usd": "25" })).await;
    answer.problem(502, "payment-provider");
    let log = market.log("rent-slice");
    assert!(log.contains("payment-provider") && log.contains("Stripe answers 40"), "{log}");
    drop(stripe);
    let answer = ada.post(TOP_UPS, &json!({ "amount_usd": "25" })).await;
    answer.problem(502, "payment-provider");
    let wallet = ada.get("/dashboard/wallet").await.page(200);
    let form = wallet.submit("/dashboard/wallet/top-ups", &[("amount_usd", "25")]);
    ada.send(form).await.page(502).says(&["The payment provider is not responding"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_secrets_there_are_no_payments() {
    let market = Market::start().await;
    let ada = market.sign_up(EMAIL).await;
    let answer = ada.post(TOP_UPS, &json!({ "amount_usd": "25" })).await;
    let document = answer.problem(409, "payments-unavailable");
    assert!(document["detail"].as_str().unwrap().contains("The operator adds credit"));
    let call = Call::post(Localstripe::WEBHOOK, &json!({ "type": "a", "data": { "object": {} } }));
    market.visitor().send(call).await.problem(409, "payments-unavailable");
    let wallet = ada.get("/dashboard/wallet").await;
    let policy = wallet.header("content-security-policy").unwrap().to_owned();
    assert!(policy.contains("form-action 'self';"), "{policy}");
    let page = wallet.page(200);
    page.says(&["The marketplace operator adds credit for you."]);
    assert!(!page.actions().contains(&"/dashboard/wallet/top-ups".to_owned()));
    assert_eq!(ada.get(TOP_UPS).await.ok(200), json!({ "items": [], "next_cursor": null }));
}

/// Every operation of payments, for the test that each one is used.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let stripe = Localstripe::start_with_checkout().await;
    let market = stripe.market().await;
    let ada = market.sign_up(EMAIL).await;
    stripe.catch().await;
    let begun = top_up(&ada, "25", "key").await;
    let signed = pay_intent(&stripe, id(&begun), "2500", "usd").await;
    assert_eq!(outcome(&market, &signed).await, "credited");
    ada.get(TOP_UPS).await.ok(200);
    assert_eq!(state(&ada, &begun).await, "paid");
    market.operator().get("/api/admin/refused-payments").await.ok(200);
    market.operator().get("/api/admin/reversed-payments").await.ok(200);
    market.operations().await.0
}
