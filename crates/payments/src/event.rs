//! What Stripe tells: a payment has come in, or was taken back; or nobody can pay any more.
//!
//! Money is credited for `payment_intent.succeeded`, which also comes days later, for payment
//! methods that take as long; and for a Checkout Session that is paid, at once or later. All name
//! one payment by one id, so that it counts once. What a payer was shown in another currency is
//! credited by what Stripe itself made of it: the session's `currency_conversion`, whose source is
//! the currency that was asked for.
//!
//! Refunds are told as a sum of the charge, and each by itself, which may fail later: its money is
//! with the platform again then. A dispute goes through stages, of which the latest one says
//! whether its money is gone, whatever the order of the events.

use domain::id::TopUpId;
use domain::top_up::{Payment, REFUND_FAILED, Reversal, ReversalKind};
use serde::Deserialize;
use serde_json::Value;

/// What an event means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A payment has come in.
    Paid(Payment),
    /// Nobody can pay on this page any more, or what was paid there did not come.
    Expired(TopUpId),
    /// A payment was taken back, or given back, in whole or in part.
    Reversed(Reversal),
    /// Nothing: not ours, or of no interest.
    Other,
}

/// What was signed is not an event as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an event as Stripe documents it")]
pub struct UnreadableEvent;

#[derive(Deserialize)]
struct Envelope {
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Value,
}

#[derive(Deserialize)]
struct PaymentIntent {
    id: String,
    status: String,
    amount: i64,
    /// What has come in. The API always says; where it does not, all of `amount` has, because that
    /// is what the status means.
    amount_received: Option<i64>,
    currency: String,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct CheckoutSession {
    payment_status: Option<String>,
    payment_intent: Option<String>,
    amount_total: Option<i64>,
    currency: Option<String>,
    /// What was asked for, where the payer was shown another currency.
    currency_conversion: Option<Conversion>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Conversion {
    amount_total: i64,
    source_currency: String,
}

#[derive(Deserialize)]
struct Charge {
    id: String,
    amount: i64,
    amount_refunded: i64,
    currency: String,
    payment_intent: Option<Reference>,
}

#[derive(Deserialize)]
struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    payment_intent: Option<Reference>,
}

#[derive(Deserialize)]
struct Dispute {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    payment_intent: Option<Reference>,
}

/// Another object, by its id or as it is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Id(String),
    Object { id: String },
}

#[derive(Deserialize)]
struct Metadata {
    top_up_id: Option<String>,
}

/// The longest id of a payment that is kept. Stripe's have about 30 characters.
const ID_LENGTH_MAX: usize = 255;
/// The longest name of a currency that is kept. Stripe's have three letters.
const CURRENCY_LENGTH_MAX: usize = 16;
/// The longest status of a dispute that is kept. The longest documented one has 22.
const STATUS_LENGTH_MAX: usize = 40;

