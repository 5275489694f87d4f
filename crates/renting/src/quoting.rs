//! Quotes: made, signed, shown and given back.

use domain::id::QuoteId;
use domain::order::{Item, RentRequest, Wanted};
use http::StatusCode;
use seal::Keys;
use store::quotes::{self, NewQuote, Quote};
use web::env::NoKeys;
use web::{Context, Env, Problem, Response, json, respond};

use crate::renting::input::quote_id;
use crate::renting::json::QuoteBody;
use crate::renting::own_quote;
use crate::renting::view::QuoteView;

/// What signatures of quotes are for.
const PURPOSE: &str = "quote";

pub(crate) fn make_quote(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: QuoteBody = json::body(cx.request)?;
    let request = body.read().map_err(Problem::fields)?;
    let quote = make(cx, &request, body.hold)?;
    respond::json(StatusCode::CREATED, &QuoteView::new(&quote, cx.now))
}

/// Makes a quote for whoever is signed in.
pub(crate) fn make(
    cx: &Context<'_>,
    request: &RentRequest,
    is_held: bool,
) -> Result<Quote, Problem> {
    let keys = keys(cx)?;
    let sign = |document: &str| signed(keys.as_ref(), document);
    let identity = cx.account()?;
    let new = NewQuote {
        id: QuoteId::from_random(cx.now, cx.random.id()),
        request,
        account: identity.account,
        token: identity.token(),
        slices_max: cx.config.account_slices_max,
        platform_fee: cx.config.platform_fee,
        is_held,
        sign: &sign,
    };
    Ok(quotes::make(cx.db, &new, cx.now)?)
}

/// The signature of a quote's document; `None` without keys.
pub(crate) fn signed(keys: Option<&Keys>, document: &str) -> Option<String> {
    Some(keys?.sign(PURPOSE, document.as_bytes()))
}

/// The operator's keys; `None` where none are set.
pub(crate) fn keys(env: &Env<'_>) -> Result<Option<Keys>, Problem> {
    match env.keys() {
        Err(NoKeys::Unset) => Ok(None),
        keys => Ok(Some(keys?)),
    }
}

/// Refuses a quote that is not as it was signed. One that was made without a key has no signature.
pub(crate) fn verify(env: &Env<'_>, quote: &Quote) -> Result<(), Problem> {
    let (Some(signature), Some(keys)) = (&quote.signature, keys(env)?) else { return Ok(()) };
    if keys.verify(PURPOSE, quote.document.as_bytes(), signature) {
        Ok(())
    } else {
        Err(Problem::internal(format!("the quote {} is not as it was signed", quote.id)))
    }
}

/// What a quote was asked for, as far as it names one node: to ask for it again.
pub(crate) fn request_again(cx: &Context<'_>, id: QuoteId) -> Option<RentRequest> {
    let quote = own_quote(cx, id).ok()?;
    let first: &Item = quote.items.first()?;
    let is_one_node = quote.items.iter().all(|item| item.node == first.node);
    let count = u32::try_from(quote.items.len()).ok()?;
    let wanted = match first.whole {
        Some(_) => Wanted::WholeNode(first.node),
        None if is_one_node => Wanted::OfNode(first.node, count),
        None => return None,
    };
    Some(RentRequest { wanted, term: first.term, offer_version: None, max_price: None })
}

pub(crate) fn show_quote(cx: &Context<'_>) -> Result<Response, Problem> {
    let quote = own_quote(cx, quote_id(cx.param("quote"))?)?;
    respond::json(StatusCode::OK, &QuoteView::new(&quote, cx.now))
}

pub(crate) fn release_quote(cx: &Context<'_>) -> Result<Response, Problem> {
    let quote = own_quote(cx, quote_id(cx.param("quote"))?)?;
    quotes::release(cx.db, quote.account, quote.id, cx.now)?;
    Ok(respond::no_content())
}
