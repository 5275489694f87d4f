//! The operator's pages: how the marketplace stands, accounts, and the audit log.

pub(crate) mod confirm;
pub(crate) mod page;
pub(crate) mod today;

use domain::id::AccountId;
use domain::month::Month;
use http::StatusCode;
use store::{
    accounts, archives, audit, disputes, invariants, job_runs, mails, overview, payouts, sync,
    sync_runs, top_ups, unprovisioned,
};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, api, respond};

use crate::admin::{self, MAILS_SHOWN};
use crate::background::SHOWN;
use crate::operating::{AccountAction, act, prefix};
use crate::operator::confirm::{Confirm, ReasonForm};
use crate::operator::page::{
    ACCOUNTS_PER_PAGE, AUDIT_PER_PAGE, Operator, OperatorAccounts, OperatorAudit, Standing,
    accounts_url,
};

/// The most disputes that are counted.
const DISPUTES_COUNTED: u32 = 100;
/// How many payments are shown that were refused, or taken back.
const REFUSED_SHOWN: u32 = 100;

pub(crate) fn standing(cx: &Context<'_>) -> Result<Response, Problem> {
    let standing = Standing {
        findings: invariants::check(cx.db)?,
        pass_seconds: invariants::pass_seconds(cx.db)?,
        late_jobs: unprovisioned::late_count(cx.db)?,
        waiting: mails::waiting(cx.db)?,
        failed: mails::failed(cx.db, MAILS_SHOWN)?,
        payments: top_ups::refused(cx.db, REFUSED_SHOWN)?,
        reversed: top_ups::reversed(cx.db, REFUSED_SHOWN)?,
        sync: sync_runs::list(cx.db, None, 1)?.pop(),
        quarantined: sync::refused(cx.db, SHOWN)?.len(),
        oversold: sync::oversold(cx.db, SHOWN)?.len(),
        payouts: payouts::counts(cx.db)?,
        disputes: disputes::open(cx.db, None, DISPUTES_COUNTED)?.len(),
        overview: overview::read(cx.db, Month::of(cx.now))?,
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

pub(crate) fn ask_suspend(cx: &Context<'_>) -> Result<Response, Problem> {
    ask(cx, AccountAction::Suspend)
}

pub(crate) fn ask_grant(cx: &Context<'_>) -> Result<Response, Problem> {
    ask(cx, AccountAction::GrantOperator)
}

pub(crate) fn ask_revoke(cx: &Context<'_>) -> Result<Response, Problem> {
    ask(cx, AccountAction::RevokeOperator)
}

/// Asks once more, and for the reason.
fn ask(cx: &Context<'_>, action: AccountAction) -> Result<Response, Problem> {
    let prefix = cx.query("prefix").unwrap_or_default();
    respond::page(StatusCode::OK, &question(cx, action, &prefix)?)
}

fn question(cx: &Context<'_>, action: AccountAction, prefix: &str) -> Result<Confirm, Problem> {
    let id = AccountId::parse(cx.param("account")).ok_or_else(Problem::not_found)?;
    let found = accounts::credentials_of(cx.db, id)?.ok_or_else(Problem::not_found)?;
    let question = Confirm::new(&Visit::of(cx)?, action, id, found.email, prefix);
    question.ok_or_else(Problem::not_found)
}

pub(crate) fn suspend_account(cx: &Context<'_>) -> Result<Response, Problem> {
    do_for_reason(cx, AccountAction::Suspend, Done::AccountSuspended)
}

pub(crate) fn reactivate_account(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::Reactivate, Done::AccountReactivated)
}

pub(crate) fn end_account_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    do_to_account(cx, AccountAction::EndSessions, Done::AccountSessionsEnded)
}

pub(crate) fn grant_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    do_for_reason(cx, AccountAction::GrantOperator, Done::OperatorGranted)
}

pub(crate) fn revoke_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    do_for_reason(cx, AccountAction::RevokeOperator, Done::OperatorRevoked)
}

/// Does what has a reason, which the audit log keeps, and goes back to the list as it was.
fn do_for_reason(cx: &Context<'_>, action: AccountAction, done: Done) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let prefix = form.text("prefix");
    let try_act = |body: ReasonForm| {
        act(cx, cx.param("account"), action, &body.read().map_err(|it| Problem::fields(vec![it]))?)
    };
    match form.body().and_then(try_act) {
        Ok(()) => Ok(respond::see_other(&done.at(&accounts_url(prefix)))),
        Err(problem) => form::refused(problem, |problem| {
            Ok(question(cx, action, prefix)?.refused(&form, problem))
        }),
    }
}

/// Does it, and goes back to the list as it was.
fn do_to_account(cx: &Context<'_>, action: AccountAction, done: Done) -> Result<Response, Problem> {
    act(cx, cx.param("account"), action, "")?;
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
    let bounds = archives::bounds(cx.db)?;
    respond::page(StatusCode::OK, &OperatorAudit::new(&Visit::of(cx)?, found, &bounds))
}
