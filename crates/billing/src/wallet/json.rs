//! A renter's wallet.

use domain::account::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use store::ledger::WalletEntry;
use ui::groups;
use web::api::{CURRENCY, PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};

/// `GET /api/wallet`
pub(crate) const SHOW_WALLET: Operation = Operation {
    id: "showWallet",
    group: groups::RENTALS,
    path: "/api/wallet",
    summary: "Returns your wallet balance.",
    access: Access::Account(Scope::Read),
    about_answer: "The balance.",
    answer: Some(schema_of::<WalletView>),
    ..Operation::READ
};

/// `GET /api/wallet/entries`
pub(crate) const LIST_WALLET_ENTRIES: Operation = Operation {
    id: "listWalletEntries",
    group: groups::RENTALS,
    path: "/api/wallet/entries",
    summary: "Lists your wallet transactions, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of entries.",
    answer: Some(schema_of::<PageOf<EntryView>>),
    ..Operation::READ
};

/// A wallet.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WalletView {
    /// What it holds, as decimal text.
    pub balance: String,
    /// Of every amount here.
    pub currency: &'static str,
}

/// An entry of a wallet.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EntryView {
    /// Its number.
    pub id: i64,
    /// Such as `credit`, `rental`, `extension` or `refund`.
    pub kind: String,
    /// Why money moved, in words.
    pub reason: String,
    /// How much, as decimal text; negative where money left the wallet.
    pub amount: String,
    /// What the wallet held then, as decimal text.
    pub balance_after: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// The rental that it was for; null for a credit.
    pub rental_id: Option<String>,
    /// When (RFC 3339).
    pub created_at: String,
    /// The path of its receipt.
    pub receipt: String,
}

impl EntryView {
    /// Shows an entry.
    pub(crate) fn new(entry: &WalletEntry) -> EntryView {
        EntryView {
            id: entry.id,
            kind: entry.kind.clone(),
            reason: entry.reason.clone(),
            amount: entry.amount.to_string(),
            balance_after: entry.balance_after.to_string(),
            currency: CURRENCY,
            rental_id: entry.rental.map(|rental| rental.to_string()),
            created_at: entry.created_at.to_string(),
            receipt: format!("/api/wallet/receipts/{}", entry.id),
        }
    }
}
