//! Where a farmer is paid to, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod page;

use domain::account::Email;
use domain::audit::Action;
use domain::payout::ADDRESS_WAIT_SECONDS;
use http::StatusCode;
use mail::SealedMail;
use store::accounts::{self, Identity};
use store::mails::NewMail;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::mails;
use crate::payout::json::{PayoutBody, PayoutView, payout_address};
use crate::payout::page::Payout;

/// Sets where the farmer is paid to, and answers it. Only a session that has shown a second factor
/// lately does: who has stolen a password, a token or an open browser must not have the earnings as
/// well. Its owner gets a mail about it, and payouts wait.
fn set(cx: &Context<'_>, address: &str) -> Result<String, Problem> {
    cx.require_recent_strong()?;
    let identity = cx.session()?;
    let account = identity.account;
    let address = payout_address(address)?;
    if accounts::payout(cx.db, account)?.as_ref() == Some(&address) {
        return Ok(address);
    }
    let sealed = if cx.config.has_mail { Some(seal(cx, identity, &address)?) } else { None };
    let mail = sealed.as_ref().map(|SealedMail { id, kind, sealed }| NewMail {
        id: *id,
        account: Some(account),
        kind,
        sealed,
    });
    accounts::set_payout(cx.db, account, &address, mail.as_ref(), cx.now)?;
    cx.audit(Action::PayoutSet, Some(account), "")?;
    Ok(address)
}

fn seal(cx: &Context<'_>, identity: &Identity, address: &str) -> Result<SealedMail, Problem> {
    let to = Email::parse(&identity.email)?;
    let from = cx.now.plus_seconds(ADDRESS_WAIT_SECONDS);
    let mail = mails::payout_address_changed(&to, address, from);
    let keys = cx.keys().map_err(Problem::internal)?;
    mail::seal_new(&keys, &mail, cx.random, cx.now).map_err(Problem::internal)
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
