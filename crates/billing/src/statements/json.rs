//! The books of an account: statements by month, and receipts.

use domain::account::Scope;
use domain::id::SliceId;
use domain::month::Month;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use store::chain::hex;
use store::receipts::{Booked, Receipt, Rented};
use store::statements::{Line, Statement, Sum};
use ui::groups;
use ui::money::receipt_number;
use web::api::{CURRENCY, PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

/// `GET /api/wallet/statements`
pub(crate) const LIST_STATEMENTS: Operation = Operation {
    id: "listStatements",
    group: groups::RENTALS,
    path: "/api/wallet/statements",
    summary: "Lists months with wallet or earnings transactions, newest first.",
    access: Access::Account(Scope::Read),
    about_answer: "The months, up to 240.",
    answer: Some(schema_of::<MonthsView>),
    ..Operation::READ
};

/// `GET /api/wallet/statements/{month}`
pub(crate) const SHOW_STATEMENT: Operation = Operation {
    id: "showStatement",
    group: groups::RENTALS,
    path: "/api/wallet/statements/{month}",
    summary: "Returns the statement of a month, such as `2026-11`.",
    access: Access::Account(Scope::Read),
    about_answer: "The statement. For the current month, it is as of now.",
    answer: Some(schema_of::<StatementView>),
    problems: &[Kind::Archived],
    ..Operation::READ
};

/// `GET /api/wallet/earnings/entries`
pub(crate) const LIST_EARNINGS_ENTRIES: Operation = Operation {
    id: "listEarningsEntries",
    group: groups::RENTALS,
    path: "/api/wallet/earnings/entries",
    summary: "Lists your earnings transactions, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of entries.",
    answer: Some(schema_of::<PageOf<LineView>>),
    ..Operation::READ
};

/// `GET /api/wallet/receipts/{transaction}`
pub(crate) const SHOW_RECEIPT: Operation = Operation {
    id: "showReceipt",
    group: groups::RENTALS,
    path: "/api/wallet/receipts/{transaction}",
    summary: "Returns the receipt of a wallet entry, by its number.",
    access: Access::Account(Scope::Read),
    about_answer: "The receipt.",
    answer: Some(schema_of::<ReceiptView>),
    problems: &[Kind::Archived],
    ..Operation::READ
};

/// The months that have statements.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StatementMonthsView")]
pub(crate) struct MonthsView {
    /// The months, the newest first.
    pub items: Vec<MonthView>,
}

impl MonthsView {
    /// Lists months.
    pub(crate) fn new(months: &[Month]) -> MonthsView {
        let show = |month: &Month| MonthView {
            month: month.to_string(),
            statement: format!("/api/wallet/statements/{month}"),
        };
        MonthsView { items: months.iter().map(show).collect() }
    }
}

/// A month that has a statement.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StatementMonthView")]
pub(crate) struct MonthView {
    /// Such as `2026-11`, in UTC.
    pub month: String,
    /// The path of its statement.
    pub statement: String,
}

/// What a wallet and earnings did in a month.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StatementView {
    /// Such as `2026-11`.
    pub month: String,
    /// The month's first second (RFC 3339, UTC).
    pub from: String,
    /// The month's last second (RFC 3339, UTC).
    pub to: String,
    /// When this statement was made (RFC 3339); before `to` it is not the last word.
    pub created_at: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// What the wallet did.
    pub wallet: AccountStatementView,
    /// What the earnings did; null for an account that never earned.
    pub earnings: Option<AccountStatementView>,
}

impl StatementView {
    /// Shows the statements of a month.
    pub(crate) fn new(statements: &MonthStatements) -> StatementView {
        StatementView {
            month: statements.month.to_string(),
            from: statements.month.first_second().to_string(),
            to: statements.month.last_second().to_string(),
            created_at: statements.created_at.to_string(),
            currency: CURRENCY,
            wallet: AccountStatementView::new(&statements.wallet),
            earnings: statements.earnings.as_ref().map(AccountStatementView::new),
        }
    }
}

/// What one of them did.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccountStatementView {
    /// The balance before the first entry, as decimal text.
    pub opening_balance: String,
    /// The balance after the last entry, as decimal text.
    pub closing_balance: String,
    /// What the entries of each kind come to.
    pub sums: Vec<SumView>,
    /// How many entries there are.
    pub entry_count: u64,
    /// The first 5,000 entries in order. `listWalletEntries` and `listEarningsEntries` list all.
    pub entries: Vec<LineView>,
}

impl AccountStatementView {
    pub(crate) fn new(statement: &Statement) -> AccountStatementView {
        AccountStatementView {
            opening_balance: statement.opening.to_string(),
            closing_balance: statement.closing.to_string(),
            sums: statement.sums.iter().map(SumView::new).collect(),
            entry_count: statement.entry_count,
            entries: statement.entries.iter().map(LineView::new).collect(),
        }
    }
}

/// What the entries of a kind come to.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SumView {
    /// Such as `credit` or `rental`.
    pub kind: String,
    /// How many they are.
    pub count: u64,
    /// What they come to, as decimal text.
    pub amount: String,
}

impl SumView {
    pub(crate) fn new(sum: &Sum) -> SumView {
        SumView { kind: sum.kind.clone(), count: sum.count, amount: sum.amount.to_string() }
    }
}

