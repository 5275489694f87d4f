//! Renting, for the API and for the page alike.

use domain::id::RentalId;
use domain::rental::{IdempotencyKey, RentRequest};
use edge::Context;
use sha2::{Digest, Sha256};
use store::rentals::{self, Order, Rental};
use web::{Problem, ambient};

/// Rents a slice to whoever is signed in.
pub(crate) fn rent(
    cx: &Context<'_>,
    request: &RentRequest,
    key: &IdempotencyKey,
) -> Result<Rental, Problem> {
    let identity = cx.account()?;
    let order = Order {
        request,
        renter: identity.account,
        token: identity.token(),
        key,
        request_hash: hash(request),
        platform_fee: cx.config.platform_fee,
    };
    let id = RentalId::from_random(cx.now, ambient::random_id());
    Ok(rentals::rent(cx.db, &order, id, cx.now)?)
}

/// What tells a retry from another request: what was asked for, however it was written.
fn hash(request: &RentRequest) -> [u8; 32] {
    let RentRequest { node, slice, term, offer_version } = request;
    let months = term.months();
    Sha256::digest(format!("{node} {slice:?} {months} {offer_version:?}")).into()
}
