//! An order that was paid by card: its form is sent as soon as the payment is confirmed.

use askama::Template;
use domain::id::TopUpId;
use domain::money::Usd;
use domain::top_up::TopUpState;
use http::StatusCode;
use http::header::REFRESH;
use store::top_ups::{self, TopUp};
use ui::order_form::FIELDS;
use ui::visit::Visit;
use web::page::{Frame, Section};
use web::{Context, Problem, Response, respond};

/// How often the page asks whether the payment is confirmed, in seconds.
const ASK_SECONDS: &str = "3";
/// For how long it asks, in seconds from the beginning of the payment: an hour.
const ASKING_SECONDS: i64 = 3_600;
/// For how long after the payment the order is sent without another click, in seconds.
const SENDING_SECONDS: i64 = 600;

/// What `paid.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "renting/paid.html")]
struct PaidOrder {
    frame: Frame,
    /// What was paid by card, such as `$21.25`.
    amount: String,
    /// What the order costs, such as `$71.25`.
    total: String,
    state: OrderState,
    /// The hidden fields of the order.
    fields: Vec<(&'static str, String)>,
}

/// How far an order is that is paid by card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderState {
    /// The payment is confirmed, and the order is sent at once.
    Sending,
    /// The payment was confirmed a while ago: the order waits for a click.
    Paid,
    /// The payment is not confirmed yet.
    Waiting,
    /// It won't be credited.
    Failed,
}

/// Nobody else knows the id of a top-up, so nobody can send people a link that rents.
pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    let id = TopUpId::parse(cx.param("top_up")).ok_or_else(Problem::not_found)?;
    let found = top_ups::find(cx.db, cx.account()?.account, id)?;
    let top_up = found.ok_or_else(Problem::not_found)?;
    let visit = Visit::of(cx)?;
    let field = |name: &&'static str| (*name, visit.query(name));
    let fields = FIELDS.iter().map(field);
    let page = PaidOrder {
        frame: visit.frame("Your order", Section::Slices),
        amount: top_up.amount.for_people(),
        total: Usd::parse("total", &visit.query("total"))?.for_people(),
        state: state(cx, &top_up),
        fields: fields.filter(|(_, value)| !value.is_empty()).collect(),
    };
    let is_asking = page.state == OrderState::Waiting
        && cx.now.seconds_since(top_up.created_at) < ASKING_SECONDS;
    let response = respond::page(StatusCode::OK, &page)?;
    Ok(if is_asking { respond::with_header(response, REFRESH, ASK_SECONDS) } else { response })
}

fn state(cx: &Context<'_>, top_up: &TopUp) -> OrderState {
    let is_new = |at| cx.now.seconds_since(at) < SENDING_SECONDS;
    match top_up.state {
        TopUpState::Paid if top_up.paid_at.is_some_and(is_new) => OrderState::Sending,
        TopUpState::Paid => OrderState::Paid,
        TopUpState::Pending => OrderState::Waiting,
        TopUpState::Expired | TopUpState::Refused => OrderState::Failed,
    }
}
