//! Statements: what an account's wallet or earnings did in a calendar month.
//!
//! A month's entries follow one another in the ledger, from the transaction that began the month
//! (`ledger_months`) to the one before the next month's first. So statements join: the closing
//! balance of a month is the opening one of the next. The ledger only grows, and a statement is of
//! the transactions up to one: its parts are of one moment, though it takes three queries. Months
//! of years that were archived have no statement any more: [`first_month`].

use domain::id::AccountId;
use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use crate::archives;
use crate::db::{Db, StoreError, Value};
use crate::row::{fields, row, select};

/// The most entries that one statement lists at once.
pub const ENTRIES_MAX: u32 = 5_000;
/// The most months that are listed: twenty years.
pub const MONTHS_MAX: u32 = 240;

/// What a statement is of: a kind of ledger account, by its name in SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum AccountKind {
    /// What an account has, to rent with.
    Wallet,
    /// What an account has earned by renting out.
    Earnings,
}

/// What a wallet or earnings did in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The balance before the month's first entry.
    pub opening: Usd,
    /// The balance after its last.
    pub closing: Usd,
    /// Its entries in order, the first 5,000; [`more`] has those behind them.
    pub entries: Vec<Line>,
    /// How many entries it has in all.
    pub entry_count: u64,
    /// Its sums by kind, over all entries.
    pub sums: Vec<Sum>,
    /// The ledger account that it is of.
    account: i64,
    /// The last transaction that it is of.
    last: i64,
}

impl Statement {
    /// What a book did in which nothing was ever booked.
    pub const EMPTY: Statement = Statement {
        opening: Usd::ZERO,
        closing: Usd::ZERO,
        entries: Vec::new(),
        entry_count: 0,
        sums: Vec::new(),
        account: 0,
        last: 0,
    };
}

row! {
    /// An entry of a statement.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Line {
        /// The transaction's number.
        pub transaction: i64 = "t.id",
        /// Its kind, such as `credit` or `rental`.
        pub kind: String = "t.kind",
        /// Why, in words.
        pub reason: String = "t.reason",
        /// The rental that it paid or was refunded for. Farmers do not see their renters'.
        pub rental: Option<String> = "CASE WHEN a.kind = 'wallet' THEN t.rental_id END",
        /// How much; negative where money went out.
        pub amount: Usd = "e.amount_micros",
        /// The balance after it.
        pub balance_after: Usd = "e.balance_after_micros",
        /// When.
        pub created_at: Timestamp = "t.created_at",
    }
}

row! {
    /// What the entries of one kind come to.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Sum {
        /// The kind of their transactions.
        pub kind: String = "t.kind",
        /// How many they are.
        pub count: u64 = "count(*)",
        /// What they come to.
        pub amount: Usd = "sum(e.amount_micros)",
    }
}

/// The months in which something moved an account's wallet or earnings and that are not archived,
/// the newest first: `?1` account, `?2` how many. Served by the primary key of `ledger_months`.
const MONTHS: &str = "
    SELECT DISTINCT m.month
      FROM ledger_accounts a
      JOIN ledger_months m ON m.ledger_account_id = a.id
     WHERE a.kind IN ('wallet', 'earnings') AND a.owner_id = ?1
       AND m.month >= (SELECT strftime('%Y-%m', ledger_closed_at, 'unixepoch')
                         FROM archive_bounds)
     ORDER BY m.month DESC
     LIMIT ?2";

/// The months in which something moved an account's wallet or earnings, the newest first.
pub fn months(db: &dyn Db, account: AccountId) -> Result<Vec<Month>, StoreError> {
    db.all(MONTHS, &[Value::text(account), MONTHS_MAX.into()])
}

/// The first month that has statements: those before it are archived. `None` if none is.
pub fn first_month(db: &dyn Db) -> Result<Option<Month>, StoreError> {
    let bounds = archives::bounds(db)?;
    Ok((bounds.ledger > 0).then(|| Month::of(bounds.ledger_closed_at)))
}

