//! The JSON API of the wallet.

pub(crate) mod json;
pub(crate) mod page;

use http::StatusCode;
use store::ledger::{self, WalletEntry};
use web::api::{self, CURRENCY, PageOf};
use web::{Context, Problem, Response, respond};

use crate::wallet::json::{EntryView, WalletView};

pub(crate) fn show_wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let balance = ledger::balance(cx.db, cx.account()?.account)?.to_string();
    respond::json(StatusCode::OK, &WalletView { balance, currency: CURRENCY })
}

pub(crate) fn list_wallet_entries(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = ledger::entries(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |entry: &WalletEntry| entry.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, EntryView::new))
}
