//! What the operator credits: payments by bank transfer, and for SLAs.

pub(crate) mod json;

use domain::account::Email;
use domain::audit::Action;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use http::StatusCode;
use serde_json::json;
use store::ledger::{self, Credit, SlaCredit};
use ui::ids::rental_id;
use web::api::CURRENCY;
use web::form::{idempotency_key, keep, read_reason};
use web::{Context, Problem, Response, stored};

use crate::credits::json::{CreditBody, CreditView, SlaCreditBody};

/// Where operators see what was credited.
const AUDIT_LOG: &str = "/api/admin/audit";

pub(crate) fn credit_wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CreditBody = web::json::body(cx.request)?;
    let (email, amount, reason) = read_credit(&body)?;
    let key = idempotency_key(cx)?;
    let reference = reference(cx, key.as_ref());
    let asked =
        json!({ "email": email.as_str(), "amount": amount.micros(), "reason": reason.as_str() });
    stored::once(cx, key, &asked, |intention| {
        let credit = Credit {
            email: &email,
            amount,
            reason: &reason,
            reference: &reference,
            intention,
            audit: &cx.audit_entry(Action::CreditGranted, None, &reference),
        };
        let respond = |balance: Usd| {
            let view = CreditView {
                email: email.to_string(),
                amount: amount.to_string(),
                balance: balance.to_string(),
                currency: CURRENCY,
            };
            stored::json(StatusCode::CREATED, &view, AUDIT_LOG)
        };
        Ok(ledger::credit(cx.db, &credit, &respond, cx.now)?)
    })
}

/// What the ledger calls a credit: no two have the same, so that what two operators enter by the
/// reference of one payment is credited once.
fn reference(cx: &Context<'_>, key: Option<&IdempotencyKey>) -> String {
    key.map_or_else(|| cx.request_id.clone(), |key| key.as_str().to_owned())
}

pub(crate) fn credit_sla(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: SlaCreditBody = web::json::body(cx.request)?;
    let mut wrong = Vec::new();
    let amount = keep(&mut wrong, Usd::parse("amount_usd", &body.amount_usd.text()));
    let reason = keep(&mut wrong, read_reason(&body.reason));
    let (Some(amount), Some(reason)) = (amount, reason) else { return Err(Problem::fields(wrong)) };
    let (rental, key) = (rental_id(&body.rental_id)?, idempotency_key(cx)?);
    let (reference, subject) = (reference(cx, key.as_ref()), rental.to_string());
    let asked = json!({ "rental": subject, "amount": amount.micros(), "reason": reason.as_str() });
    stored::once(cx, key, &asked, |intention| {
        let credit = SlaCredit {
            rental,
            amount,
            reason: &reason,
            reference: &reference,
            intention,
            audit: &cx.audit_entry(Action::SlaCreditGranted, None, &subject),
        };
        Ok(ledger::credit_sla(cx.db, &credit, stored::no_content(AUDIT_LOG), cx.now)?)
    })
}

fn read_credit(body: &CreditBody) -> Result<(Email, Usd, String), Problem> {
    let mut wrong = Vec::new();
    let email = keep(&mut wrong, Email::parse(&body.email));
    let amount = keep(&mut wrong, Usd::parse("amount_usd", &body.amount_usd.text()));
    let reason = keep(&mut wrong, read_reason(&body.reason));
    match (email, amount, reason) {
        (Some(email), Some(amount), Some(reason)) => Ok((email, amount, reason)),
        _ => Err(Problem::fields(wrong)),
    }
}
