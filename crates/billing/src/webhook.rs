//! What Stripe tells of payments. It has no session and no token: it signs what it says.

use http::StatusCode;
use payments::Event;
use store::top_ups;
use web::{Context, Kind, Problem, Response, respond};

use crate::top_ups::json::StripeEventView;
use crate::top_ups::required_stripe;

/// The header with the signature.
const SIGNATURE: &str = "stripe-signature";

/// Credits a payment, or takes it back, once however often Stripe reports it. Whatever is not
/// answered with success is sent again, for three days.
pub(crate) fn take_event(cx: &Context<'_>) -> Result<Response, Problem> {
    let stripe = required_stripe(cx)?;
    let signature = cx.header(SIGNATURE).unwrap_or_default();
    // Of the body as it came: what it says is not looked at before.
    stripe
        .verify(signature, cx.request.body(), cx.now)
        .map_err(|wrong| Problem::new(Kind::WrongSignature, wrong))?;
    let event = Event::parse(cx.request.body());
    let view = match event.map_err(|wrong| Problem::new(Kind::MalformedRequest, wrong))? {
        Event::Paid(payment) => {
            StripeEventView::of_payment(top_ups::settle(cx.db, &payment, cx.now)?)
        }
        Event::Reversed(reversal) => {
            StripeEventView::of_reversal(top_ups::take_back(cx.db, &reversal, cx.now)?)
        }
        Event::Expired(top_up) if top_ups::expire(cx.db, top_up)? => StripeEventView::EXPIRED,
        Event::Expired(_) | Event::Other => StripeEventView::IGNORED,
    };
    respond::json(StatusCode::OK, &view)
}
