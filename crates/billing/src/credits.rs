//! What the operator credits: payments by bank transfer, and for SLAs.

pub(crate) mod json;

use crate::credits::json::{CreditBody, CreditView, SlaCreditBody};
use domain::account::Email;
use domain::audit::Action;
use domain::money::Usd;
use http::StatusCode;
use store::ledger::{self, Credit, Credited, SlaCredit, SlaCredited};
use ui::ids::rental_id;
use web::api::CURRENCY;
use web::form::{idempotency_key, keep, read_reason};
use web::{Context, Kind, Problem, Response, respond};

pub(crate) fn credit_wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CreditBody = web::json::body(cx.request)?;
    let (email, amount, reason) = read_credit(&body)?;
    let key = idempotency_key(cx)?;
    let credit = Credit { email: &email, amount, reason: &reason, key: key.as_str() };
    match ledger::credit(cx.db, &credit, cx.now)? {
        Credited::Done(balance) => {
            cx.audit(Action::CreditGranted, None, key.as_str())?;
            let view = CreditView {
                email: email.to_string(),
                amount: amount.to_string(),
                balance: balance.to_string(),
                currency: CURRENCY,
            };
            respond::json(StatusCode::CREATED, &view)
        }
        Credited::NoSuchAccount => Err(Problem::plain(Kind::NoSuchAccount)),
        Credited::KeyReused => Err(Problem::plain(Kind::KeyReused)),
    }
}

pub(crate) fn credit_sla(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: SlaCreditBody = web::json::body(cx.request)?;
    let mut wrong = Vec::new();
    let amount = keep(&mut wrong, Usd::parse("amount_usd", &body.amount_usd.text()));
    let reason = keep(&mut wrong, read_reason(&body.reason));
    let (Some(amount), Some(reason)) = (amount, reason) else { return Err(Problem::fields(wrong)) };
    let (rental, key) = (rental_id(&body.rental_id)?, idempotency_key(cx)?);
    let credit = SlaCredit { rental, amount, reason: &reason, key: key.as_str() };
    match ledger::credit_sla(cx.db, &credit, cx.now)? {
        SlaCredited::Done => {
            cx.audit(Action::SlaCreditGranted, None, &rental.to_string())?;
            Ok(respond::no_content())
        }
        SlaCredited::NoSuchRental => Err(Problem::not_found()),
        SlaCredited::NotEarned => Err(Problem::plain(Kind::NotEarned)),
        SlaCredited::KeyReused => Err(Problem::plain(Kind::KeyReused)),
    }
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
