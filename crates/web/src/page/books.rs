//! The books: statements by month and receipts, below `/dashboard/wallet`. Both are to be printed.

use super::{Fact, Frame, Link, Moment};
use askama::Template;

/// What `statements.html` shows: the months that have a statement.
#[derive(Clone, Debug, Template)]
#[template(path = "statements.html")]
pub struct Statements {
    /// What surrounds the page.
    pub frame: Frame,
    /// The months, latest first.
    pub months: Vec<MonthRow>,
}

/// A month that has a statement.
#[derive(Clone, Debug)]
pub struct MonthRow {
    /// The statement, such as `November 2026`.
    pub statement: Link,
    /// Its table for spreadsheets.
    pub csv_url: String,
    /// Whether the month goes on.
    pub is_open: bool,
}

/// What every printed sheet says: who gives it to whom, and when.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Where the marketplace is, such as `https://mycelium.example`.
    pub site: String,
    /// The account's email address.
    pub email: String,
    /// When it was made.
    pub made_at: Moment,
}

/// What `statement.html` shows: a month of a wallet and, for who has earned, of earnings.
#[derive(Clone, Debug, Template)]
#[template(path = "statement.html")]
pub struct Statement {
    /// What surrounds the page.
    pub frame: Frame,
    /// What every sheet says.
    pub sheet: Sheet,
    /// Such as `November 2026`.
    pub month: String,
    /// Such as `1 to 30 November 2026, UTC`.
    pub period: String,
    /// Whether the month goes on.
    pub is_open: bool,
    /// The wallet, and the earnings.
    pub books: Vec<BookPart>,
    /// The table for spreadsheets.
    pub csv_url: String,
}

/// A month of a wallet or of earnings.
#[derive(Clone, Debug)]
pub struct BookPart {
    /// A word for links within the page: `wallet` or `earnings`.
    pub id: String,
    /// Such as `Wallet`.
    pub title: String,
    /// The balance at the start.
    pub opening: String,
    /// The balance at the end.
    pub closing: String,
    /// What the entries of each kind come to.
    pub sums: Vec<SumRow>,
    /// The entries in order.
    pub entries: Vec<StatementRow>,
    /// Says so if there are more entries than are listed.
    pub note: Option<String>,
}

/// What the entries of one kind come to.
#[derive(Clone, Debug)]
pub struct SumRow {
    /// Such as `Rentals`.
    pub what: String,
    /// Such as `3 entries`.
    pub count: String,
    /// Signed, such as `−$71.25`.
    pub amount: String,
}

/// An entry of a statement.
#[derive(Clone, Debug)]
pub struct StatementRow {
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1`.
    pub what: String,
    /// Its receipt, if it has one.
    pub receipt: Option<Link>,
    /// Signed, such as `+$100.00` or `−$71.25`.
    pub amount: String,
    /// Whether money came in.
    pub is_credit: bool,
    /// The balance after it.
    pub balance_after: String,
}

/// What `receipt.html` shows: one transaction, as the account whose wallet it moved sees it.
#[derive(Clone, Debug, Template)]
#[template(path = "receipt.html")]
pub struct Receipt {
    /// What surrounds the page.
    pub frame: Frame,
    /// What every sheet says.
    pub sheet: Sheet,
    /// Such as `R-00001234`.
    pub number: String,
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1`.
    pub what: String,
    /// Signed, such as `−$71.25`.
    pub amount: String,
    /// Further facts: the kind, the slice, the place, the period.
    pub facts: Vec<Fact>,
    /// How it was booked, entry by entry.
    pub entries: Vec<BookedRow>,
    /// What the wallet held then.
    pub balance_after: String,
    /// Its seal in hexadecimal; `None` until it has one.
    pub seal: Option<String>,
    /// The page of the rental that it is about.
    pub rental: Option<Link>,
}

/// An entry of a transaction.
#[derive(Clone, Debug)]
pub struct BookedRow {
    /// Where, such as `Your wallet`.
    pub account: String,
    /// Signed, such as `−$71.25`.
    pub amount: String,
}
