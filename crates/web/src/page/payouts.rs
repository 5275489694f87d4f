//! Payouts, `/dashboard/farm/payouts`, and the operator's page of them, `/operator/payouts`.

use super::{Badge, Fact, Field, Frame, Moment};
use askama::Template;

/// What `payouts.html` shows: what can be paid, the form that asks for it, and what was asked for.
#[derive(Clone, Debug, Template)]
#[template(path = "payouts.html")]
pub struct Payouts {
    /// What surrounds the page.
    pub frame: Frame,
    /// What can be paid out now, such as `$45.00`.
    pub balance: String,
    /// What is held back of the earnings, because promises were not compared yet or are disputed,
    /// such as `$6.00`; `None` for nothing.
    pub withheld: Option<String>,
    /// Where it is paid to; `None` where nobody has said so.
    pub address: Option<String>,
    /// Whether a second factor has to be shown first.
    pub is_locked: bool,
    /// Why nothing can be asked for now, as a sentence; `None` where it can.
    pub obstacle: Option<String>,
    /// `amount_usd`
    pub amount: Field,
    /// The least, as a sentence.
    pub hint: String,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
    /// Why nothing was requested, when it is not about the amount.
    pub error: Option<String>,
    /// One page of payouts, the newest first.
    pub payouts: Vec<PayoutRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A payout, as its farmer sees it.
#[derive(Clone, Debug)]
pub struct PayoutRow {
    /// When it was requested.
    pub at: Moment,
    /// Such as `$25.00`.
    pub amount: String,
    /// Such as `requested` or `failed`.
    pub state: Badge,
    /// Where it is paid to.
    pub address: String,
    /// What else is known, such as the reference of the transfer.
    pub notes: Vec<String>,
    /// Where the button posts that takes the request back.
    pub withdraw_url: Option<String>,
}

/// What `operator_payouts.html` shows: the payouts in a state, with what can be done to them.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_payouts.html")]
pub struct OperatorPayouts {
    /// What surrounds the page.
    pub frame: Frame,
    /// Every state, with how many are in it.
    pub states: Vec<PayoutStateLink>,
    /// What the list is of, such as `requested`.
    pub state: &'static str,
    /// Whether the table to pay from is of what is shown.
    pub has_export: bool,
    /// Why a payout was left as it is.
    pub error: Option<String>,
    /// One page of payouts, those that wait longest first.
    pub payouts: Vec<OperatorPayoutRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A state of payouts, to look at.
#[derive(Clone, Debug)]
pub struct PayoutStateLink {
    /// Where it leads.
    pub url: String,
    /// Such as `Requested: 3, $75.00`.
    pub text: String,
    /// Whether it is the one that is shown.
    pub is_chosen: bool,
}

/// A payout, as the operator sees it.
#[derive(Clone, Debug)]
pub struct OperatorPayoutRow {
    /// Its id.
    pub id: String,
    /// Such as `$25.00`.
    pub amount: String,
    /// Whom it pays.
    pub email: String,
    /// Where it is paid to.
    pub address: String,
    /// What has become of it, such as when it was approved.
    pub facts: Vec<Fact>,
    /// What can be done to it.
    pub deeds: Vec<PayoutDeed>,
}

/// A form that does something to a payout.
#[derive(Clone, Debug)]
pub struct PayoutDeed {
    /// Where it posts.
    pub url: String,
    /// What its button says.
    pub text: &'static str,
    /// Its field, if it needs words: name, label and id.
    pub field: Option<DeedField>,
    /// Whether it undoes something.
    pub is_quiet: bool,
}

/// The field of a form that does something to a payout.
#[derive(Clone, Debug)]
pub struct DeedField {
    /// Its name.
    pub name: &'static str,
    /// What it asks for.
    pub label: &'static str,
    /// Its id on the page.
    pub id: String,
}
