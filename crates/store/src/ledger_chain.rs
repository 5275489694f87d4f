//! The chain of the ledger: each transaction, with its entries, is sealed over the one before it.

use crate::chain::{Chain, Form, Head, Link, optional_seal};
use crate::db::{Db, Row, Rows, StoreError};

/// Up to `?2` transactions after the one numbered `?1`, the oldest first: a row for each entry, and
/// one for a transaction without any.
const AFTER: &str = "
    SELECT t.id, t.kind, t.reference, t.reason, t.created_at, s.hash,
           e.amount_micros, e.balance_after_micros, a.kind, a.owner_id, t.rental_id
      FROM (SELECT id, kind, reference, reason, created_at, rental_id FROM ledger_transactions
             WHERE id > ?1 ORDER BY id LIMIT ?2) t
      LEFT JOIN ledger_seals s ON s.transaction_id = t.id
      LEFT JOIN ledger_entries e ON e.transaction_id = t.id
      LEFT JOIN ledger_accounts a ON a.id = e.ledger_account_id
     ORDER BY t.id, e.ledger_account_id";

/// The transaction and hash of the last seal that is `?1` numbers before the end.
const SEAL_FROM_END: &str = "
    SELECT transaction_id, hash FROM ledger_seals
     WHERE transaction_id <= (SELECT max(transaction_id) FROM ledger_seals) - ?1
     ORDER BY transaction_id DESC LIMIT 1";

/// Writes the seals of `?1`, a JSON array of `[transaction, hash in hexadecimal]`.
const SEAL: &str = "
    INSERT INTO ledger_seals (transaction_id, hash)
    SELECT value ->> 0, unhex(value ->> 1) FROM json_each(?1)";

const CHAIN: Chain = Chain { after: AFTER, seal_from_end: SEAL_FROM_END, write: SEAL, read };

/// Seals the transactions that have no seal yet, a bounded number each time.
pub fn seal(db: &dyn Db) -> Result<Head, StoreError> {
    CHAIN.seal(db)
}

/// How many of the newest transactions are not as they were sealed, or were put among those that
/// are.
pub fn broken(db: &dyn Db) -> Result<u64, StoreError> {
    CHAIN.broken(db)
}

fn read(rows: Rows) -> Result<Vec<Link>, StoreError> {
    let mut links: Vec<Link> = Vec::new();
    for row in rows {
        let id = row.integer(0)?;
        let mut link = match links.pop_if(|link| link.id == id) {
            Some(link) => link,
            None => Link { id, form: transaction(&row)?, seal: optional_seal(&row, 5)? },
        };
        add_entry(&mut link.form, &row)?;
        links.push(link);
    }
    Ok(links)
}

/// The columns of a transaction.
fn transaction(row: &Row) -> Result<Form, StoreError> {
    let mut form = Form::default();
    form.number(row.integer(0)?);
    form.text(row.text(1)?);
    form.text(row.text(2)?);
    form.text(row.text(3)?);
    form.number(row.integer(4)?);
    form.text(row.optional_text(10)?.unwrap_or_default());
    Ok(form)
}

/// The entry of a row, if it has one.
fn add_entry(form: &mut Form, row: &Row) -> Result<(), StoreError> {
    let Some(amount) = row.optional_integer(6)? else { return Ok(()) };
    // An account that is gone was taken away by hand: then the form is another one.
    form.text(row.optional_text(8)?.unwrap_or_default());
    form.text(row.optional_text(9)?.unwrap_or_default());
    form.number(amount);
    form.number(row.integer(7)?);
    Ok(())
}
