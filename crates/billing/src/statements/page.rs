//! The books: statements by month and receipts, below `/dashboard/wallet`. Both are to be printed.

use std::borrow::Cow;

use askama::Template;
use domain::id::SliceId;
use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;
use store::Db;
use store::chain::hex;
use store::receipts::{self, Booked, Rented};
use store::statements::{self, AccountKind, Line, Sum};
use ui::moment;
use ui::money::{description, kind_in_words, receipt_link, receipt_number, signed};
use ui::visit::Visit;
use ui::wording::place;
use web::Problem;
use web::csv::{Field, Table};
use web::page::{Fact, Frame, Link, Moment, Section};
use web::text::{counted, grouped};

use crate::statements::json::MonthStatements;

/// What `statements.html` shows: the months that have a statement.
#[derive(Clone, Debug, Template)]
#[template(path = "statements/statements.html")]
pub(crate) struct Statements {
    /// What surrounds the page.
    pub frame: Frame,
    /// The months, latest first.
    pub months: Vec<MonthRow>,
    /// Says where the statements of archived years are, if any is archived.
    pub archived: Option<String>,
}

/// A month that has a statement.
#[derive(Clone, Debug)]
pub(crate) struct MonthRow {
    /// The statement, such as `November 2026`.
    pub statement: Link,
    /// Its table for spreadsheets.
    pub csv_url: String,
    /// Whether the month goes on.
    pub is_open: bool,
}

/// What every printed sheet says: who gives it to whom, and when.
#[derive(Clone, Debug)]
pub(crate) struct Sheet {
    /// Where the marketplace is, such as `https://mycelium.example`.
    pub site: String,
    /// The account's email address.
    pub email: String,
    /// When it was made.
    pub created_at: Moment,
}

/// What `statement.html` shows: a month of a wallet and, for who has earned, of earnings.
#[derive(Clone, Debug, Template)]
#[template(path = "statements/statement.html")]
pub(crate) struct Statement {
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
    pub statements: Vec<StatementPart>,
    /// The table for spreadsheets.
    pub csv_url: String,
}

