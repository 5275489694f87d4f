//! Top-ups by card: for the API and for the page alike. Off until the operator sets the secrets of
//! Stripe.

pub(crate) mod json;

use domain::id::TopUpId;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use domain::top_up::{PAYABLE_SECONDS, TopUpState};
use http::StatusCode;
use payments::{Checkout, Session, StripeConfig};
use serde_json::{Value, json};
use store::responses::StoredResponse;
use store::top_ups::{self, NewTopUp, PaymentPage, TopUp};
use web::api::{self, PageOf};
use web::env::Message;
use web::form::{Form, belongs_to_form, idempotency_key};
use web::{Context, Env, Kind, Problem, Response, respond, stored};

use crate::pages;
use crate::top_ups::json::{
    RefusedPaymentView, RefusedPaymentsView, ReversedPaymentView, ReversedPaymentsView, TopUpBody,
    TopUpView, top_up_id,
};

/// Where who pays comes back to.
pub(crate) const WALLET: &str = "/dashboard/wallet";
/// The field of its query that names the top-up that was paid.
pub(crate) const PAID: &str = "paid";
/// The same where somebody turned back.
pub(crate) const CANCELED: &str = "canceled";
/// How many refused payments, or payments that were taken back, are shown.
const REFUSED_SHOWN: u32 = 100;

/// What the operator has set; `None` where payments are off.
pub(crate) fn stripe(env: &Env<'_>) -> Result<Option<StripeConfig>, Problem> {
    StripeConfig::read(|name| env.variable(name)).map_err(Problem::internal)
}

/// The same, where nothing works without.
pub(crate) fn required_stripe(env: &Env<'_>) -> Result<StripeConfig, Problem> {
    stripe(env)?.ok_or_else(|| Problem::plain(Kind::PaymentsUnavailable))
}

pub(crate) fn create_top_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: TopUpBody = web::json::body(cx.request)?;
    let amount = body.read()?;
    let wanted = Wanted::credit(cx, amount);
    begin(cx, &required_stripe(cx)?, &wanted, idempotency_key(cx)?, &|top_up| {
        let location = format!("/api/wallet/top-ups/{}", top_up.id);
        stored::json(StatusCode::CREATED, &TopUpView::new(top_up), location)
    })
}

pub(crate) fn list_top_ups(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, TopUpId::parse)?;
    let found = top_ups::of_account(cx.db, cx.account()?.account, before, limit + 1)?;
    let place = |top_up: &TopUp| top_up.id.to_string();
    respond::json(StatusCode::OK, &PageOf::new(cx.search(), found, limit, place, TopUpView::new))
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

pub(crate) fn list_reversed(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = top_ups::reversed(cx.db, REFUSED_SHOWN)?;
    let items = found.iter().map(ReversedPaymentView::new).collect();
    respond::json(StatusCode::OK, &ReversedPaymentsView { items })
}

/// The form on the page of the wallet: leads on to where the top-up is paid.
pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let stripe = required_stripe(cx)?;
    let form = Form::read(cx.request);
    let try_begin = |body: TopUpBody| {
        let respond = |top_up: &TopUp| stored::see_other(top_up.url.as_deref().unwrap_or(WALLET));
        let wanted = Wanted::credit(cx, body.read()?);
        begin(cx, &stripe, &wanted, Some(form.idempotency_key()?), &respond)
    };
    match form.body().and_then(try_begin) {
        Ok(response) => Ok(response),
        Err(problem) if belongs_to_form(&problem) => {
            pages::wallet_with(cx, Some(&stripe), Some((&form, &problem)))
        }
        Err(problem) => Err(problem),
    }
}

/// What is to be paid by card, and where whoever pays comes back to.
pub(crate) struct Wanted {
    /// How much.
    pub amount: Usd,
    /// What is asked for, however it was written.
    pub asked: Value,
    /// Where somebody comes back to who has paid, around the id of the top-up.
    pub success: [String; 2],
    /// The same of somebody who turned back.
    pub canceled: [String; 2],
}

impl Wanted {
    /// Credit for the wallet, which is where it leads back to.
    fn credit(cx: &Context<'_>, amount: Usd) -> Wanted {
        let back = |field| [format!("{}{WALLET}?{field}=", cx.base_url()), String::new()];
        let asked = json!({ "amount": amount.micros() });
        Wanted { amount, asked, success: back(PAID), canceled: back(CANCELED) }
    }
}

/// Begins a top-up, asks Stripe for a page to pay on, and sends what `respond` makes of it; once
/// for each key, and again where the first try got no answer.
pub(crate) fn begin(
    cx: &Context<'_>,
    stripe: &StripeConfig,
    wanted: &Wanted,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&TopUp) -> StoredResponse,
) -> Result<Response, Problem> {
    let account = cx.account()?.account;
    let amount = wanted.amount;
    stored::once(cx, key, &wanted.asked, |intention| {
        let id = TopUpId::from_random(cx.now, cx.random.id());
        let top_up = top_ups::begin(cx.db, &NewTopUp { id, account, amount, intention }, cx.now)?;
        let session = match top_up.state {
            TopUpState::Pending => Some(open_checkout(cx, stripe, wanted, &top_up)?),
            TopUpState::Paid | TopUpState::Expired | TopUpState::Refused => None,
        };
        let page =
            session.as_ref().map(|Session { id: session, url }| PaymentPage { session, url });
        Ok(top_ups::offer(cx.db, &top_up, page, intention, respond, cx.now)?)
    })
}

/// Asks Stripe for a page to pay on.
fn open_checkout(
    cx: &Context<'_>,
    stripe: &StripeConfig,
    wanted: &Wanted,
    top_up: &TopUp,
) -> Result<Session, Problem> {
    let around = |[before, after]: &[String; 2]| format!("{before}{}{after}", top_up.id);
    let checkout = Checkout {
        top_up: top_up.id,
        amount: top_up.amount,
        email: &cx.account()?.email,
        success_url: &around(&wanted.success),
        cancel_url: &around(&wanted.canceled),
        // By the row, so that a retry asks for just the same, unless that would be too late.
        expires_at: if cx.now < top_up.created_at.plus_seconds(PAYABLE_SECONDS - 3_600) {
            top_up.created_at.plus_seconds(PAYABLE_SECONDS)
        } else {
            cx.now.plus_seconds(PAYABLE_SECONDS)
        },
    };
    let post = stripe.post(&checkout);
    let message = Message { url: &post.url, headers: post.headers, body: &post.body };
    let answer = cx.outbound.post(&message).map_err(no_answer)?;
    stripe.session(answer.status, &answer.body).map_err(no_answer)
}

/// The reason goes to the log; it holds no secret and nothing of what was sent.
fn no_answer(cause: impl ToString) -> Problem {
    Problem { cause: Some(cause.to_string()), ..Problem::plain(Kind::PaymentProvider) }
}
