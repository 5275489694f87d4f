//! Top-ups: paying money into the wallet, and what the payment provider says of it.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::TopUpId;
use domain::money::Usd;
use domain::top_up::{self, TopUpState};
use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::top_ups::{RefusedPayment, Reversed, ReversedPayment, Settled, TopUp};
use web::api::{CURRENCY, PAGING, PageOf};
use web::json::Decimal;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

const GROUP: &str = "Rentals and wallet";

/// `POST /api/wallet/top-ups`
pub(crate) const CREATE_TOP_UP: Operation = Operation {
    id: "createTopUp",
    group: GROUP,
    method: Method::POST,
    path: "/api/wallet/top-ups",
    summary: "Starts a wallet top-up. Pay on the page at `url`; the credit appears once the \
              payment is confirmed.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    body: Some(schema_of::<TopUpBody>),
    status: 201,
    about_answer: "The top-up. A retry with the same key returns the same response.",
    answer: Some(schema_of::<TopUpView>),
    problems: &[Kind::PaymentsUnavailable, Kind::TooManyTopUps, Kind::PaymentProvider],
    ..Operation::READ
};

/// `GET /api/wallet/top-ups`
pub(crate) const LIST_TOP_UPS: Operation = Operation {
    id: "listTopUps",
    group: GROUP,
    path: "/api/wallet/top-ups",
    summary: "Lists your top-ups, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of top-ups.",
    answer: Some(schema_of::<PageOf<TopUpView>>),
    ..Operation::READ
};

/// `GET /api/wallet/top-ups/{top_up}`
pub(crate) const SHOW_TOP_UP: Operation = Operation {
    id: "showTopUp",
    group: GROUP,
    path: "/api/wallet/top-ups/{top_up}",
    summary: "Shows one of your top-ups.",
    access: Access::Account(Scope::Read),
    about_answer: "The top-up.",
    answer: Some(schema_of::<TopUpView>),
    ..Operation::READ
};

/// `POST /api/payments/stripe/webhook`
pub(crate) const TAKE_STRIPE_EVENT: Operation = Operation {
    id: "takeStripeEvent",
    group: "Payments",
    method: Method::POST,
    path: "/api/payments/stripe/webhook",
    summary: "Receives events from Stripe, signed in the Stripe-Signature header.",
    body: Some(schema_of::<StripeEventBody>),
    about_answer: "The event was processed or ignored. It doesn't need to be resent.",
    answer: Some(schema_of::<StripeEventView>),
    problems: &[Kind::PaymentsUnavailable, Kind::WrongSignature],
    ..Operation::READ
};

/// `GET /api/admin/refused-payments`
pub(crate) const LIST_REFUSED_PAYMENTS: Operation = Operation {
    id: "listRefusedPayments",
    group: "Operator",
    path: "/api/admin/refused-payments",
    summary: "Lists received payments that were not credited, to be refunded or credited by hand.",
    access: Access::Operator,
    about_answer: "Newest first, up to 100.",
    answer: Some(schema_of::<RefusedPaymentsView>),
    ..Operation::READ
};

/// `GET /api/admin/reversed-payments`
pub(crate) const LIST_REVERSED_PAYMENTS: Operation = Operation {
    id: "listReversedPayments",
    group: "Operator",
    path: "/api/admin/reversed-payments",
    summary: "Lists card payments that were refunded or disputed after they were credited.",
    access: Access::Operator,
    about_answer: "Newest first, up to 100.",
    answer: Some(schema_of::<ReversedPaymentsView>),
    ..Operation::READ
};

/// How much to pay in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopUpBody {
    /// Dollars and cents, from 5 to 5000.
    #[schemars(schema_with = "amount")]
    pub amount_usd: Decimal,
}

impl TopUpBody {
    /// Reads the amount.
    pub(crate) fn read(&self) -> Result<Usd, FieldError> {
        top_up::parse_amount("amount_usd", &self.amount_usd.text())
    }
}

/// The schema of the amount of a top-up.
fn amount(_: &mut SchemaGenerator) -> Schema {
    const FROM_5_TO_5000: &str =
        "^(([5-9]|[1-9][0-9]{1,2}|[1-4][0-9]{3})(\\.[0-9]{1,2})?|5000(\\.00?)?)$";
    json_schema!({
        "description": "Dollars and cents from 5 to 5000, as text (exact) or as a number.",
        "format": "decimal",
        "anyOf": [
            { "type": "string", "pattern": FROM_5_TO_5000 },
            { "type": "number", "minimum": 5, "maximum": 5000, "multipleOf": 0.01 },
        ],
        "examples": ["25.00", 25]
    })
}

/// A top-up.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TopUpView {
    /// Its id.
    pub id: String,
    /// `pending`, `paid`, `expired` or `refused`.
    pub state: &'static str,
    /// How much, as decimal text.
    pub amount: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// The page on which it is paid; null where it cannot be paid any more.
    pub url: Option<String>,
    /// When it was begun (RFC 3339).
    pub created_at: String,
    /// When it was paid (RFC 3339); null until then.
    pub paid_at: Option<String>,
}

impl TopUpView {
    /// Shows a top-up.
    pub(crate) fn new(top_up: &TopUp) -> TopUpView {
        TopUpView {
            id: top_up.id.to_string(),
            state: top_up.state.into_str(),
            amount: top_up.amount.to_string(),
            currency: CURRENCY,
            url: top_up.url.clone().filter(|_| top_up.state == TopUpState::Pending),
            created_at: top_up.created_at.to_string(),
            paid_at: top_up.paid_at.map(|at| at.to_string()),
        }
    }
}

