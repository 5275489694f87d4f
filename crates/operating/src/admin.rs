//! What the operator sees, and what watches the app.

pub(crate) mod json;

use domain::audit::Action;
use domain::id::MailId;
use http::StatusCode;
use store::{invariants, mails, migrate, unprovisioned};
use web::{Context, Kind, Problem, Response, respond};

use crate::admin::json::{FailedMailView, HealthView, InvariantView, InvariantsView, MailsView};

/// How many mails that failed are shown.
pub(crate) const MAILS_SHOWN: u32 = 100;

pub(crate) fn check_invariants(cx: &Context<'_>) -> Result<Response, Problem> {
    let findings = invariants::check(cx.db)?;
    let view = InvariantsView {
        ok: findings.iter().all(|finding| finding.violations == 0),
        checked_at: cx.now.to_string(),
        late_jobs: unprovisioned::late_count(cx.db)?,
        full_pass_seconds: invariants::pass_seconds(cx.db)?,
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
        Err(Problem::new(Kind::NotFound, "no failed email has this id"))
    }
}

pub(crate) fn show_health(cx: &Context<'_>) -> Result<Response, Problem> {
    if !migrate::is_current(cx.db)? {
        return Err(Problem::plain(Kind::WrongSchema));
    }
    respond::json(StatusCode::OK, &HealthView { status: "ok" })
}
