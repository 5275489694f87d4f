//! The chain of the ledger: each transaction, with its entries, is sealed over the one before it.

use domain::recurring::SEAL_LEDGER;
use serde::{Deserialize, Serialize};

use crate::chain::{Chain, Form, Head, Link, Seal};
use crate::db::{Db, StoreError};
use crate::row::{row, select};

row! {
    /// A transaction with one of its entries, if it has any.
    struct Booked {
        id: i64 = "t.id",
        kind: String = "t.kind",
        reference: String = "t.reference",
        reason: String = "t.reason",
        created_at: i64 = "t.created_at",
        rental: Option<String> = "t.rental_id",
        seal: Option<Seal> = "s.hash",
        entry: Option<Entry>,
    }
}

row! {
    struct Entry {
        amount: i64 = "e.amount_micros",
        balance_after: i64 = "e.balance_after_micros",
        /// An account that is gone was taken away by hand: then the form is another one.
        account: Option<String> = "a.kind",
        owner: Option<String> = "a.owner_id",
    }
}

/// Up to `?2` transactions after the one numbered `?1`, the oldest first: a row for each entry, and
/// one for a transaction without any.
const AFTER: &str = select!(
    Booked,
    " FROM (SELECT id, kind, reference, reason, created_at, rental_id FROM ledger_transactions
             WHERE id > ?1 ORDER BY id LIMIT ?2) t
      LEFT JOIN ledger_seals s ON s.transaction_id = t.id
      LEFT JOIN ledger_entries e ON e.transaction_id = t.id
      LEFT JOIN ledger_accounts a ON a.id = e.ledger_account_id
     ORDER BY t.id, e.ledger_account_id"
);

/// The transaction and hash of the last seal up to the transaction numbered `?1`, or of the last
/// transaction that is archived if that is later.
const SEAL_UNTIL: &str = "
    SELECT transaction_id, hash FROM ledger_seals WHERE transaction_id <= ?1
     UNION ALL
    SELECT until_id, seal FROM archives WHERE chain = 'ledger'
     ORDER BY 1 DESC LIMIT 1";

/// Writes the seals of `?1`, a JSON array of `[transaction, hash in hexadecimal]`.
const SEAL: &str = "
    INSERT INTO ledger_seals (transaction_id, hash)
    SELECT value ->> 0, unhex(value ->> 1) FROM json_each(?1)";

const CHAIN: Chain<Booked> = Chain { after: AFTER, seal_until: SEAL_UNTIL, write: SEAL, links };

/// Seals the transactions that have no seal yet, a bounded number each time.
pub fn seal(db: &dyn Db) -> Result<Head, StoreError> {
    CHAIN.seal(db, SEAL_LEDGER.limit())
}

/// How many of the transactions after the one numbered `after`, up to the one numbered `until`, are
/// not as they were sealed, or were put among those that are; and the number of the first.
pub fn broken(db: &dyn Db, after: i64, until: i64) -> Result<(u64, i64), StoreError> {
    CHAIN.broken(db, after, until)
}

fn links(rows: Vec<Booked>) -> Vec<Link> {
    let link = |(transaction, seal): (SealedTransaction, _)| Link {
        id: transaction.id,
        form: transaction.form(),
        seal,
    };
    transactions(rows).into_iter().map(link).collect()
}

/// Up to `limit` transactions after the one numbered `id`, the oldest first, each with its seal.
pub(crate) fn sealed_after(
    db: &dyn Db,
    id: i64,
    limit: u32,
) -> Result<Vec<(SealedTransaction, Option<Seal>)>, StoreError> {
    Ok(transactions(db.all(AFTER, &[id.into(), limit.into()])?))
}

/// The transactions of rows of which each has one entry.
fn transactions(rows: Vec<Booked>) -> Vec<(SealedTransaction, Option<Seal>)> {
    let mut transactions: Vec<(SealedTransaction, Option<Seal>)> = Vec::new();
    for row in rows {
        let (mut transaction, seal) = match transactions.pop_if(|last| last.0.id == row.id) {
            Some(last) => last,
            None => (SealedTransaction::of(&row), row.seal),
        };
        transaction.entries.extend(row.entry.map(SealedLedgerEntry::of));
        transactions.push((transaction, seal));
    }
    transactions
}

/// What is sealed of a transaction: as it is archived, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedTransaction {
    /// Its number.
    pub id: i64,
    /// When, in seconds since 1970-01-01 in UTC.
    pub created_at: i64,
    /// Such as `credit` or `rental`.
    pub kind: String,
    /// What makes it happen once.
    pub reference: String,
    /// Why, in words.
    pub reason: String,
    /// The rental that it was about.
    pub rental_id: Option<String>,
    /// Its entries, which sum to zero.
    pub entries: Vec<SealedLedgerEntry>,
}

/// What is sealed of an entry of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedLedgerEntry {
    /// The kind of the ledger account, such as `wallet`.
    pub account: String,
    /// Whose it is: an account, a rental or a payout; empty for `funding` and `platform`.
    pub owner: String,
    /// How much, in millionths of a US dollar; negative where money left.
    pub amount_micros: i64,
    /// What the ledger account held then.
    pub balance_after_micros: i64,
}

impl SealedTransaction {
    fn of(row: &Booked) -> SealedTransaction {
        SealedTransaction {
            id: row.id,
            created_at: row.created_at,
            kind: row.kind.clone(),
            reference: row.reference.clone(),
            reason: row.reason.clone(),
            rental_id: row.rental.clone(),
            entries: Vec::new(),
        }
    }

    pub(crate) fn form(&self) -> Form {
        let mut form = Form::default();
        form.number(self.id);
        form.text(&self.kind);
        form.text(&self.reference);
        form.text(&self.reason);
        form.number(self.created_at);
        form.text(self.rental_id.as_deref().unwrap_or_default());
        for entry in &self.entries {
            form.text(&entry.account);
            form.text(&entry.owner);
            form.number(entry.amount_micros);
            form.number(entry.balance_after_micros);
        }
        form
    }
}

impl SealedLedgerEntry {
    fn of(entry: Entry) -> SealedLedgerEntry {
        SealedLedgerEntry {
            account: entry.account.unwrap_or_default(),
            owner: entry.owner.unwrap_or_default(),
            amount_micros: entry.amount,
            balance_after_micros: entry.balance_after,
        }
    }
}
