//! The page of the wallet.

use domain::id::TopUpId;
use domain::top_up::TopUpState;
use http::StatusCode;
use payments::StripeConfig;
use store::{ledger, top_ups};
use ui::done::Done;
use ui::visit::Visit;
use web::form::Form;
use web::{Context, Problem, Response, api, respond};

use crate::top_ups::{CANCELED, PAID, WALLET, stripe};
use crate::wallet::page::{ENTRIES_PER_PAGE, TOP_UPS_SHOWN, Wallet};

pub(crate) fn wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    match came_back(cx)? {
        Some(done) => Ok(respond::see_other(&done.at(WALLET))),
        None => wallet_with(cx, stripe(cx)?.as_ref(), None),
    }
}

/// What to say to somebody who comes back from where a top-up of theirs is paid. Nobody else knows
/// its id, so nobody can send them a link that says so.
fn came_back(cx: &Context<'_>) -> Result<Option<Done>, Problem> {
    let (done, id) = match (cx.query(PAID), cx.query(CANCELED)) {
        (Some(id), _) => (Done::ToppedUp, id),
        (None, Some(id)) => (Done::TopUpCanceled, id),
        (None, None) => return Ok(None),
    };
    let Some(id) = TopUpId::parse(&id) else { return Ok(None) };
    let found = top_ups::find(cx.db, cx.account()?.account, id)?;
    let is_so = |state| done == Done::ToppedUp || state != TopUpState::Paid;
    Ok(found.filter(|top_up| is_so(top_up.state)).map(|_| done))
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
