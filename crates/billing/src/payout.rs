//! Where a farmer is paid to, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use http::StatusCode;
use store::accounts;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::payout::json::{PayoutBody, PayoutView, payout_address};
use crate::payout::page::Payout;

/// Sets where the farmer is paid to, and answers it. Only a session with a second factor does: who
/// has stolen a password or a token must not have the earnings as well.
fn set(cx: &Context<'_>, address: &str) -> Result<String, Problem> {
    cx.require_strong()?;
    let account = cx.session()?.account;
    let address = payout_address(address)?;
    accounts::set_payout(cx.db, account, Some(&address))?;
    cx.audit(Action::PayoutSet, Some(account), "")?;
    Ok(address)
}

pub(crate) fn show_payout(cx: &Context<'_>) -> Result<Response, Problem> {
    let payout_address = accounts::payout(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &PayoutView { payout_address })
}

pub(crate) fn set_payout(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: PayoutBody = web::json::body(cx.request)?;
    let payout_address = Some(set(cx, &body.payout_address)?);
    respond::json(StatusCode::OK, &PayoutView { payout_address })
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Payout, Problem> {
    let address = accounts::payout(cx.db, cx.account()?.account)?;
    Ok(Payout::new(&Visit::of(cx)?, address))
}

pub(crate) fn save(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body: PayoutBody| set(cx, &body.payout_address)) {
        Ok(_) => Ok(respond::see_other(&Done::PayoutSet.at("/dashboard/farm/payout"))),
        Err(problem) => form::refused(problem, |problem| Ok(own_page(cx)?.refused(&form, problem))),
    }
}
