//! Rentals that are offered to somebody else, and taken over.

pub(crate) mod json;

use domain::account::Email;
use domain::field::FieldError;
use domain::id::RentalId;
use http::StatusCode;
use machines::Exchange;
use store::transfers::{self, Handover, Transfer};
use ui::ids::rental_id;
use web::{Context, Kind, Problem, Response, respond};

use crate::rentals::json::RentalView;
use crate::renting::{own_rental, plan_nothing};
use crate::transfers::json::{AcceptBody, TransferBody, TransferView};

pub(crate) fn offer_transfer(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: TransferBody = web::json::body(cx.request)?;
    let id = rental_id(cx.param("rental"))?;
    let to = Email::parse(&body.email)?;
    if body.dry_run {
        own_rental(cx, id)?;
        transfers::check_offer(cx.db, id, cx.account()?.token())?;
        return plan_nothing(cx);
    }
    offer(cx, id, &to)?;
    let made = transfers::of_rental(cx.db, cx.account()?.account, id, cx.now)?;
    let made = made.ok_or_else(Problem::not_found)?;
    let exchange = Exchange::of_rental(cx, id)?;
    respond::json(StatusCode::CREATED, &TransferView::new(&made, exchange, cx.now))
}

/// Offers a rental to whoever has an address.
pub(crate) fn offer(cx: &Context<'_>, id: RentalId, to: &Email) -> Result<(), Problem> {
    let identity = cx.account()?;
    let renter = identity.account;
    if to.as_str() == identity.email {
        own_rental(cx, id)?;
        return Err(FieldError::new("email", "the address of another account").into());
    }
    if transfers::offer(cx.db, renter, id, to, identity.token(), cx.now)? {
        return Ok(());
    }
    own_rental(cx, id)?;
    Err(Problem::plain(Kind::RentalEnded))
}

pub(crate) fn cancel_transfer(cx: &Context<'_>) -> Result<Response, Problem> {
    withdraw(cx)?;
    Ok(respond::no_content())
}

/// Takes an offer back, or declines it.
pub(crate) fn withdraw(cx: &Context<'_>) -> Result<(), Problem> {
    let id = rental_id(cx.param("rental"))?;
    if transfers::withdraw(cx.db, cx.account()?.account, id)? {
        Ok(())
    } else {
        Err(Problem::not_found())
    }
}

pub(crate) fn list_transfers(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = transfers::to_account(cx.db, cx.account()?.account, cx.now)?;
    let view = |transfer: &Transfer| {
        let exchange = Exchange::of_rental(cx, transfer.rental.life.id)?;
        Ok(TransferView::new(transfer, exchange, cx.now))
    };
    let views: Vec<TransferView> = found.iter().map(view).collect::<Result<_, Problem>>()?;
    respond::json(StatusCode::OK, &views)
}

pub(crate) fn accept_transfer(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: AcceptBody = web::json::optional_body(cx.request)?;
    let id = rental_id(cx.param("rental"))?;
    if body.dry_run {
        let offered = transfers::to_account(cx.db, cx.account()?.account, cx.now)?;
        let is_offered = offered.iter().any(|transfer| transfer.rental.life.id == id);
        return if is_offered { plan_nothing(cx) } else { Err(Problem::not_found()) };
    }
    accept(cx, id, body.rebuild)?;
    respond::json(StatusCode::OK, &RentalView::new(&own_rental(cx, id)?, cx.now))
}

/// Takes a rental over, with its machines. `may_rebuild` says whether these may be rebuilt, where
/// their keys can't be changed.
pub(crate) fn accept(cx: &Context<'_>, id: RentalId, may_rebuild: bool) -> Result<(), Problem> {
    let (account, slices_max) = (cx.account()?.account, cx.config.account_slices_max);
    let offered = transfers::to_account(cx.db, account, cx.now)?;
    if !offered.iter().any(|transfer| transfer.rental.life.id == id) {
        return Err(Problem::not_found());
    }
    if Exchange::of_rental(cx, id)? == Exchange::Rebuild && !may_rebuild {
        return Err(Problem::new(Kind::RebuildRequired, Exchange::Rebuild.words()));
    }
    let new = machines::handover(cx, id)?;
    let handover = Handover { keys: &new.keys, actions: &new.actions(cx) };
    Ok(transfers::accept(cx.db, account, id, slices_max, &handover, cx.now)?)
}