/// A month of a wallet or of earnings.
#[derive(Clone, Debug)]
pub(crate) struct StatementPart {
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
pub(crate) struct SumRow {
    /// Such as `Rentals`.
    pub description: String,
    /// Such as `3 entries`.
    pub count: String,
    /// Signed, such as `−$71.25`.
    pub amount: String,
}

/// An entry of a statement.
#[derive(Clone, Debug)]
pub(crate) struct StatementRow {
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1`.
    pub description: String,
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
#[template(path = "statements/receipt.html")]
pub(crate) struct Receipt {
    /// What surrounds the page.
    pub frame: Frame,
    /// What every sheet says.
    pub sheet: Sheet,
    /// Such as `R-00001234`.
    pub number: String,
    /// When it was booked.
    pub at: Moment,
    /// Such as `Rental of node32_slice_1`.
    pub description: String,
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
pub(crate) struct BookedRow {
    /// Where, such as `Your wallet`.
    pub account: String,
    /// Signed, such as `−$71.25`.
    pub amount: String,
}

/// Where an entry was booked.
fn account_in_words(entry: &Booked) -> String {
    let words = match (entry.account.as_str(), entry.is_own) {
        ("wallet", true) => "Your wallet",
        ("wallet", false) => "Another wallet",
        ("earnings", true) => "Your earnings",
        ("earnings", false) => "The farmer's earnings",
        ("escrow", _) => "Rental escrow",
        ("platform", _) => "Marketplace fee",
        ("funding", _) => "External funding",
        // An account of a newer version, which this one has no words for.
        (other, _) => return kind_in_words(other),
    };
    words.to_owned()
}

fn statement_path(month: Month) -> String {
    format!("/dashboard/wallet/statements/{month}")
}

impl Sheet {
    pub(crate) fn new(visit: &Visit<'_>) -> Sheet {
        let email = visit.viewer.map(|viewer| viewer.identity.email.clone());
        Sheet {
            site: visit.base_url.clone(),
            email: email.unwrap_or_default(),
            created_at: moment::to_the_minute(visit.now),
        }
    }
}

impl Statements {
    /// The months that have a statement; those before `first` are archived.
    pub(crate) fn new(visit: &Visit<'_>, months: &[Month], first: Option<Month>) -> Statements {
        let row = |month: &Month| MonthRow {
            statement: Link::new(statement_path(*month), month.for_people()),
            csv_url: format!("{}/csv", statement_path(*month)),
            is_open: visit.now <= month.last_second(),
        };
        Statements {
            frame: visit.frame("Statements", Section::Wallet),
            months: months.iter().map(row).collect(),
            archived: first.map(|first| {
                format!(
                    "Statements from before {} are archived. Ask the operator for copies.",
                    first.year()
                )
            }),
        }
    }
}

impl Statement {
    /// What a wallet and earnings did in a month.
    pub(crate) fn new(visit: &Visit<'_>, statements: &MonthStatements) -> Statement {
        let name = statements.month.for_people();
        let last_day = statements.month.last_second().day_for_people();
        let wallet = Some(StatementPart::new(AccountKind::Wallet, &statements.wallet));
        let earnings =
            statements.earnings.as_ref().map(|it| StatementPart::new(AccountKind::Earnings, it));
        Statement {
            frame: visit.frame(format!("Statement {}", statements.month), Section::Wallet),
            sheet: Sheet::new(visit),
            period: format!("1 to {last_day}, UTC"),
            month: name,
            is_open: statements.is_open(),
            statements: [wallet, earnings].into_iter().flatten().collect(),
            csv_url: format!("{}/csv", statement_path(statements.month)),
        }
    }
}

impl StatementPart {
    pub(crate) fn new(book: AccountKind, statement: &statements::Statement) -> StatementPart {
        StatementPart {
            id: book.into_str().to_owned(),
            title: title(book).to_owned(),
            opening: statement.opening.for_people(),
            closing: statement.closing.for_people(),
            sums: statement.sums.iter().map(SumRow::new).collect(),
            entries: statement.entries.iter().map(|line| StatementRow::new(book, line)).collect(),
            note: more_entries(statement),
        }
    }
}

fn title(book: AccountKind) -> &'static str {
    match book {
        AccountKind::Wallet => "Wallet",
        AccountKind::Earnings => "Earnings",
    }
}

/// Says how many entries are not listed, if not all are.
fn more_entries(statement: &statements::Statement) -> Option<String> {
    let listed = statement.entries.len() as u64;
    let count = |number: u64| grouped(i64::try_from(number).unwrap_or(i64::MAX));
    (listed < statement.entry_count).then(|| {
        format!(
            "Showing the first {} of {} entries; totals and balances include all of them. The CSV \
             file has every entry.",
            count(listed),
            count(statement.entry_count),
        )
    })
}

impl SumRow {
    pub(crate) fn new(sum: &Sum) -> SumRow {
        SumRow {
            description: kind_in_words(&sum.kind),
            count: entries(sum.count),
            amount: signed(sum.amount),
        }
    }
}

/// `1 entry`, `1,200 entries`.
fn entries(count: u64) -> String {
    match count {
        1 => "1 entry".to_owned(),
        _ => format!("{} entries", grouped(i64::try_from(count).unwrap_or(i64::MAX))),
    }
}

impl StatementRow {
    pub(crate) fn new(book: AccountKind, line: &Line) -> StatementRow {
        StatementRow {
            at: moment::to_the_minute(line.created_at),
            description: description(&line.kind, &line.reason),
            receipt: match book {
                AccountKind::Wallet => Some(receipt_link(line.transaction)),
                AccountKind::Earnings => None,
            },
            amount: signed(line.amount),
            is_credit: line.amount > Usd::ZERO,
            balance_after: line.balance_after.for_people(),
        }
    }
}

impl Receipt {
    /// One transaction, as the account whose wallet it moved sees it.
    pub(crate) fn new(
        visit: &Visit<'_>,
        receipt: &receipts::Receipt,
        rented: Option<&Rented>,
    ) -> Receipt {
        let number = receipt_number(receipt.transaction);
        let rental = |id| Link::new(format!("/dashboard/slices/{id}"), format!("{id}"));
        let row = |entry: &Booked| BookedRow {
            account: account_in_words(entry),
            amount: signed(entry.amount),
        };
        Receipt {
            frame: visit.frame(format!("Receipt {number}"), Section::Wallet),
            sheet: Sheet::new(visit),
            number,
            at: moment::to_the_minute(receipt.created_at),
            description: description(&receipt.kind, &receipt.reason),
            amount: signed(receipt.amount),
            facts: rented.map(|rented| facts(&receipt.kind, rented)).unwrap_or_default(),
            entries: receipt.entries.iter().map(row).collect(),
            balance_after: receipt.balance_after.for_people(),
            seal: receipt.seal.map(|seal| hex(&seal)),
            rental: receipt.rental.map(rental),
        }
    }
}

/// What was rented, where, and for how long.
fn facts(kind: &str, rented: &Rented) -> Vec<Fact> {
    let period = |from: Timestamp, to: Timestamp| {
        let (from, to) = (moment::to_the_minute(from), moment::to_the_minute(to));
        format!("{} to {}", from.text, to.text)
    };
    let description = match rented.slice {
        Some(number) => Fact::new("Slice", SliceId { node: rented.node, number }.to_string()),
        None => Fact::new("Whole node", counted(rented.slices, "slice")),
    };
    let label = match kind {
        "rental" | "extension" => "Period",
        _ => "Rental",
    };
    vec![
        description,
        Fact::new("Slice size", "1 vCPU, 4 GB memory, 200 GB SSD"),
        Fact::new("Node", format!("{} ({})", rented.node_name, rented.node)),
        Fact::new("Location", place(&rented.city, &rented.country)),
        Fact::new(label, period(rented.starts_at, rented.ends_at)),
    ]
}

/// The columns of a statement's table.
const COLUMNS: [&str; 9] = [
    "account",
    "entry",
    "time",
    "kind",
    "description",
    "rental",
    "amount_usd",
    "balance_usd",
    "receipt",
];

/// The most entries of a book that a table has: each is some 150 bytes.
const TABLE_ENTRIES_MAX: u64 = 200_000;

/// A month's statements as a table for spreadsheets, with every entry. Each book begins with a line
/// of its opening balance and ends with one of its closing balance.
pub(crate) fn statement_table(
    db: &dyn Db,
    statements: &MonthStatements,
) -> Result<Vec<u8>, Problem> {
    let mut table = Table::new(&COLUMNS)?;
    let parts = [
        (AccountKind::Wallet, Some(&statements.wallet)),
        (AccountKind::Earnings, statements.earnings.as_ref()),
    ];
    for (book, statement) in parts {
        let Some(statement) = statement else { continue };
        let (month, created_at) = (statements.month, statements.created_at);
        let end = month.last_second().min(created_at);
        balance_line(&mut table, book, "opening", month.first_second(), statement.opening)?;
        add_entries(&mut table, db, book, statement)?;
        balance_line(&mut table, book, "closing", end, statement.closing)?;
    }
    table.finish()
}

/// Adds the entries of a book, part by part.
fn add_entries(
    table: &mut Table,
    db: &dyn Db,
    book: AccountKind,
    statement: &statements::Statement,
) -> Result<(), Problem> {
    let mut added = 0;
    let mut part = Cow::Borrowed(statement.entries.as_slice());
    while let Some(last) = part.last() {
        if added >= TABLE_ENTRIES_MAX {
            let note = "More entries than a table has; the API lists all.";
            let fields = [book.into_str(), "", "", "note", note, "", "", "", ""];
            return table.line(&fields.map(Field::Text));
        }
        for line in part.iter() {
            table.line(&entry_fields(book, line))?;
        }
        added += part.len() as u64;
        part = Cow::Owned(statements::more(db, statement, last.transaction)?);
    }
    Ok(())
}

/// The line of an opening or closing balance.
fn balance_line(
    table: &mut Table,
    book: AccountKind,
    kind: &str,
    at: Timestamp,
    balance: Usd,
) -> Result<(), Problem> {
    let nothing = || Field::Text("");
    table.line(&[
        Field::Text(book.into_str()),
        nothing(),
        Field::Plain(at.to_string()),
        Field::Text(kind),
        nothing(),
        nothing(),
        nothing(),
        Field::Plain(balance.to_string()),
        nothing(),
    ])
}

fn entry_fields(book: AccountKind, line: &Line) -> [Field<'_>; 9] {
    let receipt = match book {
        AccountKind::Wallet => receipt_number(line.transaction),
        AccountKind::Earnings => String::new(),
    };
    [
        Field::Text(book.into_str()),
        Field::Plain(line.transaction.to_string()),
        Field::Plain(line.created_at.to_string()),
        Field::Text(&line.kind),
        Field::Text(&line.reason),
        Field::Text(line.rental.as_deref().unwrap_or_default()),
        Field::Plain(line.amount.to_string()),
        Field::Plain(line.balance_after.to_string()),
        Field::Plain(receipt),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words() {
        for (kind, expected) in [
            ("credit", "Credit"),
            ("rental", "Rental"),
            ("sla-credit", "SLA credit"),
            ("pay-out", "Pay out"),
        ] {
            assert_eq!(kind_in_words(kind), expected);
        }
        assert_eq!(description("credit", "bank transfer"), "Credit: bank transfer");
        assert_eq!(description("refund", "Refund of node32_slice_1"), "Refund of node32_slice_1");
    }

    #[test]
    fn every_account_has_words() {
        let words = |account: &str, is_own| {
            account_in_words(&Booked { account: account.to_owned(), is_own, amount: Usd::ZERO })
        };
        assert_eq!(words("wallet", true), "Your wallet");
        assert_eq!(words("wallet", false), "Another wallet");
        assert_eq!(words("earnings", false), "The farmer's earnings");
        assert_eq!(words("escrow", false), "Rental escrow");
        assert_eq!(words("tax", false), "Tax");
    }
}
