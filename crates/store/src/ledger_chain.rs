//! The chain of the ledger: each transaction, with its entries, is sealed over the one before it.

use domain::recurring::SEAL_LEDGER;

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

/// The transaction and hash of the last seal up to the transaction numbered `?1`, or of the last transaction
/// that is archived if that is later.
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

/// How many of the transactions after the one numbered `after`, up to the one numbered `until`, are not
/// as they were sealed, or were put among those that are; and the number of the first.
pub fn broken(db: &dyn Db, after: i64, until: i64) -> Result<(u64, i64), StoreError> {
    CHAIN.broken(db, after, until)
}

fn links(rows: Vec<Booked>) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    for row in rows {
        let mut link = match links.pop_if(|link| link.id == row.id) {
            Some(link) => link,
            None => Link { id: row.id, form: transaction(&row), seal: row.seal },
        };
        if let Some(entry) = row.entry {
            add_entry(&mut link.form, &entry);
        }
        links.push(link);
    }
    links
}

fn transaction(row: &Booked) -> Form {
    let mut form = Form::default();
    form.number(row.id);
    form.text(&row.kind);
    form.text(&row.reference);
    form.text(&row.reason);
    form.number(row.created_at);
    form.text(row.rental.as_deref().unwrap_or_default());
    form
}

fn add_entry(form: &mut Form, entry: &Entry) {
    form.text(entry.account.as_deref().unwrap_or_default());
    form.text(entry.owner.as_deref().unwrap_or_default());
    form.number(entry.amount);
    form.number(entry.balance_after);
}
