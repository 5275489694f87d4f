//! Receipts: one transaction as the account whose wallet it moved may see it.

use domain::id::{AccountId, NodeId, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::chain::{Seal, optional_seal};
use crate::db::{Db, Row, StoreError, Value, only};

/// The most entries of a transaction that a receipt lists.
const ENTRIES_MAX: u32 = 2_000;

/// A transaction that moved somebody's wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's number.
    pub transaction: i64,
    /// Its kind, such as `credit` or `rental`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// When.
    pub created_at: Timestamp,
    /// Its seal; `None` until it has one.
    pub seal: Option<Seal>,
    /// What it did to the wallet.
    pub amount: Usd,
    /// What the wallet held then.
    pub balance_after: Usd,
    /// How it was booked, the wallet first.
    pub entries: Vec<Booked>,
    /// The rental that it is about.
    pub rental: Option<RentalId>,
}

/// One entry of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booked {
    /// The kind of the ledger account, such as `wallet` or `escrow`.
    pub account: String,
    /// Whether it belongs to who asks.
    pub is_own: bool,
    /// How much; negative where money left it.
    pub amount: Usd,
}

/// What a receipt's rental is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rented {
    /// The node.
    pub node: NodeId,
    /// The slice's number; `None` for the whole node.
    pub slice: Option<u32>,
    /// How many slices it is.
    pub slices: u32,
    /// The farmer's name for the node.
    pub node_name: String,
    /// The node's city.
    pub city: String,
    /// The node's country.
    pub country: String,
    /// The start: of the term that was paid or, for a refund, of the rental.
    pub starts_at: Timestamp,
    /// The end of the same.
    pub ends_at: Timestamp,
}

/// The entries of the transaction `?1`, if it moved the wallet of the account `?2`; `?3` how many.
/// The wallet's own comes first. No row means that it did not, or that there is no such
/// transaction. Served by the index `ledger_entries_by_transaction`.
const RECEIPT: &str = "
    SELECT t.kind, t.reason, t.created_at, s.hash, t.rental_id, a.kind,
           a.kind IN ('wallet', 'earnings') AND a.owner_id = ?2 AS is_own, e.amount_micros,
           e.balance_after_micros
      FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
      LEFT JOIN ledger_seals s ON s.transaction_id = t.id
     WHERE t.id = ?1
       AND EXISTS (SELECT 1 FROM ledger_accounts w
                     JOIN ledger_entries m ON m.ledger_account_id = w.id
                    WHERE w.kind = 'wallet' AND w.owner_id = ?2 AND m.transaction_id = ?1)
     ORDER BY a.kind = 'wallet' AND a.owner_id = ?2 DESC, e.ledger_account_id
     LIMIT ?3";

/// The receipt of a transaction for the account whose wallet it moved; `None` for everybody else.
pub fn find(
    db: &dyn Db,
    account: AccountId,
    transaction: i64,
) -> Result<Option<Receipt>, StoreError> {
    let params = [transaction.into(), Value::text(account), ENTRIES_MAX.into()];
    let rows = db.run(RECEIPT, &params)?;
    let Some(first) = rows.first() else { return Ok(None) };
    Ok(Some(Receipt {
        transaction,
        kind: first.text(0)?.to_owned(),
        reason: first.text(1)?.to_owned(),
        created_at: first.timestamp(2)?,
        seal: optional_seal(first, 3)?,
        rental: first.optional_text(4)?.map(|_| first.parsed(4, RentalId::parse)).transpose()?,
        amount: Usd::from_micros(first.integer(7)?),
        balance_after: Usd::from_micros(first.integer(8)?),
        entries: rows.iter().map(read_booked).collect::<Result<_, StoreError>>()?,
    }))
}

fn read_booked(row: &Row) -> Result<Booked, StoreError> {
    Ok(Booked {
        account: row.text(5)?.to_owned(),
        is_own: row.flag(6)?,
        amount: Usd::from_micros(row.integer(7)?),
    })
}

/// What the rental of the transaction `?1` was of then, for it can have been moved since; and the
/// time that it is about: the term that was paid or, where none was, all of it so far.
const RENTED: &str = "
    SELECT e.node_id, e.slice_number, r.slices, n.name, n.city, n.country,
           coalesce(p.starts_at, r.started_at), coalesce(p.ends_at, r.ended_at, r.ends_at)
      FROM ledger_transactions t
      JOIN rentals r ON r.id = t.rental_id
      JOIN events e
        ON e.id = (SELECT id FROM events
                    WHERE rental_id = r.id
                      AND kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                   'rental-moved-in')
                    ORDER BY created_at > t.created_at, id DESC LIMIT 1)
      JOIN nodes n ON n.id = e.node_id
      LEFT JOIN rental_periods p
        ON p.rental_id = r.id
       AND ((t.kind = 'rental' AND p.number = 1)
            OR (t.kind = 'extension' AND p.order_id = t.reference AND p.number > 1))
     WHERE t.id = ?1";

/// What a receipt's rental is of. The caller has shown that the receipt may be seen.
pub fn rented(db: &dyn Db, receipt: &Receipt) -> Result<Option<Rented>, StoreError> {
    let Some(row) = only(db.run(RENTED, &[receipt.transaction.into()])?) else { return Ok(None) };
    Ok(Some(Rented {
        node: NodeId(row.number(0)?),
        slice: row.optional_number(1)?,
        slices: row.number(2)?,
        node_name: row.text(3)?.to_owned(),
        city: row.text(4)?.to_owned(),
        country: row.text(5)?.to_owned(),
        starts_at: row.timestamp(6)?,
        ends_at: row.timestamp(7)?,
    }))
}
