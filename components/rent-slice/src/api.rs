//! The JSON API of rentals and the wallet.

use domain::id::RentalId;
use edge::Context;
use http::StatusCode;
use store::ledger::{self, WalletEntry};
use store::rentals::{self, Rental};
use web::api::rentals::{EntryView, RentAnswer, RentBody, RentalView, WalletView, rental_id};
use web::api::{self, CURRENCY, PageOf};
use web::form::idempotency_key;
use web::{Problem, Response, json, respond};

use crate::renting;

pub(crate) fn rent_slice(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: RentBody = json::body(cx.request)?;
    let request = body.read().map_err(Problem::fields)?;
    let rental = renting::rent(cx, &request, &idempotency_key(cx)?)?;
    respond::json(StatusCode::CREATED, &RentAnswer::new(&rental))
}

pub(crate) fn list_rentals(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, RentalId::parse)?;
    let found = rentals::of_renter(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |rental: &Rental| rental.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, RentalView::new))
}

pub(crate) fn show_rental(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = rentals::find(cx.db, cx.account()?.account, rental_id(cx.param("rental"))?)?;
    let rental = found.ok_or_else(Problem::not_found)?;
    respond::json(StatusCode::OK, &RentalView::new(&rental))
}

pub(crate) fn show_wallet(cx: &Context<'_>) -> Result<Response, Problem> {
    let balance = ledger::balance(cx.db, cx.account()?.account)?.to_string();
    respond::json(StatusCode::OK, &WalletView { balance, currency: CURRENCY })
}

pub(crate) fn list_wallet_entries(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = ledger::entries(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |entry: &WalletEntry| entry.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, EntryView::new))
}
