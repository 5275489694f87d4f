//! Asks once more before an extension is charged.

use askama::Template;
use domain::money::Usd;
use store::rentals::Rental as Held;
use ui::visit::Visit;
use ui::wording::term;
use web::page::{Frame, Section};
use web::{Context, Problem};

use crate::renting::{self, Extend};

/// What `confirm_extension.html` shows. Posts what it was asked for, once more.
#[derive(Clone, Debug, Template)]
#[template(path = "rentals/confirm_extension.html")]
pub(crate) struct ConfirmExtension {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub rental_url: String,
    /// What the renter calls it, or its place.
    pub name: String,
    /// Such as `3 months`.
    pub term: String,
    /// Such as `until 29 January 2027`.
    pub until: String,
    /// What is charged, such as `$71.25`.
    pub amount: String,
    /// Hidden field `duration_months`.
    pub months: u32,
    /// Hidden field `max_price`: the price that was agreed to; empty for the rental's own.
    pub max_price: String,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
}

impl ConfirmExtension {
    /// The page for what was asked for; why it can't be done, if so.
    pub(crate) fn new(
        cx: &Context<'_>,
        rental: &Held,
        extend: &Extend,
    ) -> Result<ConfirmExtension, Problem> {
        let (until, amount) = renting::price_of_extension(cx, extend)?;
        let life = &rental.life;
        let name = if rental.name.is_empty() { life.place() } else { rental.name.clone() };
        Ok(ConfirmExtension {
            frame: Visit::of(cx)?.frame("Extend rental", Section::Slices),
            rental_url: format!("/dashboard/slices/{}", life.id),
            name,
            term: term(extend.term),
            until,
            amount: amount.unwrap_or(Usd::ZERO).for_people(),
            months: extend.term.months(),
            max_price: extend.max_price.map(|price| price.to_string()).unwrap_or_default(),
            idempotency_key: extend
                .key
                .as_ref()
                .map(|key| key.as_str().to_owned())
                .unwrap_or_default(),
        })
    }
}
