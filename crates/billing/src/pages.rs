//! The page of the wallet.

use http::StatusCode;
use payments::StripeConfig;
use store::{ledger, top_ups};
use ui::visit::Visit;
use web::form::Form;
use web::{Context, Problem, Response, api, respond};

use crate::top_ups::stripe;
use crate::wallet::page::{ENTRIES_PER_PAGE, TOP_UPS_SHOWN, Wallet};

pub(crate) fn wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    wallet_with(cx, stripe(cx)?.as_ref(), None)
}

/// The wallet: with the form to pay into it where that can be done, and why a form did nothing.
pub(crate) fn wallet_with(
    cx: &Context<'_>,
    stripe: Option<&StripeConfig>,
    refused: Option<(&Form, &Problem)>,
) -> Result<Response, Problem> {
    let visit = Visit::live(cx)?;
    let account = cx.account()?.account;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = ledger::entries(cx.db, account, before, ENTRIES_PER_PAGE + 1)?;
    let page = Wallet::new(&visit, found);
    let Some(stripe) = stripe else { return respond::page(StatusCode::OK, &page) };
    let latest = top_ups::of_account(cx.db, account, None, TOP_UPS_SHOWN)?;
    let page = page.paying(&visit, &latest);
    let (page, status) = match refused {
        None => (page, StatusCode::OK),
        Some((form, problem)) => (page.refused(form, problem), problem.kind.status()),
    };
    respond::page_that_leads_to(status, &page, stripe.checkout_origin())
}
