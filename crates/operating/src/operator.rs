//! The operator's pages: how the marketplace stands, accounts, and the audit log.

pub(crate) mod page;

use http::StatusCode;
use store::{
    accounts, audit, invariants, job_runs, mails, sync, sync_runs, top_ups, unprovisioned,
};
use ui::done::Done;
use ui::visit::Visit;
use web::form::Form;
use web::{Context, Problem, Response, api, respond};

use crate::admin::{self, MAILS_SHOWN};
use crate::background::SHOWN;
use crate::operating::{AccountAction, act, prefix};
use crate::operator::page::{
    ACCOUNTS_PER_PAGE, AUDIT_PER_PAGE, Operator, OperatorAccounts, OperatorAudit, Standing,
    accounts_url,
};

/// How many payments are shown that were refused, or taken back.
const REFUSED_SHOWN: u32 = 100;

pub(crate) fn standing(cx: &Context<'_>) -> Result<Response, Problem> {
    let standing = Standing {
        findings: invariants::check(cx.db)?,
        late_jobs: unprovisioned::late_count(cx.db)?,
        waiting: mails::waiting(cx.db)?,
        failed: mails::failed(cx.db, MAILS_SHOWN)?,
        payments: top_ups::refused(cx.db, REFUSED_SHOWN)?,
        reversed: top_ups::reversed(cx.db, REFUSED_SHOWN)?,
        sync: sync_runs::list(cx.db, None, 1)?.pop(),
        quarantined: sync::refused(cx.db, SHOWN)?.len(),
        oversold: sync::oversold(cx.db, SHOWN)?.len(),
        failing_jobs: job_runs::all(cx.db)?.values().filter(|run| run.failure.is_some()).count(),
    };
    respond::page(StatusCode::OK, &Operator::new(&Visit::of(cx)?, &standing))
}

pub(crate) fn accounts(cx: &Context<'_>) -> Result<Response, Problem> {
    let prefix = prefix(cx)?;
    let after = api::cursor(cx, |text| Some(text.to_owned()))?.unwrap_or_default();
    let found = accounts::list(cx.db, &prefix, &after, ACCOUNTS_PER_PAGE + 1)?;
    respond::page(StatusCode::OK, &OperatorAccounts::new(&Visit::of(cx)?, &prefix, found))
}

pub(crate) fn suspend_account(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::Suspend, Done::AccountSuspended)
}

pub(crate) fn reactivate_account(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::Reactivate, Done::AccountReactivated)
}

pub(crate) fn end_account_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::EndSessions, Done::AccountSessionsEnded)
}

pub(crate) fn grant_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::GrantOperator, Done::OperatorGranted)
}

pub(crate) fn revoke_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::RevokeOperator, Done::OperatorRevoked)
}

/// Does it, and goes back to the list as it was.
fn do_to_account(cx: &Context<'_>, action: AccountAction, done: Done) -> Result<Response, Problem> {
    act(cx, cx.param("account"), action)?;
    let form = Form::read(cx.request);
    Ok(respond::see_other(&done.at(&accounts_url(form.text("prefix")))))
}

pub(crate) fn retry_mail(cx: &Context<'_>) -> Result<Response, Problem> {
    admin::send_again(cx)?;
    Ok(respond::see_other(&Done::MailRetried.at("/operator")))
}

pub(crate) fn audit(cx: &Context<'_>) -> Result<Response, Problem> {
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = audit::all(cx.db, before, AUDIT_PER_PAGE + 1)?;
    respond::page(StatusCode::OK, &OperatorAudit::new(&Visit::of(cx)?, found))
}
