//! Renting, extending and ending, for the API and for the pages alike.

pub(crate) mod input;
pub(crate) mod json;
pub(crate) mod order;
pub(crate) mod paid;
pub(crate) mod view;

use domain::id::{OrderId, QuoteId, RentalId};
use domain::money::Usd;
use domain::order::{
    Filter, IdempotencyKey, Item, RentError, RentRequest, SLICES_PER_ORDER_MAX, Wanted,
};
use domain::provisioning::FREE_SETUPS;
use domain::rental::Ending;
use domain::term::Term;
use domain::uptime::{Bandwidth, Uptime};
use http::StatusCode;
use serde_json::{Value, json};
use store::quotes::{self, Quote};
use store::rentals::{self, Extension, Rental};
use store::renting::{self, Order, Ordered, RentFailure};
use store::responses::{Intention, StoredResponse};
use store::{ledger, offers};
use web::{Context, Problem, Response, respond, stored};

use crate::rentals::json::compensated;
use crate::renting::input::{Basis, Start};
use crate::renting::view::{AlternativeView, DryRunView, QuoteView};
use crate::{provision, quoting};

/// How many alternatives to something that is sold out are listed.
pub(crate) const ALTERNATIVES_MAX: u32 = 5;

/// Rents for whoever is signed in, once for each key, and sends what `respond` makes of it.
pub(crate) fn rent(
    cx: &Context<'_>,
    basis: &Basis,
    start: &Start,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&Ordered) -> StoredResponse,
) -> Result<Response, Problem> {
    stored::once(cx, key, &asked(basis, start), |intention| {
        let quote = quote_of(cx, basis)?;
        let rented = with_order(cx, (basis, start), quote.as_ref(), intention, |order| {
            renting::rent(cx.db, order, respond, cx.now)
        })?;
        rented.map_err(|failure| explained(cx, basis, failure))
    })
}

/// Tells what an order would book, and changes nothing.
pub(crate) fn plan(
    cx: &Context<'_>,
    basis: &Basis,
    start: &Start,
    key: Option<IdempotencyKey>,
) -> Result<Response, Problem> {
    // An order that was made: trying it again would book nothing.
    let items = if stored::earlier(cx, key, &asked(basis, start))?.is_some() {
        Vec::new()
    } else {
        let quote = quote_of(cx, basis)?;
        let plan = with_order(cx, (basis, start), quote.as_ref(), None, |order| {
            renting::plan(cx.db, order, cx.now)
        })?;
        plan.map_err(|failure| explained(cx, basis, failure))?
    };
    let renter = cx.account()?.account;
    let bookings: Vec<_> = items.iter().filter_map(|item| item.booking(renter)).collect();
    let balance = ledger::balance(cx.db, renter)? - domain::order::total(&items);
    let view = DryRunView::new(&description(&items), &items, &bookings, balance);
    respond::json(StatusCode::OK, &view)
}

fn description(items: &[Item]) -> String {
    let total = domain::order::total(items).for_people();
    match items.len() {
        0 => "Nothing would be rented, because this idempotency key was already used.".to_owned(),
        1 => format!("1 rental would be created for {total}. Nothing has changed."),
        count => format!("{count} rentals would be created for {total}. Nothing has changed."),
    }
}

/// The quote that is to be used, if one is; whatever is not as it was signed is refused.
fn quote_of(cx: &Context<'_>, basis: &Basis) -> Result<Option<Quote>, Problem> {
    match basis {
        Basis::Request(_) => Ok(None),
        Basis::Quote(id) => {
            let quote = quotes::find(cx.db, cx.account()?.account, *id)?;
            let quote = quote.ok_or_else(Problem::not_found)?;
            quoting::verify(cx, &quote)?;
            Ok(Some(quote))
        }
    }
}

