//! Pays what a wallet lacks for an order, by card, and goes back to the order.

use askama::Template;
use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use domain::top_up::TopUpState;
use http::StatusCode;
use http::header::REFRESH;
use serde_json::json;
use store::ledger;
use store::top_ups::{self, TopUp};
use ui::order_form;
use ui::visit::Visit;
use web::form::Form;
use web::page::{Frame, Section};
use web::{Context, Problem, Response, respond, stored};

use crate::top_ups::json::top_up_id;
use crate::top_ups::{Wanted, begin, required_stripe};

/// Where an order is paid.
const ORDERS: &str = "/dashboard/wallet/orders";
/// The least that is paid by card: what `domain::top_up` takes.
const AMOUNT_MIN: Usd = Usd::whole(5);
/// The longest query that an order makes, in bytes: Stripe takes addresses of 5,000.
const QUERY_BYTES_MAX: usize = 4_000;

/// What `order.html` shows for the moment until the browser is where the card is charged.
#[derive(Clone, Debug, Template)]
#[template(path = "orders/order.html")]
struct PayOrder {
    frame: Frame,
    /// Such as `$21.25`.
    amount: String,
    /// Where it is paid; `None` where it cannot be any more.
    url: Option<String>,
}

/// Begins a top-up of what is missing for the order of a form, once for each order. Whoever has
/// paid comes back to an order that is filled in; so does whoever turned back.
pub(crate) fn pay(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let node = NodeId::parse(form.text("node_id")).ok_or_else(Problem::not_found)?;
    let total = Usd::parse("total", form.text("total"))?;
    let order = order_form::query(&form);
    if order.len() > QUERY_BYTES_MAX {
        let rule = "a shorter key; add this one in the settings first";
        return Err(FieldError::new("public_key", rule).into());
    }
    let choices = order_form::choices(&form);
    let node_page = format!("/marketplace/compute/{node}");
    // The order has a key of its own, which is used once it is paid.
    let key = IdempotencyKey::parse(&format!("card-{}", form.idempotency_key()?.as_str()))?;
    let asked = json!({ "order": order });
    let missing = total - ledger::balance(cx.db, cx.account()?.account)?;
    let is_new = stored::earlier(cx, Some(key.clone()), &asked)?.is_none();
    if is_new && missing <= Usd::ZERO {
        return Ok(respond::see_other(&format!("{node_page}?{choices}#rent")));
    }
    let base = cx.base_url();
    let wanted = Wanted {
        amount: missing.max(AMOUNT_MIN),
        asked,
        success: [format!("{base}/dashboard/slices/"), format!("/paid?{order}")],
        canceled: [format!("{base}{node_page}?{choices}&canceled="), "#rent".to_owned()],
    };
    begin(cx, &required_stripe(cx)?, &wanted, Some(key), &|top_up| {
        stored::see_other(format!("{ORDERS}/{}", top_up.id))
    })
}

/// Leads on to where a card is charged: a page, since a form may lead to no other site.
pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = top_ups::find(cx.db, cx.account()?.account, top_up_id(cx.param("top_up"))?)?;
    let TopUp { amount, state, url, .. } = found.ok_or_else(Problem::not_found)?;
    let url = url.filter(|_| state == TopUpState::Pending);
    let frame = Visit::of(cx)?.frame("Continue to payment", Section::Wallet);
    let page = PayOrder { frame, amount: amount.for_people(), url };
    let response = respond::page(StatusCode::OK, &page)?;
    Ok(match &page.url {
        Some(url) => respond::with_header(response, REFRESH, &format!("0; url={url}")),
        None => response,
    })
}

#[cfg(test)]
mod tests {
    use domain::top_up::parse_amount;

    use super::*;

    #[test]
    fn the_least_is_what_a_top_up_can_be() {
        let is_taken = |usd: Usd| parse_amount("amount", &usd.to_string()).is_ok();
        assert!(is_taken(AMOUNT_MIN) && !is_taken(AMOUNT_MIN - Usd::from_micros(10_000)));
    }
}