/// An event of Stripe, as Stripe documents it.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what Stripe sends; `payments` reads it")]
pub(crate) struct StripeEventBody {
    /// Which, such as `payment_intent.succeeded`.
    pub r#type: String,
    /// What it is about.
    pub data: StripeEventData,
}

/// What an event of Stripe is about.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "it describes what Stripe sends; `payments` reads it")]
pub(crate) struct StripeEventData {
    /// The object, as it is after the event.
    pub object: Map<String, Value>,
}

/// What came of an event.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StripeEventView {
    /// Always true.
    pub received: bool,
    /// `credited`, `already-credited`, `refused`, `reversed`, `already-reversed`, `expired` or
    /// `ignored`.
    pub outcome: &'static str,
}

impl StripeEventView {
    /// The event is of no interest.
    pub(crate) const IGNORED: StripeEventView =
        StripeEventView { received: true, outcome: "ignored" };
    /// Nobody can pay on a page any more.
    pub(crate) const EXPIRED: StripeEventView =
        StripeEventView { received: true, outcome: "expired" };

    /// A payment has come in.
    pub(crate) fn of_payment(settled: Settled) -> StripeEventView {
        let outcome = match settled {
            Settled::Credited => "credited",
            Settled::Already => "already-credited",
            Settled::Refused(_) => "refused",
        };
        StripeEventView { received: true, outcome }
    }

    /// A payment was taken back.
    pub(crate) fn of_reversal(reversed: Reversed) -> StripeEventView {
        let outcome = match reversed {
            Reversed::Booked => "reversed",
            Reversed::Already => "already-reversed",
            Reversed::Unknown => "ignored",
        };
        StripeEventView { received: true, outcome }
    }
}

/// Payments that were taken back.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReversedPaymentsView {
    /// The newest first; up to 100.
    pub items: Vec<ReversedPaymentView>,
}

/// A payment that was taken back: its refunds in all, or a dispute.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReversedPaymentView {
    /// The provider's id of the payment.
    pub payment_id: String,
    /// The provider's id of the charge that was refunded, or of the dispute.
    pub id: String,
    /// `refund` or `dispute`.
    pub kind: &'static str,
    /// As the provider calls it, such as `partially_refunded` or `needs_response`.
    pub status: String,
    /// The top-up that it had paid.
    pub top_up_id: String,
    /// Who began the top-up.
    pub email: String,
    /// What was taken from the wallet because of it, as decimal text.
    pub amount: String,
    /// What the wallet holds now, as decimal text; negative where it lacks money.
    pub balance: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// When it was reported last (RFC 3339).
    pub reported_at: String,
}

impl ReversedPaymentView {
    /// Shows a payment that was taken back.
    pub(crate) fn new(reversed: &ReversedPayment) -> ReversedPaymentView {
        let reversal = &reversed.reversal;
        ReversedPaymentView {
            payment_id: reversal.payment.clone(),
            id: reversal.id.clone(),
            kind: reversal.kind.into_str(),
            status: reversal.status.clone(),
            top_up_id: reversed.top_up.to_string(),
            email: reversed.email.clone(),
            amount: reversal.of_top_up(reversed.top_up_amount).to_string(),
            balance: reversed.balance.to_string(),
            currency: CURRENCY,
            reported_at: reversed.reported_at.to_string(),
        }
    }
}

/// Payments that nothing was credited for.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedPaymentsView {
    /// The newest first; up to 100.
    pub items: Vec<RefusedPaymentView>,
}

/// A payment that nothing was credited for.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RefusedPaymentView {
    /// The provider's id of it.
    pub payment_id: String,
    /// The top-up that it names.
    pub top_up_id: String,
    /// Who began the top-up; null where it does not exist.
    pub email: Option<String>,
    /// `unknown-top-up`, `other-amount`, `other-currency`, `paid-twice` or `no-owner`.
    pub reason: &'static str,
    /// How much, in the smallest unit of its currency.
    pub amount_in_smallest_unit: i64,
    /// Its currency.
    pub currency: String,
    /// When it was reported (RFC 3339).
    pub created_at: String,
}

impl RefusedPaymentView {
    /// Shows a payment that nothing was credited for.
    pub(crate) fn new(refused: &RefusedPayment) -> RefusedPaymentView {
        RefusedPaymentView {
            payment_id: refused.payment.id.clone(),
            top_up_id: refused.payment.top_up.to_string(),
            email: refused.email.clone(),
            reason: refused.reason.into_str(),
            amount_in_smallest_unit: refused.payment.amount,
            currency: refused.payment.currency.clone(),
            created_at: refused.created_at.to_string(),
        }
    }
}

/// A top-up's id in a path; what is not one does not exist.
pub(crate) fn top_up_id(text: &str) -> Result<TopUpId, Problem> {
    TopUpId::parse(text).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_the_document_says() {
        for (text, is_fine) in [
            ("\"25.00\"", true),
            ("25", true),
            ("5000.0", true),
            ("4.99", false),
            ("\"5000.01\"", false),
            ("\"x\"", false),
        ] {
            let body: TopUpBody =
                serde_json::from_str(&format!("{{\"amount_usd\": {text}}}")).unwrap();
            assert_eq!(body.read().is_ok(), is_fine, "{text}");
        }
    }
}