/// Where the month `?3` of the account of kind `?1` and owner `?2` lies in the ledger: the ledger
/// account, the first transaction and the last, and the balances before and after: those of the
/// last entry before, or of the last one that was removed if that is later. No row means that there
/// is no such account; the first is behind the last in a month without entries. Served by the
/// primary keys of `ledger_months` and `ledger_entries`.
const SPAN: &str = "
    WITH span (account_id, removed_id, removed_micros, first_id, next_id) AS (
        SELECT a.id, coalesce(o.transaction_id, 0), coalesce(o.balance_micros, 0),
               coalesce((SELECT first_transaction_id FROM ledger_months
                          WHERE ledger_account_id = a.id AND month >= ?3
                          ORDER BY month LIMIT 1), 9223372036854775807),
               coalesce((SELECT first_transaction_id FROM ledger_months
                          WHERE ledger_account_id = a.id AND month > ?3
                          ORDER BY month LIMIT 1), 9223372036854775807)
          FROM ledger_accounts a
          LEFT JOIN ledger_openings o ON o.ledger_account_id = a.id
         WHERE a.kind = ?1 AND a.owner_id = ?2)
    SELECT account_id, first_id,
           max(removed_id, coalesce((
               SELECT max(transaction_id) FROM ledger_entries
                WHERE ledger_account_id = account_id AND transaction_id < next_id), 0)),
           coalesce((SELECT balance_after_micros FROM ledger_entries
                      WHERE ledger_account_id = account_id
                        AND transaction_id < first_id AND transaction_id > removed_id
                      ORDER BY transaction_id DESC LIMIT 1), removed_micros),
           coalesce((SELECT balance_after_micros FROM ledger_entries
                      WHERE ledger_account_id = account_id
                        AND transaction_id < next_id AND transaction_id > removed_id
                      ORDER BY transaction_id DESC LIMIT 1), removed_micros)
      FROM span";

/// Where a month lies in the ledger.
struct Span {
    account: i64,
    first: i64,
    last: i64,
    opening: Usd,
    closing: Usd,
}

fields! { Span { account: i64, first: i64, last: i64, opening: Usd, closing: Usd } }

/// Up to `?4` entries of the ledger account `?1` from transaction `?2` to `?3`, in order. Served by
/// the primary key of `ledger_entries`.
const ENTRIES: &str = select!(
    Line,
    " FROM ledger_entries e
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.ledger_account_id = ?1 AND e.transaction_id BETWEEN ?2 AND ?3
     ORDER BY e.transaction_id
     LIMIT ?4"
);

/// The sums by kind of the entries of the ledger account `?1` from transaction `?2` to `?3`. Served
/// by the primary key of `ledger_entries`.
const SUMS: &str = select!(
    Sum,
    " FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE e.ledger_account_id = ?1 AND e.transaction_id BETWEEN ?2 AND ?3
     GROUP BY t.kind
     ORDER BY t.kind"
);

/// What a book of an account did in a month; `None` if the account has no such book.
pub fn of_month(
    db: &dyn Db,
    account: AccountId,
    account_kind: AccountKind,
    month: Month,
) -> Result<Option<Statement>, StoreError> {
    let params = [account_kind.into_str().into(), Value::text(account), Value::text(month)];
    let Some(span) = db.first::<Span>(SPAN, &params)? else { return Ok(None) };
    let Span { account, first, last, opening, closing } = span;
    let sums: Vec<Sum> = db.all(SUMS, &[account.into(), first.into(), last.into()])?;
    Ok(Some(Statement {
        opening,
        closing,
        entries: entries(db, account, first, last)?,
        entry_count: sums.iter().map(|sum| sum.count).sum(),
        sums,
        account,
        last,
    }))
}

/// The entries of a statement behind a transaction, in order, up to 5,000; empty behind the last.
pub fn more(db: &dyn Db, statement: &Statement, behind: i64) -> Result<Vec<Line>, StoreError> {
    entries(db, statement.account, behind + 1, statement.last)
}

fn entries(db: &dyn Db, account: i64, first: i64, last: i64) -> Result<Vec<Line>, StoreError> {
    db.all(ENTRIES, &[account.into(), first.into(), last.into(), ENTRIES_MAX.into()])
}

/// One page of the entries of the earnings of `?1` before transaction `?2`, the newest first, `?3`
/// rows. Served by the primary key of `ledger_entries`.
const EARNINGS: &str = select!(
    Line,
    " FROM ledger_accounts a
      JOIN ledger_entries e ON e.ledger_account_id = a.id
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE a.kind = 'earnings' AND a.owner_id = ?1 AND e.transaction_id < ?2
       AND e.transaction_id > (SELECT transaction_id FROM archive_bounds)
     ORDER BY e.transaction_id DESC
     LIMIT ?3"
);

/// A page of the entries of an account's earnings before transaction `before`, the newest first.
pub fn earnings(
    db: &dyn Db,
    account: AccountId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Line>, StoreError> {
    let params = [Value::text(account), before.unwrap_or(i64::MAX).into(), limit.into()];
    db.all(EARNINGS, &params)
}
