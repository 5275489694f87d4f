//! The books: statements by month and receipts, as pages, as JSON and as tables.

pub(crate) mod json;
pub(crate) mod page;

use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use store::statements::{self, AccountKind, Line, Statement};
use store::{archives, receipts};
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::{Context, Kind, Problem, Response, respond};

use crate::statements::json::{
    LineView, MonthStatements, MonthsView, ReceiptView, StatementView, month_in_path,
    transaction_in_path,
};
use crate::statements::page::{Receipt, Statement as StatementPage, Statements, statement_table};

pub(crate) fn list_statements(cx: &Context<'_>) -> Result<Response, Problem> {
    let months = statements::months(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &MonthsView::new(&months))
}

pub(crate) fn statements(cx: &Context<'_>) -> Result<Response, Problem> {
    let months = statements::months(cx.db, cx.account()?.account)?;
    let first = statements::first_month(cx.db)?;
    respond::page(StatusCode::OK, &Statements::new(&Visit::of(cx)?, &months, first))
}

/// What the account's wallet and earnings did in the month of the path. One without entries is as
/// good as any other; one that has not begun does not exist, and one of an archived year is with
/// the operator.
fn month_statements(cx: &Context<'_>) -> Result<MonthStatements, Problem> {
    let (account, month) = (cx.account()?.account, month_in_path(cx.param("month"), cx.now)?);
    if let Some(first) = statements::first_month(cx.db)?.filter(|first| month < *first) {
        return Err(archived(&format!("Statements from before {} are archived", first.year())));
    }
    let of = |book| statements::of_month(cx.db, account, book, month);
    let (wallet, earnings) =
        (of(AccountKind::Wallet)?.unwrap_or(Statement::EMPTY), of(AccountKind::Earnings)?);
    Ok(MonthStatements { month, created_at: cx.now, wallet, earnings })
}

pub(crate) fn show_statement(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &StatementView::new(&month_statements(cx)?))
}

pub(crate) fn statement(cx: &Context<'_>) -> Result<Response, Problem> {
    let statements = month_statements(cx)?;
    respond::page(StatusCode::OK, &StatementPage::new(&Visit::of(cx)?, &statements))
}

pub(crate) fn statement_csv(cx: &Context<'_>) -> Result<Response, Problem> {
    let statements = month_statements(cx)?;
    let table = statement_table(cx.db, &statements)?;
    let response = respond::answer(StatusCode::OK, "text/csv; charset=utf-8", table);
    let file = format!("attachment; filename=\"mycelium-{}.csv\"", statements.month);
    Ok(respond::with_header(response, CONTENT_DISPOSITION, &file))
}

pub(crate) fn list_earnings_entries(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = statements::earnings(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |line: &Line| line.transaction.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, LineView::new))
}

pub(crate) fn show_receipt(cx: &Context<'_>) -> Result<Response, Problem> {
    let receipt = found(cx)?;
    let rented = receipts::rented(cx.db, &receipt)?;
    respond::json(StatusCode::OK, &ReceiptView::new(&receipt, rented.as_ref()))
}

pub(crate) fn receipt(cx: &Context<'_>) -> Result<Response, Problem> {
    let receipt = found(cx)?;
    let rented = receipts::rented(cx.db, &receipt)?;
    let page = Receipt::new(&Visit::of(cx)?, &receipt, rented.as_ref());
    respond::page(StatusCode::OK, &page)
}

/// The receipt of the path; one of a transaction that moved others' wallets does not exist.
fn found(cx: &Context<'_>) -> Result<receipts::Receipt, Problem> {
    let transaction = transaction_in_path(cx.param("transaction"))?;
    if let Some(found) = receipts::find(cx.db, cx.account()?.account, transaction)? {
        return Ok(found);
    }
    let is_archived = transaction <= archives::bounds(cx.db)?.ledger;
    Err(if is_archived {
        archived("Receipts of that year are archived")
    } else {
        Problem::not_found()
    })
}

/// What is in the operator's files only.
fn archived(what: &str) -> Problem {
    Problem::new(Kind::Archived, format!("{what}. Ask the operator for a copy."))
}