/// An entry of a statement.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LineView {
    /// Its number.
    pub id: i64,
    /// Such as `credit` or `rental`.
    pub kind: String,
    /// Why money moved, in words.
    pub reason: String,
    /// The rental that it paid or was refunded for; null for others.
    pub rental_id: Option<String>,
    /// How much, as decimal text; negative where money went out.
    pub amount: String,
    /// The balance after it, as decimal text.
    pub balance_after: String,
    /// When (RFC 3339).
    pub created_at: String,
}

impl LineView {
    pub(crate) fn new(line: &Line) -> LineView {
        LineView {
            id: line.transaction,
            kind: line.kind.clone(),
            reason: line.reason.clone(),
            rental_id: line.rental.clone(),
            amount: line.amount.to_string(),
            balance_after: line.balance_after.to_string(),
            created_at: line.created_at.to_string(),
        }
    }
}

/// The statements of one month.
pub(crate) struct MonthStatements {
    /// The month.
    pub month: Month,
    /// When they were made.
    pub created_at: Timestamp,
    /// The wallet's.
    pub wallet: Statement,
    /// The earnings', of an account that has earned.
    pub earnings: Option<Statement>,
}

impl MonthStatements {
    /// Whether the month goes on.
    pub(crate) fn is_open(&self) -> bool {
        self.created_at <= self.month.last_second()
    }
}

/// A receipt.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReceiptView {
    /// The transaction's number.
    pub id: i64,
    /// The receipt's number, such as `R-00001234`.
    pub number: String,
    /// Such as `credit` or `rental`.
    pub kind: String,
    /// Why money moved, in words.
    pub reason: String,
    /// When (RFC 3339).
    pub created_at: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// What it did to your wallet, as decimal text; negative where money went out.
    pub amount: String,
    /// What the wallet held then, as decimal text.
    pub balance_after: String,
    /// How it was booked: the amounts sum to zero. Your wallet comes first.
    pub entries: Vec<BookedView>,
    /// What was rented; null where it is not about a rental.
    pub rental: Option<RentedView>,
    /// SHA-256 over this transaction and all before it, in hexadecimal; null for some seconds.
    pub seal: Option<String>,
}

impl ReceiptView {
    /// Shows a receipt.
    pub(crate) fn new(receipt: &Receipt, rented: Option<&Rented>) -> ReceiptView {
        ReceiptView {
            id: receipt.transaction,
            number: receipt_number(receipt.transaction),
            kind: receipt.kind.clone(),
            reason: receipt.reason.clone(),
            created_at: receipt.created_at.to_string(),
            currency: CURRENCY,
            amount: receipt.amount.to_string(),
            balance_after: receipt.balance_after.to_string(),
            entries: receipt.entries.iter().map(BookedView::new).collect(),
            rental: receipt.rental.zip(rented).map(|(id, of)| RentedView::new(id.to_string(), of)),
            seal: receipt.seal.map(|seal| hex(&seal)),
        }
    }
}

/// An entry of a transaction.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BookedView {
    /// `wallet`, `escrow`, `earnings`, `platform` or `funding`.
    pub account: String,
    /// Whether it is yours.
    pub is_own: bool,
    /// How much, as decimal text; negative where money left it.
    pub amount: String,
}

impl BookedView {
    pub(crate) fn new(entry: &Booked) -> BookedView {
        BookedView {
            account: entry.account.clone(),
            is_own: entry.is_own,
            amount: entry.amount.to_string(),
        }
    }
}

/// What was rented.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RentedView {
    /// The rental.
    pub id: String,
    /// The slice; null for the whole node.
    pub slice_id: Option<String>,
    /// How many slices it is.
    pub slices: u32,
    /// The node that it is on.
    pub node_id: String,
    /// The farmer's name for the node.
    pub node_name: String,
    /// The node's country.
    pub country: String,
    /// The node's city.
    pub city: String,
    /// The start of the term that was paid; else of the rental (RFC 3339).
    pub starts_at: String,
    /// The end of the same (RFC 3339).
    pub ends_at: String,
}

impl RentedView {
    pub(crate) fn new(id: String, of: &Rented) -> RentedView {
        let slice = |number| SliceId { node: of.node, number }.to_string();
        RentedView {
            id,
            slice_id: of.slice.map(slice),
            slices: of.slices,
            node_id: of.node.to_string(),
            node_name: of.node_name.clone(),
            country: of.country.clone(),
            city: of.city.clone(),
            starts_at: of.starts_at.to_string(),
            ends_at: of.ends_at.to_string(),
        }
    }
}

/// The month in a path; what is not one, and what has not begun, does not exist.
pub(crate) fn month_in_path(text: &str, now: Timestamp) -> Result<Month, Problem> {
    Month::parse(text).filter(|month| month.first_second() <= now).ok_or_else(Problem::not_found)
}

/// A transaction's number in a path; what is not one does not exist.
pub(crate) fn transaction_in_path(text: &str) -> Result<i64, Problem> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_month_or_number_does_not_exist() {
        let now = Timestamp::from_seconds(1_795_368_000);
        for text in ["2026-12", "2026-13", "2026", "", "2026-11-01", "2026-1", "'"] {
            assert!(month_in_path(text, now).is_err(), "{text}");
        }
        assert!(month_in_path("2026-11", now).is_ok() && month_in_path("1970-01", now).is_ok());
        for text in ["", "0", "01", "+1", "-1", "1.0", "a", "99999999999999999999", "R-00000001"] {
            assert!(transaction_in_path(text).is_err(), "{text}");
        }
        assert_eq!(transaction_in_path("1234").map(receipt_number).unwrap(), "R-00001234");
    }
}
