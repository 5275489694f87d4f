//! The wallet, `/dashboard/wallet`.

use super::{Badge, Field, Frame, Link, Moment};
use askama::Template;

/// What `wallet.html` shows: the balance, and every entry that led to it.
#[derive(Clone, Debug, Template)]
#[template(path = "wallet.html")]
pub struct Wallet {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `$28.75`.
    pub balance: String,
    /// One page of entries, latest first.
    pub entries: Vec<MoneyEntry>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// How to pay money in; `None` where the operator adds it.
    pub paying: Option<Paying>,
}

/// The form that begins a top-up, and those that are not credited yet.
#[derive(Clone, Debug)]
pub struct Paying {
    /// Hidden field `idempotency_key`, so that sending twice begins one.
    pub idempotency_key: String,
    /// How many dollars; with what is wrong where none was begun.
    pub amount: Field,
    /// The latest top-ups that no entry shows, latest first.
    pub open: Vec<OpenTopUp>,
}

/// A top-up that the wallet was not credited for.
#[derive(Clone, Debug)]
pub struct OpenTopUp {
    /// When it was begun.
    pub at: Moment,
    /// Such as `$25.00`.
    pub amount: String,
    /// Such as `waits for its payment`.
    pub state: Badge,
    /// The page on which it is paid, while it can be.
    pub url: Option<String>,
}

/// One entry of a ledger, seen from one wallet.
#[derive(Clone, Debug)]
pub struct MoneyEntry {
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1 for 3 months`.
    pub what: String,
    /// Signed, such as `+$100.00` or `−$71.25`.
    pub amount: String,
    /// Whether money came in.
    pub is_credit: bool,
    /// The balance after it, such as `$28.75`.
    pub balance_after: String,
    /// The page of what it is about, if there is one.
    pub url: Option<String>,
    /// Its receipt, if it has one.
    pub receipt: Option<Link>,
}
