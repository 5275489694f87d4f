//! What the operator does with accounts, for the API and the page alike.

use domain::audit::Action;
use domain::field::FieldError;
use domain::id::AccountId;
use http::StatusCode;
use store::accounts::{self, Account};
use store::audit::{self, Entry};
use store::sessions;
use ui::audit::AuditView;
use web::api::{self, PageOf};
use web::{Context, Problem, Response, respond};

use crate::admin::json::AccountRowView;

/// The longest beginning of an address that is looked for.
const PREFIX_CHARS_MAX: usize = 254;

/// What an operator does to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountAction {
    /// Shuts it out.
    Suspend,
    /// Lets it in again.
    Reactivate,
    /// Ends its sessions.
    EndSessions,
    /// Makes it an operator's.
    GrantOperator,
    /// Makes it no operator's.
    RevokeOperator,
}

/// Does it, and writes it down with its reason. An account that does not exist is not found.
pub(crate) fn act(
    cx: &Context<'_>,
    account: &str,
    action: AccountAction,
    reason: &str,
) -> Result<(), Problem> {
    let id = AccountId::parse(account).ok_or_else(Problem::not_found)?;
    let (is_done, action) = match action {
        AccountAction::Suspend => {
            (accounts::disable(cx.db, id, Some(cx.now))?, Action::AccountSuspended)
        }
        AccountAction::Reactivate => {
            (accounts::disable(cx.db, id, None)?, Action::AccountReactivated)
        }
        AccountAction::EndSessions => {
            let is_there = accounts::credentials_of(cx.db, id)?.is_some();
            sessions::end_others(cx.db, id, None)?;
            (is_there, Action::SessionsEnded)
        }
        AccountAction::GrantOperator => {
            (accounts::set_operator(cx.db, id, true)?, Action::OperatorGranted)
        }
        AccountAction::RevokeOperator => {
            (accounts::set_operator(cx.db, id, false)?, Action::OperatorRevoked)
        }
    };
    if !is_done {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(action, Some(id), reason)?)
}

fn answer(cx: &Context<'_>, action: AccountAction) -> Result<Response, Problem> {
    act(cx, cx.param("account"), action, "")?;
    Ok(respond::no_content())
}

pub(crate) fn suspend_account(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, AccountAction::Suspend)
}

pub(crate) fn reactivate_account(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, AccountAction::Reactivate)
}

pub(crate) fn end_account_sessions(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, AccountAction::EndSessions)
}

pub(crate) fn grant_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, AccountAction::GrantOperator)
}

pub(crate) fn revoke_operator(cx: &Context<'_>) -> Result<Response, Problem> {
    answer(cx, AccountAction::RevokeOperator)
}

pub(crate) fn list_accounts(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let after = api::cursor(cx, |text| Some(text.to_owned()))?.unwrap_or_default();
    let prefix = prefix(cx)?;
    let found = accounts::list(cx.db, &prefix, &after, limit + 1)?;
    let place = |account: &Account| account.email.clone();
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, place, AccountRowView::new),
    )
}

/// How the address begins that is looked for. Addresses are kept in lower case.
pub(crate) fn prefix(cx: &Context<'_>) -> Result<String, FieldError> {
    let text = cx.query("prefix").unwrap_or_default();
    if text.chars().count() > PREFIX_CHARS_MAX {
        return Err(FieldError::new("prefix", "at most 254 characters"));
    }
    Ok(text.to_lowercase())
}

pub(crate) fn list_audit(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = audit::all(cx.db, before, limit + 1)?;
    let place = |entry: &Entry| entry.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, AuditView::new))
}