impl Event {
    /// Reads the body of a webhook whose signature is right.
    pub fn parse(body: &[u8]) -> Result<Event, UnreadableEvent> {
        let Envelope { r#type: kind, data } = read(body)?;
        match kind.as_str() {
            "payment_intent.succeeded" => payment(take(data.object)?),
            "checkout.session.completed" | "checkout.session.async_payment_succeeded" => {
                completed(take(data.object)?)
            }
            "charge.refunded" => refunded(take(data.object)?),
            // The last is what the one before is called in older versions of the API.
            "refund.created" | "refund.failed" | "refund.updated" | "charge.refund.updated" => {
                refund(take(data.object)?)
            }
            "charge.dispute.created"
            | "charge.dispute.funds_withdrawn"
            | "charge.dispute.closed"
            | "charge.dispute.funds_reinstated" => disputed(&kind, take(data.object)?),
            "checkout.session.expired" | "checkout.session.async_payment_failed" => {
                let session: CheckoutSession = take(data.object)?;
                Ok(top_up(session.metadata.as_ref()).map_or(Event::Other, Event::Expired))
            }
            // Stripe adds kinds of events, and sends what the operator has chosen.
            _ => Ok(Event::Other),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, UnreadableEvent> {
    serde_json::from_slice(body).map_err(|_| UnreadableEvent)
}

fn take<T: for<'a> Deserialize<'a>>(object: Value) -> Result<T, UnreadableEvent> {
    serde_json::from_value(object).map_err(|_| UnreadableEvent)
}

/// The top-up that an object is for; `None` where it is for something else of the same account.
fn top_up(metadata: Option<&Metadata>) -> Option<TopUpId> {
    TopUpId::parse(metadata?.top_up_id.as_deref()?)
}

fn payment(intent: PaymentIntent) -> Result<Event, UnreadableEvent> {
    let Some(top_up) = top_up(intent.metadata.as_ref()) else { return Ok(Event::Other) };
    if intent.status != "succeeded" {
        return Err(UnreadableEvent);
    }
    let amount = intent.amount_received.unwrap_or(intent.amount);
    paid(top_up, intent.id, amount, intent.currency)
}

fn completed(session: CheckoutSession) -> Result<Event, UnreadableEvent> {
    let Some(top_up) = top_up(session.metadata.as_ref()) else { return Ok(Event::Other) };
    match (session.payment_status.as_deref(), session.payment_intent) {
        (Some("paid"), Some(intent)) => {
            let (amount, currency) = match session.currency_conversion {
                Some(Conversion { amount_total, source_currency }) => {
                    (amount_total, source_currency)
                }
                None => (
                    session.amount_total.ok_or(UnreadableEvent)?,
                    session.currency.ok_or(UnreadableEvent)?,
                ),
            };
            paid(top_up, intent, amount, currency)
        }
        // `unpaid`: the payment comes later, with an event of its own.
        _ => Ok(Event::Other),
    }
}

/// What was refunded of a charge until now.
fn refunded(charge: Charge) -> Result<Event, UnreadableEvent> {
    let Some(payment) = charge.payment_intent else { return Ok(Event::Other) };
    let (refunded, of) = (charge.amount_refunded, charge.amount);
    if of <= 0 || !(0..=of).contains(&refunded) {
        return Err(UnreadableEvent);
    }
    reversed(Reversal {
        payment: payment.id(),
        id: charge.id,
        kind: ReversalKind::Refund,
        // The sum only rises.
        stage: refunded,
        amount: refunded,
        of: Some(of),
        currency: charge.currency,
        status: if refunded == of { "refunded" } else { "partially_refunded" }.to_owned(),
    })
}

/// One refund, which counts from its beginning until it fails or is canceled: only from then on is
/// its money back.
fn refund(refund: Refund) -> Result<Event, UnreadableEvent> {
    let Some(payment) = refund.payment_intent else { return Ok(Event::Other) };
    if refund.amount < 0 {
        return Err(UnreadableEvent);
    }
    let status = refund.status.unwrap_or_else(|| "pending".to_owned());
    let is_back = matches!(status.as_str(), "failed" | "canceled");
    reversed(Reversal {
        payment: payment.id(),
        id: refund.id,
        kind: ReversalKind::SingleRefund,
        stage: if is_back { REFUND_FAILED } else { 1 },
        amount: refund.amount,
        of: None,
        currency: refund.currency,
        status,
    })
}

/// How far a dispute is. Its money is gone from the beginning, unless it is an inquiry; it is back
/// once that is told, or the dispute is won.
fn disputed(kind: &str, dispute: Dispute) -> Result<Event, UnreadableEvent> {
    let Some(payment) = dispute.payment_intent else { return Ok(Event::Other) };
    let status = dispute.status.as_str();
    let (stage, is_gone) = match kind {
        "charge.dispute.created" => (1, !status.starts_with("warning_")),
        "charge.dispute.funds_withdrawn" => (2, true),
        "charge.dispute.closed" => (3, status == "lost"),
        _ => (4, false),
    };
    if dispute.amount < 0 {
        return Err(UnreadableEvent);
    }
    reversed(Reversal {
        payment: payment.id(),
        id: dispute.id,
        kind: ReversalKind::Dispute,
        stage,
        amount: if is_gone { dispute.amount } else { 0 },
        of: None,
        currency: dispute.currency,
        status: dispute.status,
    })
}

impl Reference {
    fn id(self) -> String {
        match self {
            Reference::Id(id) | Reference::Object { id } => id,
        }
    }
}

fn reversed(reversal: Reversal) -> Result<Event, UnreadableEvent> {
    let is_status = !reversal.status.is_empty()
        && reversal.status.len() <= STATUS_LENGTH_MAX
        && reversal.status.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !is_id(&reversal.payment)
        || !is_id(&reversal.id)
        || !is_currency(&reversal.currency)
        || !is_status
    {
        return Err(UnreadableEvent);
    }
    let currency = reversal.currency.to_ascii_lowercase();
    Ok(Event::Reversed(Reversal { currency, ..reversal }))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_LENGTH_MAX && id.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_currency(currency: &str) -> bool {
    !currency.is_empty()
        && currency.len() <= CURRENCY_LENGTH_MAX
        && currency.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn paid(
    top_up: TopUpId,
    id: String,
    amount: i64,
    currency: String,
) -> Result<Event, UnreadableEvent> {
    if !is_id(&id) || !is_currency(&currency) || amount < 0 {
        return Err(UnreadableEvent);
    }
    Ok(Event::Paid(Payment { top_up, id, amount, currency: currency.to_ascii_lowercase() }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "01936f2c-0000-7000-8000-000000000001";

    fn event(kind: &str, object: &Value) -> Result<Event, UnreadableEvent> {
        let event = json!({ "id": "evt_1", "type": kind, "data": { "object": object } });
        Event::parse(event.to_string().as_bytes())
    }

    fn intent() -> Value {
        json!({
            "id": "pi_1", "object": "payment_intent", "status": "succeeded", "amount": 2550,
            "amount_received": 2550, "currency": "usd", "metadata": { "top_up_id": ID },
        })
    }

    fn session() -> Value {
        json!({
            "id": "cs_1", "object": "checkout.session", "payment_status": "paid",
            "payment_intent": "pi_1", "amount_total": 2550, "currency": "usd",
            "metadata": { "top_up_id": ID },
        })
    }

    fn with(mut object: Value, member: &str, value: Value) -> Value {
        object[member] = value;
        object
    }

    fn received(amount: i64, currency: &str) -> Event {
        let top_up = TopUpId::parse(ID).unwrap();
        Event::Paid(Payment { top_up, id: "pi_1".into(), amount, currency: currency.into() })
    }

    #[test]
    fn both_events_of_a_payment_say_the_same() {
        assert_eq!(event("payment_intent.succeeded", &intent()), Ok(received(2550, "usd")));
        assert_eq!(event("checkout.session.completed", &session()), Ok(received(2550, "usd")));
    }

    #[test]
    fn what_was_received_counts_and_not_what_was_asked_for() {
        let check = |object: Value, expected| {
            assert_eq!(event("payment_intent.succeeded", &object), expected, "{object}");
        };
        check(with(intent(), "amount_received", json!(2549)), Ok(received(2549, "usd")));
        check(with(intent(), "amount_received", Value::Null), Ok(received(2550, "usd")));
        check(with(intent(), "currency", json!("EUR")), Ok(received(2550, "eur")));
        check(with(intent(), "metadata", json!({})), Ok(Event::Other));
        check(with(intent(), "metadata", Value::Null), Ok(Event::Other));
        check(with(intent(), "metadata", json!({ "top_up_id": "7" })), Ok(Event::Other));
        for (member, value) in [
            ("status", json!("processing")),
            ("amount_received", json!(-1)),
            ("amount_received", json!("2550")),
            ("amount_received", json!(2550.5)),
            ("currency", json!("")),
            ("id", json!("")),
            ("id", json!("pi 1")),
        ] {
            check(with(intent(), member, value), Err(UnreadableEvent));
        }
    }

    #[test]
    fn a_session_counts_once_it_is_paid() {
        let check = |object: Value, expected| {
            assert_eq!(event("checkout.session.completed", &object), expected, "{object}");
        };
        check(with(session(), "payment_status", json!("unpaid")), Ok(Event::Other));
        check(with(session(), "payment_status", json!("no_payment_required")), Ok(Event::Other));
        check(with(session(), "payment_intent", Value::Null), Ok(Event::Other));
        check(with(session(), "metadata", json!({})), Ok(Event::Other));
        check(with(session(), "amount_total", Value::Null), Err(UnreadableEvent));
        let top_up = TopUpId::parse(ID).unwrap();
        let open = with(session(), "payment_status", json!("unpaid"));
        assert_eq!(event("checkout.session.expired", &open), Ok(Event::Expired(top_up)));
    }

    #[test]
    fn what_was_asked_for_counts_where_stripe_converted_it() {
        let kinds = ["checkout.session.completed", "checkout.session.async_payment_succeeded"];
        let in_euros = with(
            with(with(session(), "currency", json!("eur")), "amount_total", json!(2351)),
            "currency_conversion",
            json!({ "amount_subtotal": 2550, "amount_total": 2550, "fx_rate": "0.922",
                    "source_currency": "usd" }),
        );
        for kind in kinds {
            assert_eq!(event(kind, &in_euros), Ok(received(2550, "usd")));
            assert_eq!(event(kind, &session()), Ok(received(2550, "usd")));
        }
        let without = with(in_euros, "currency_conversion", Value::Null);
        assert_eq!(event(kinds[0], &without), Ok(received(2351, "eur")));
    }

    #[test]
    fn a_payment_that_did_not_come_is_over() {
        let failed = with(session(), "payment_status", json!("unpaid"));
        let top_up = TopUpId::parse(ID).unwrap();
        let told = event("checkout.session.async_payment_failed", &failed);
        assert_eq!(told, Ok(Event::Expired(top_up)));
    }

    #[test]
    fn refunds_are_told_as_a_sum() {
        let charge = |refunded: i64| {
            json!({
                "id": "ch_1", "object": "charge", "amount": 2550, "amount_refunded": refunded,
                "currency": "usd", "payment_intent": "pi_1", "metadata": { "top_up_id": ID },
            })
        };
        let told = |charge: &Value| match event("charge.refunded", charge) {
            Ok(Event::Reversed(it)) => {
                assert_eq!((it.payment.as_str(), it.id.as_str()), ("pi_1", "ch_1"));
                assert_eq!((it.kind, it.of), (ReversalKind::Refund, Some(2550)));
                Some((it.stage, it.amount))
            }
            _ => None,
        };
        assert_eq!(told(&charge(550)), Some((550, 550)));
        assert_eq!(told(&charge(2550)), Some((2550, 2550)));
        let expanded = with(charge(1), "payment_intent", json!({ "id": "pi_1" }));
        assert_eq!(told(&expanded), Some((1, 1)));
        for wrong in [charge(-1), charge(2551), with(charge(1), "id", json!("ch 1"))] {
            assert_eq!(event("charge.refunded", &wrong), Err(UnreadableEvent));
        }
        // A charge without a payment of ours.
        let bare = with(charge(1), "payment_intent", Value::Null);
        assert_eq!(event("charge.refunded", &bare), Ok(Event::Other));
    }

    #[test]
    fn a_refund_is_told_by_itself_and_may_fail() {
        let refund = |status: Value| {
            json!({
                "id": "re_1", "object": "refund", "amount": 1000, "currency": "usd",
                "charge": "ch_1", "payment_intent": "pi_1", "status": status,
                "failure_reason": null,
            })
        };
        let told = |kind: &str, refund: &Value| match event(kind, refund) {
            Ok(Event::Reversed(it)) => {
                assert_eq!((it.payment.as_str(), it.id.as_str()), ("pi_1", "re_1"));
                assert_eq!((it.kind, it.of), (ReversalKind::SingleRefund, None));
                (it.stage, it.amount, it.status)
            }
            other => panic!("{other:?}"),
        };
        for kind in ["refund.created", "refund.updated", "refund.failed", "charge.refund.updated"] {
            for status in ["pending", "requires_action", "succeeded"] {
                let expected = (1, 1000, status.to_owned());
                assert_eq!(told(kind, &refund(json!(status))), expected, "{kind}");
            }
            for status in ["failed", "canceled"] {
                let expected = (REFUND_FAILED, 1000, status.to_owned());
                assert_eq!(told(kind, &refund(json!(status))), expected, "{kind}");
            }
        }
        assert_eq!(told("refund.created", &refund(Value::Null)).0, 1);
        let of_nothing = with(refund(json!("failed")), "payment_intent", Value::Null);
        assert_eq!(event("refund.failed", &of_nothing), Ok(Event::Other));
        let negative = with(refund(json!("failed")), "amount", json!(-1));
        assert_eq!(event("refund.failed", &negative), Err(UnreadableEvent));
    }

    #[test]
    fn a_disputes_latest_stage_says_where_its_money_is() {
        let told = |kind: &str, status: &str| {
            let dispute = json!({
                "id": "dp_1", "object": "dispute", "amount": 2550, "currency": "usd",
                "charge": "ch_1", "payment_intent": "pi_1", "status": status, "metadata": {},
            });
            match event(&format!("charge.dispute.{kind}"), &dispute) {
                Ok(Event::Reversed(it)) => (it.stage, it.amount),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(told("created", "needs_response"), (1, 2550));
        assert_eq!(told("created", "warning_needs_response"), (1, 0));
        assert_eq!(told("funds_withdrawn", "needs_response"), (2, 2550));
        assert_eq!(told("closed", "lost"), (3, 2550));
        for status in ["won", "warning_closed"] {
            assert_eq!(told("closed", status), (3, 0));
        }
        assert_eq!(told("funds_reinstated", "won"), (4, 0));
    }

    #[test]
    fn other_events_mean_nothing() {
        for kind in ["payment_intent.created", "charge.updated", "", "customer.created"] {
            assert_eq!(event(kind, &intent()), Ok(Event::Other), "{kind}");
        }
        for body in ["", "[]", "{}", "{\"type\": 7, \"data\": {}}", "{\"type\": \"a\"}"] {
            assert_eq!(Event::parse(body.as_bytes()), Err(UnreadableEvent), "{body}");
        }
    }

    proptest! {
        #[test]
        fn parsing_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Event::parse(&body);
        }

        /// An event that is cut off or has a byte changed is refused, or says something that was
        /// checked as well.
        #[test]
        fn a_broken_event_never_panics(
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            for (kind, object) in
                [("payment_intent.succeeded", intent()), ("checkout.session.completed", session())]
            {
                let event = json!({ "type": kind, "data": { "object": object } });
                let mut body = event.to_string().into_bytes();
                let at = at.index(body.len());
                if cut { body.truncate(at) } else { body[at] = byte }
                if let Ok(Event::Paid(payment)) = Event::parse(&body) {
                    prop_assert!(payment.amount >= 0 && !payment.id.is_empty());
                }
            }
        }
    }
}
