//! A booking, as the wallet and a rental show it.

use domain::money::Usd;
use store::ledger::WalletEntry;
use web::page::{Link, Moment};
use web::text::sentence;

use crate::moment;

/// One entry of a ledger, seen from one wallet.
#[derive(Clone, Debug)]
pub struct MoneyEntry {
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1 for 3 months`.
    pub description: String,
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

impl MoneyEntry {
    /// An entry, with a link to the rental that it is about.
    pub fn new(entry: &WalletEntry) -> MoneyEntry {
        let url = entry.rental.map(|rental| format!("/dashboard/slices/{rental}"));
        MoneyEntry {
            at: moment::to_the_minute(entry.created_at),
            description: description(&entry.kind, &entry.reason),
            amount: signed(entry.amount),
            is_credit: entry.amount > Usd::ZERO,
            balance_after: entry.balance_after.for_people(),
            url,
            receipt: Some(receipt_link(entry.id)),
        }
    }

    /// The same on the page of its rental, which it need not lead to.
    pub fn of_rental_page(entry: &WalletEntry) -> MoneyEntry {
        MoneyEntry { url: None, ..MoneyEntry::new(entry) }
    }
}

/// Why money moved, as an entry is called.
pub fn description(kind: &str, reason: &str) -> String {
    match kind {
        // What the operator wrote; all other reasons are sentences of our own.
        "credit" => format!("{}: {reason}", kind_in_words(kind)),
        _ => reason.to_owned(),
    }
}

/// An amount with its sign: `+$100.00` or `−$71.25`.
pub fn signed(amount: Usd) -> String {
    let sign = if amount > Usd::ZERO { "+" } else { "" };
    format!("{sign}{}", amount.for_people())
}

/// The receipt of a transaction that moved a wallet.
pub fn receipt_link(transaction: i64) -> Link {
    Link::new(receipt_path(transaction), receipt_number(transaction))
}

/// What a kind of transaction is called.
pub fn kind_in_words(kind: &str) -> String {
    let words = match kind {
        "credit" => "Credit",
        "rental" => "Rental",
        "extension" => "Extension",
        "earning" => "Earning",
        "refund" => "Refund",
        "outage-refund" => "Refund for an outage",
        "leaving-compensation" => "Compensation for leaving",
        "settlement" => "Settlement",
        "sla-credit" => "SLA credit",
        "sla-correction" => "Dispute adjustment",
        "payout-request" => "Payout requested",
        "payout-send" => "Payout sent",
        "payout-return" => "Payout returned",
        "card-reversal" => "Card reversal",
        // A kind of a newer version, which this one has no words for.
        other => return sentence(other.replace('-', " ")).trim_end_matches('.').to_owned(),
    };
    words.to_owned()
}

pub fn receipt_path(transaction: i64) -> String {
    format!("/dashboard/wallet/receipts/{transaction}")
}

/// The number of a transaction's receipt: `R-00001234`.
pub fn receipt_number(transaction: i64) -> String {
    format!("R-{transaction:08}")
}
