//! Top-ups by card: for the API and for the page alike. Off until the operator sets the secrets of
//! Stripe.

pub(crate) mod json;

use domain::id::TopUpId;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use domain::top_up::{PAYABLE_SECONDS, TopUpState};
use http::StatusCode;
use payments::{Checkout, StripeConfig};
use store::top_ups::{self, Begun, NewTopUp, TopUp};
use ui::done::Done;
use web::api::{self, PageOf};
use web::env::Message;
use web::form::{Form, belongs_to_form, idempotency_key};
use web::{Context, Env, Kind, Problem, Response, respond};

use crate::pages;
use crate::top_ups::json::{
    RefusedPaymentView, RefusedPaymentsView, TopUpBody, TopUpView, top_up_id,
};
use crate::wallet::page::read_top_up;

/// Where who pays comes back to.
const WALLET: &str = "/dashboard/wallet";
/// How many refused payments are shown.
const REFUSED_SHOWN: u32 = 100;

/// What the operator has set; `None` where payments are off.
pub(crate) fn stripe(env: &Env<'_>) -> Result<Option<StripeConfig>, Problem> {
    StripeConfig::read(|name| env.variable(name)).map_err(Problem::internal)
}

/// The same, where nothing works without.
pub(crate) fn required_stripe(env: &Env<'_>) -> Result<StripeConfig, Problem> {
    stripe(env)?.ok_or_else(|| Problem::plain(Kind::PaymentsOff))
}

pub(crate) fn create_top_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: TopUpBody = web::json::body(cx.request)?;
    let amount = body.read()?;
    let key = match idempotency_key(cx)? {
        Some(key) => key,
        None => IdempotencyKey::parse(&cx.request_id)?,
    };
    let top_up = begin(cx, &required_stripe(cx)?, amount, &key)?;
    respond::json(StatusCode::CREATED, &TopUpView::new(&top_up))
}

pub(crate) fn list_top_ups(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, TopUpId::parse)?;
    let found = top_ups::of_account(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |top_up: &TopUp| top_up.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(found, limit, place, TopUpView::new))
}

pub(crate) fn show_top_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = top_ups::find(cx.db, cx.account()?.account, top_up_id(cx.param("top_up"))?)?;
    respond::json(StatusCode::OK, &TopUpView::new(&found.ok_or_else(Problem::not_found)?))
}

pub(crate) fn list_refused(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = top_ups::refused(cx.db, REFUSED_SHOWN)?;
    let items = found.iter().map(RefusedPaymentView::new).collect();
    respond::json(StatusCode::OK, &RefusedPaymentsView { items })
}

/// The form on the page of the wallet: leads on to where the top-up is paid.
pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let stripe = required_stripe(cx)?;
    let form = Form::read(cx.request);
    let read = read_top_up(&form).map_err(Problem::fields);
    match read.and_then(|(amount, key)| begin(cx, &stripe, amount, &key)) {
        Ok(top_up) => {
            let page = top_up.url.filter(|_| top_up.state == TopUpState::Pending);
            Ok(respond::see_other(page.as_deref().unwrap_or(WALLET)))
        }
        Err(problem) if belongs_to_form(&problem) => {
            pages::wallet_with(cx, Some(&stripe), Some((&form, &problem)))
        }
        Err(problem) => Err(problem),
    }
}

/// Begins a top-up and asks Stripe for a page to pay on; once for each key, and again where the
/// first try got no answer.
fn begin(
    cx: &Context<'_>,
    stripe: &StripeConfig,
    amount: Usd,
    key: &IdempotencyKey,
) -> Result<TopUp, Problem> {
    let identity = cx.account()?;
    let id = TopUpId::from_random(cx.now, cx.random.id());
    let new = NewTopUp { id, account: identity.account, amount, key };
    let top_up = match top_ups::begin(cx.db, &new, cx.now)? {
        Begun::Ready(top_up) => top_up,
        Begun::TooMany => return Err(Problem::plain(Kind::TooManyTopUps)),
        Begun::KeyReused => return Err(Problem::plain(Kind::KeyReused)),
    };
    if top_up.url.is_some() || top_up.state != TopUpState::Pending {
        return Ok(top_up);
    }
    let base = cx.base_url();
    let checkout = Checkout {
        top_up: top_up.id,
        amount: top_up.amount,
        email: &identity.email,
        success_url: &format!("{base}{}", Done::ToppedUp.at(WALLET)),
        cancel_url: &format!("{base}{}", Done::TopUpCanceled.at(WALLET)),
        // By the row, so that a retry asks for just the same.
        expires_at: top_up.created_at.plus_seconds(PAYABLE_SECONDS),
    };
    let post = stripe.post(&checkout);
    let message = Message { url: &post.url, headers: post.headers, body: &post.body };
    let answer = cx.outbound.post(&message).map_err(no_answer)?;
    let session = stripe.session(answer.status, &answer.body).map_err(no_answer)?;
    let offered = top_ups::offer(cx.db, top_up.id, &session.id, &session.url)?;
    offered.ok_or_else(|| Problem::internal("a top-up is gone"))
}

/// The reason goes to the log; it holds no secret and nothing of what was sent.
fn no_answer(cause: impl ToString) -> Problem {
    Problem { cause: Some(cause.to_string()), ..Problem::plain(Kind::PaymentProvider) }
}
