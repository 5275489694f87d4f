//! Statements: what an account's wallet or earnings did in a calendar month.
//!
//! A month's entries follow one another in the ledger, from the transaction that began the month
//! (`ledger_months`) to the one before the next month's first. So statements join: the closing
//! balance of a month is the opening one of the next. The ledger only grows, and a statement is of
//! the transactions up to one: its parts are of one moment, though it takes three queries.

use domain::id::AccountId;
use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;

use crate::db::{Db, Row, StoreError, Value, only};

/// The most entries that one statement lists.
pub const ENTRIES_MAX: u32 = 5_000;
/// The most months that are listed: twenty years.
pub const MONTHS_MAX: u32 = 240;

/// What a statement is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// What an account has, to rent with.
    Wallet,
    /// What an account has earned by renting out.
    Earnings,
}

impl Book {
    /// Every book.
    pub const ALL: [Book; 2] = [Book::Wallet, Book::Earnings];

    /// The kind of its ledger account, for SQL and for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Book::Wallet => "wallet",
            Book::Earnings => "earnings",
        }
    }
}

/// What a wallet or earnings did in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The balance before the month's first entry.
    pub opening: Usd,
    /// The balance after its last.
    pub closing: Usd,
    /// Its entries in order, the first 5,000.
    pub entries: Vec<Line>,
    /// How many entries it has in all.
    pub entry_count: u64,
    /// Its sums by kind, over all entries.
    pub sums: Vec<Sum>,
}

impl Statement {
    /// What a book did in which nothing was ever booked.
    pub const EMPTY: Statement = Statement {
        opening: Usd::ZERO,
        closing: Usd::ZERO,
        entries: Vec::new(),
        entry_count: 0,
        sums: Vec::new(),
    };
}

/// An entry of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The transaction's number.
    pub transaction: i64,
    /// Its kind, such as `credit` or `rental`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// The rental that it paid or was paid back for. Who farms is not told of their renters'.
    pub rental: Option<String>,
    /// How much; negative where money went out.
    pub amount: Usd,
    /// The balance after it.
    pub balance_after: Usd,
    /// When.
    pub created_at: Timestamp,
}

/// What the entries of one kind come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// The kind of their transactions.
    pub kind: String,
    /// How many they are.
    pub count: u64,
    /// What they come to.
    pub amount: Usd,
}

/// The months in which something moved an account's wallet or earnings, the newest first: `?1`
/// account, `?2` how many. Served by the primary key of `ledger_months`.
const MONTHS: &str = "
    SELECT DISTINCT m.month
      FROM ledger_accounts a
      JOIN ledger_months m ON m.ledger_account_id = a.id
     WHERE a.kind IN ('wallet', 'earnings') AND a.owner_id = ?1
     ORDER BY m.month DESC
     LIMIT ?2";

/// The months in which something moved an account's wallet or earnings, the newest first.
pub fn months(db: &dyn Db, account: AccountId) -> Result<Vec<Month>, StoreError> {
    let rows = db.run(MONTHS, &[Value::text(account), MONTHS_MAX.into()])?;
    rows.iter().map(|row| row.parsed(0, Month::parse)).collect()
}

/// Where the month `?3` of the account of kind `?1` and owner `?2` lies in the ledger: the ledger
/// account, the first transaction and the last, and the balances before and after. No row means
/// that there is no such account; the first is behind the last in a month without entries. Served
/// by the primary keys of `ledger_months` and `ledger_entries`.
const SPAN: &str = "
    WITH span (account_id, first_id, next_id) AS (
        SELECT a.id,
               coalesce((SELECT first_transaction_id FROM ledger_months
                          WHERE ledger_account_id = a.id AND month >= ?3
                          ORDER BY month LIMIT 1), 9223372036854775807),
               coalesce((SELECT first_transaction_id FROM ledger_months
                          WHERE ledger_account_id = a.id AND month > ?3
                          ORDER BY month LIMIT 1), 9223372036854775807)
          FROM ledger_accounts a
         WHERE a.kind = ?1 AND a.owner_id = ?2)
    SELECT account_id, first_id,
           coalesce((SELECT max(transaction_id) FROM ledger_entries
                      WHERE ledger_account_id = account_id AND transaction_id < next_id), 0),
           coalesce((SELECT balance_after_micros FROM ledger_entries
                      WHERE ledger_account_id = account_id AND transaction_id < first_id
                      ORDER BY transaction_id DESC LIMIT 1), 0),
           coalesce((SELECT balance_after_micros FROM ledger_entries
                      WHERE ledger_account_id = account_id AND transaction_id < next_id
                      ORDER BY transaction_id DESC LIMIT 1), 0)
      FROM span";

/// Up to `?4` entries of the ledger account `?1` from transaction `?2` to `?3`, in order. Served by
/// the primary key of `ledger_entries`.
const ENTRIES: &str = "
    SELECT t.id, t.kind, t.reason, CASE WHEN a.kind = 'wallet' THEN t.rental_id END,
           e.amount_micros, e.balance_after_micros, t.created_at
      FROM ledger_entries e
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.ledger_account_id = ?1 AND e.transaction_id BETWEEN ?2 AND ?3
     ORDER BY e.transaction_id
     LIMIT ?4";

/// The sums by kind of the entries of the ledger account `?1` from transaction `?2` to `?3`. Served
/// by the primary key of `ledger_entries`.
const SUMS: &str = "
    SELECT t.kind, count(*), sum(e.amount_micros)
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.ledger_account_id = ?1 AND e.transaction_id BETWEEN ?2 AND ?3
     GROUP BY t.kind
     ORDER BY t.kind";

/// What a book of an account did in a month; `None` if the account has no such book.
pub fn of_month(
    db: &dyn Db,
    account: AccountId,
    book: Book,
    month: Month,
) -> Result<Option<Statement>, StoreError> {
    let params = [book.as_str().into(), Value::text(account), Value::text(month)];
    let Some(span) = only(db.run(SPAN, &params)?) else { return Ok(None) };
    let range: [Value; 3] =
        [span.integer(0)?.into(), span.integer(1)?.into(), span.integer(2)?.into()];
    let sums = db.run(SUMS, &range)?;
    let sums = sums.iter().map(read_sum).collect::<Result<Vec<Sum>, StoreError>>()?;
    let [id, first, last] = range;
    let entries = db.run(ENTRIES, &[id, first, last, ENTRIES_MAX.into()])?;
    Ok(Some(Statement {
        opening: Usd::from_micros(span.integer(3)?),
        closing: Usd::from_micros(span.integer(4)?),
        entries: entries.iter().map(read_line).collect::<Result<_, StoreError>>()?,
        entry_count: sums.iter().map(|sum| sum.count).sum(),
        sums,
    }))
}

fn read_line(row: &Row) -> Result<Line, StoreError> {
    Ok(Line {
        transaction: row.integer(0)?,
        kind: row.text(1)?.to_owned(),
        reason: row.text(2)?.to_owned(),
        rental: row.optional_text(3)?.map(str::to_owned),
        amount: Usd::from_micros(row.integer(4)?),
        balance_after: Usd::from_micros(row.integer(5)?),
        created_at: row.timestamp(6)?,
    })
}

fn read_sum(row: &Row) -> Result<Sum, StoreError> {
    Ok(Sum {
        kind: row.text(0)?.to_owned(),
        count: row.number(1)?,
        amount: Usd::from_micros(row.integer(2)?),
    })
}
