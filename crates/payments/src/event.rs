//! What Stripe tells: a payment has come in, or a page to pay on has expired.
//!
//! Money is credited for `payment_intent.succeeded`, which also comes days later, for payment
//! methods that take as long; and for `checkout.session.completed` that is paid. Both name one
//! payment by one id, so that it counts once.

use domain::id::TopUpId;
use domain::top_up::Payment;
use serde::Deserialize;
use serde_json::Value;

/// What an event means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A payment has come in.
    Paid(Payment),
    /// Nobody can pay on this page any more.
    Expired(TopUpId),
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
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    top_up_id: Option<String>,
}

/// The longest id of a payment that is kept. Stripe's have about 30 characters.
const ID_LENGTH_MAX: usize = 255;
/// The longest name of a currency that is kept. Stripe's have three letters.
const CURRENCY_LENGTH_MAX: usize = 16;

impl Event {
    /// Reads the body of a webhook whose signature is right.
    pub fn parse(body: &[u8]) -> Result<Event, UnreadableEvent> {
        let Envelope { r#type: kind, data } = read(body)?;
        match kind.as_str() {
            "payment_intent.succeeded" => payment(take(data.object)?),
            "checkout.session.completed" => completed(take(data.object)?),
            "checkout.session.expired" => {
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
            let amount = session.amount_total.ok_or(UnreadableEvent)?;
            paid(top_up, intent, amount, session.currency.ok_or(UnreadableEvent)?)
        }
        // `unpaid`: the payment comes later, with an event of its own.
        _ => Ok(Event::Other),
    }
}

fn paid(
    top_up: TopUpId,
    id: String,
    amount: i64,
    currency: String,
) -> Result<Event, UnreadableEvent> {
    let is_id = !id.is_empty()
        && id.len() <= ID_LENGTH_MAX
        && id.bytes().all(|byte| byte.is_ascii_graphic());
    let is_currency = !currency.is_empty()
        && currency.len() <= CURRENCY_LENGTH_MAX
        && currency.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_id || !is_currency || amount < 0 {
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
    fn other_events_mean_nothing() {
        for kind in ["payment_intent.created", "charge.refunded", "", "customer.created"] {
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
