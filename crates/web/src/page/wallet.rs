//! The wallet, `/dashboard/wallet`.

use super::{Frame, Moment};
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
}
