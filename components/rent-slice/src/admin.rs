//! What the operator does and sees, and what watches the app.

use domain::account::Email;
use domain::field::FieldError;
use domain::id::MailId;
use domain::money::Usd;
use edge::Context;
use http::StatusCode;
use store::ledger::{self, Credit, Credited, SlaCredit, SlaCredited};
use store::{invariants, mails, migrate, unprovisioned};
use web::api::CURRENCY;
use web::api::admin::{
    CreditBody, CreditView, FailedMailView, HealthView, InvariantView, InvariantsView, MailsView,
    SlaCreditBody,
};
use web::api::rentals::rental_id;
use web::audit::Action;
use web::form::{idempotency_key, keep};
use web::{Kind, Problem, Response, json, respond};

/// How many mails that failed are shown.
pub(crate) const MAILS_SHOWN: u32 = 100;
/// The longest reason of a credit.
const REASON_CHARS_MAX: usize = 200;

pub(crate) fn credit_wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CreditBody = json::body(cx.request)?;
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
    let body: SlaCreditBody = json::body(cx.request)?;
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

/// Reads why an operator does something: for who it concerns, and the books or the audit log.
pub(crate) fn read_reason(text: &str) -> Result<String, FieldError> {
    let reason = text.trim();
    let length = reason.chars().count();
    if !(1..=REASON_CHARS_MAX).contains(&length) || reason.chars().any(char::is_control) {
        return Err(FieldError::new("reason", "1 to 200 characters on one line"));
    }
    Ok(reason.to_owned())
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

pub(crate) fn check_invariants(cx: &Context<'_>) -> Result<Response, Problem> {
    let findings = invariants::check(cx.db)?;
    let view = InvariantsView {
        ok: findings.iter().all(|finding| finding.violations == 0),
        checked_at: cx.now.to_string(),
        late_jobs: unprovisioned::late_count(cx.db)?,
        invariants: findings.iter().map(InvariantView::new).collect(),
    };
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn list_mails(cx: &Context<'_>) -> Result<Response, Problem> {
    let waiting = mails::waiting(cx.db)?;
    let view = MailsView {
        waiting: waiting.count,
        oldest_waiting_seconds: waiting.since.map(|since| cx.now.seconds_since(since)),
        failed: mails::failed(cx.db, MAILS_SHOWN)?.iter().map(FailedMailView::new).collect(),
    };
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn retry_mail(cx: &Context<'_>) -> Result<Response, Problem> {
    send_again(cx)?;
    Ok(respond::no_content())
}

/// Has a mail sent again that has failed.
pub(crate) fn send_again(cx: &Context<'_>) -> Result<(), Problem> {
    let id = MailId::parse(cx.param("mail")).ok_or_else(Problem::not_found)?;
    if mails::retry(cx.db, id, cx.now)? {
        Ok(cx.audit(Action::MailRetried, None, &id.to_string())?)
    } else {
        Err(Problem::new(Kind::NotFound, "no failed e-mail has this id"))
    }
}

pub(crate) fn show_health(cx: &Context<'_>) -> Result<Response, Problem> {
    if !migrate::is_current(cx.db)? {
        return Err(Problem::plain(Kind::WrongSchema));
    }
    respond::json(StatusCode::OK, &HealthView { status: "ok" })
}