fn with_order<T>(
    cx: &Context<'_>,
    (basis, start): (&Basis, &Start),
    quote: Option<&Quote>,
    intention: Option<&Intention>,
    work: impl FnOnce(&Order<'_>) -> T,
) -> Result<T, Problem> {
    let identity = cx.account()?;
    let new_id = |_| RentalId::from_random(cx.now, cx.random.id());
    let mut rentals: Vec<RentalId> = (0..SLICES_PER_ORDER_MAX).map(new_id).collect();
    // They are listed by their ids: the first one wanted is the first one listed.
    rentals.sort_unstable();
    let setup = provision::setup(cx, start, &rentals)?;
    let order = Order {
        id: OrderId::from_random(cx.now, cx.random.id()),
        rentals: &rentals,
        basis: match (basis, quote) {
            (_, Some(quote)) => renting::Basis::Quote(quote),
            (Basis::Request(request), None) => renting::Basis::Request(request),
            (Basis::Quote(_), None) => return Err(Problem::not_found()),
        },
        renter: identity.account,
        token: identity.token(),
        intention,
        platform_fee: cx.config.platform_fee,
        slices_max: cx.config.account_slices_max,
        setup: &setup,
    };
    Ok(work(&order))
}

/// What is asked for, however it was written.
fn asked(basis: &Basis, start: &Start) -> Value {
    let description = match basis {
        Basis::Quote(quote) => json!({ "quote": quote.to_string() }),
        Basis::Request(RentRequest { wanted, term, offer_version, max_price }) => json!({
            "wanted": wanted_json(wanted),
            "months": term.months(),
            "offer_version": offer_version,
            "max_price": max_price.map(Usd::micros),
        }),
    };
    let Start { ssh_key, template, user_data, ports } = start;
    let mut asked = json!({
        "what": description,
        "ssh_key": ssh_key.map(|key| key.to_string()),
        "template": template.map(|template| (template.name, template.version)),
        "user_data": user_data,
    });
    // Requests without ports keep their hash, so that earlier retries still match.
    if !ports.is_empty() {
        asked["ports"] = ports.iter().map(ToString::to_string).collect();
    }
    asked
}

fn wanted_json(wanted: &Wanted) -> Value {
    match wanted {
        Wanted::Slice(slice) => json!({ "slice": slice.to_string() }),
        Wanted::OfNode(node, count) => json!({ "node": node.0, "count": count }),
        Wanted::WholeNode(node) => json!({ "whole_node": node.0 }),
        Wanted::OnMarket { filter, count, spread } => {
            let Filter { country, max_price, min_uptime, min_bandwidth, .. } = filter;
            let mut asked = json!({
                "country": country,
                "max_price": max_price.map(Usd::micros),
                "min_uptime": min_uptime.map(Uptime::hundredths),
                "min_bandwidth": min_bandwidth.map(Bandwidth::mbps),
                "certified_only": filter.certified_only,
                "count": count,
                "spread": spread.into_str(),
            });
            // As with ports.
            if filter.automatic_setup {
                asked["automatic_setup"] = true.into();
            }
            if filter.verified_farm {
                asked["verified_farm"] = true.into();
            }
            asked
        }
    }
}

/// A refusal with what helps: a new quote where the price has changed, and other nodes where there
/// is nothing to be had.
fn explained(cx: &Context<'_>, basis: &Basis, failure: RentFailure) -> Problem {
    let RentFailure::Rule(error) = &failure else { return failure.into() };
    let error = *error;
    let problem = Problem::from(failure);
    let helped = match error {
        RentError::OfferChanged => with_new_quote(cx, basis, problem.clone()),
        RentError::SoldOut { .. } | RentError::SliceTaken | RentError::NodeDown => {
            with_alternatives(cx, basis, error, problem.clone())
        }
        RentError::NoSuchNode
        | RentError::NoSuchSlice
        | RentError::NotOffered
        | RentError::AboveMaxPrice { .. }
        | RentError::TermNotOffered(_)
        | RentError::OwnSlice
        | RentError::InsufficientFunds { .. }
        | RentError::OverSpendingLimit { .. }
        | RentError::TooManyHolds(_)
        | RentError::HeldTooOften(_)
        | RentError::OverLimit { .. } => return problem,
    };
    // What helps is not worth failing for.
    helped.unwrap_or(problem)
}

fn with_new_quote(cx: &Context<'_>, basis: &Basis, problem: Problem) -> Option<Problem> {
    let request = match basis {
        Basis::Request(request) => RentRequest { offer_version: None, ..request.clone() },
        Basis::Quote(id) => quoting::request_again(cx, *id)?,
    };
    let quote = quoting::make(cx, &request, false).ok()?;
    let view = serde_json::to_value(QuoteView::new(&quote, cx.now)).ok()?;
    Some(problem.with("quote", view))
}

fn with_alternatives(
    cx: &Context<'_>,
    basis: &Basis,
    error: RentError,
    problem: Problem,
) -> Option<Problem> {
    let node = match basis {
        Basis::Request(request) => request.wanted.node(),
        Basis::Quote(_) => None,
    };
    let count = match error {
        RentError::SoldOut { wanted, .. } => wanted,
        _ => 1,
    };
    let found = offers::nearest(cx.db, node, count, ALTERNATIVES_MAX).ok()?;
    let views: Vec<_> = found.iter().map(AlternativeView::new).collect();
    Some(problem.with("alternatives", serde_json::to_value(views).ok()?))
}

/// A request to extend a rental, by whoever is signed in.
pub(crate) struct Extend {
    pub(crate) rental: RentalId,
    pub(crate) term: Term,
    pub(crate) max_price: Option<Usd>,
    pub(crate) key: Option<IdempotencyKey>,
}

impl Extend {
    fn with<T>(
        &self,
        cx: &Context<'_>,
        intention: Option<&Intention>,
        work: impl FnOnce(&Extension<'_>) -> T,
    ) -> Result<T, Problem> {
        let identity = cx.account()?;
        Ok(work(&Extension {
            renter: identity.account,
            rental: self.rental,
            term: self.term,
            max_price: self.max_price,
            platform_fee: cx.config.platform_fee,
            order: OrderId::from_random(cx.now, cx.random.id()),
            token: identity.token(),
            intention,
        }))
    }

    /// What is asked for, however it was written.
    fn asked(&self) -> Value {
        json!({ "months": self.term.months(), "max_price": self.max_price.map(Usd::micros) })
    }
}

/// Extends a rental, once for each key, and sends what `respond` makes of it.
pub(crate) fn extend(
    cx: &Context<'_>,
    extend: &Extend,
    respond: &dyn Fn(&Rental) -> StoredResponse,
) -> Result<Response, Problem> {
    stored::once(cx, extend.key.clone(), &extend.asked(), |intention| {
        let extended = extend
            .with(cx, intention, |extension| rentals::extend(cx.db, extension, respond, cx.now));
        Ok(extended??)
    })
}

/// Tells what an extension would book, and changes nothing.
pub(crate) fn plan_extension(cx: &Context<'_>, extend: &Extend) -> Result<Response, Problem> {
    let balance = ledger::balance(cx.db, cx.account()?.account)?;
    if stored::earlier(cx, extend.key.clone(), &extend.asked())?.is_some() {
        let message = "Nothing would be charged, because this idempotency key was already used.";
        return respond::json(StatusCode::OK, &DryRunView::new(message, &[], &[], balance));
    }
    let plan = extend.with(cx, None, |it| rentals::plan_extension(cx.db, it, cx.now))?;
    let (rental, change) = plan?;
    let paid = change.after.periods.last().map_or(Usd::ZERO, |period| period.total);
    let message = format!(
        "{} would be extended until {} for {}. Nothing has changed.",
        rental.life.place(),
        change.after.ends_at.date(),
        paid.for_people()
    );
    let view = DryRunView::new(&message, &[], &change.bookings, balance - paid);
    respond::json(StatusCode::OK, &view)
}

/// Until when an extension leads, and what it costs.
pub(crate) fn price_of_extension(
    cx: &Context<'_>,
    extend: &Extend,
) -> Result<(String, Option<Usd>), Problem> {
    let (_, change) = extend.with(cx, None, |it| rentals::plan_extension(cx.db, it, cx.now))??;
    let paid = change.after.periods.last().map(|period| period.total);
    Ok((format!("until {}", change.after.ends_at.day_for_people()), paid))
}

/// Tells what ending a rental would book, and changes nothing.
pub(crate) fn plan_end(cx: &Context<'_>, rental: RentalId) -> Result<Response, Problem> {
    let (rental, Ending { change, refund, compensation, is_setup_charged, .. }) =
        rentals::plan_end(cx.db, cx.account()?.account, rental, cx.now)?;
    let why = if is_setup_charged {
        format!(
            " You ended {FREE_SETUPS} rentals during setup within 24 hours; further ones are \
             charged for the time since you rented them."
        )
    } else {
        String::new()
    };
    let message = format!(
        "{} would end now, and {} would be refunded to your wallet.{why}{} Nothing has changed.",
        rental.life.place(),
        refund.for_people(),
        compensated(compensation, "would pay")
    );
    let balance = ledger::balance(cx.db, cx.account()?.account)? + refund;
    respond::json(StatusCode::OK, &DryRunView::new(&message, &[], &change.bookings, balance))
}

/// Tells that nothing would be booked, and changes nothing.
pub(crate) fn plan_nothing(cx: &Context<'_>) -> Result<Response, Problem> {
    let balance = ledger::balance(cx.db, cx.account()?.account)?;
    let message = "Nothing would be charged. Nothing has changed.";
    respond::json(StatusCode::OK, &DryRunView::new(message, &[], &[], balance))
}

/// The quote of an id in a path.
pub(crate) fn own_quote(cx: &Context<'_>, id: QuoteId) -> Result<Quote, Problem> {
    quotes::find(cx.db, cx.account()?.account, id)?.ok_or_else(Problem::not_found)
}

/// A rental of whoever is signed in.
pub(crate) fn own_rental(cx: &Context<'_>, id: RentalId) -> Result<Rental, Problem> {
    rentals::find(cx.db, cx.account()?.account, id)?.ok_or_else(Problem::not_found)
}
