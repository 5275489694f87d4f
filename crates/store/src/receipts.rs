//! Receipts: one transaction as the account whose wallet it moved may see it.

use domain::id::{AccountId, NodeId, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::chain::Seal;
use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

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

row! {
    /// One entry of a transaction.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Booked {
        /// The kind of the ledger account, such as `wallet` or `escrow`.
        pub account: String = "a.kind",
        /// Whether it belongs to who asks.
        pub is_own: bool = "a.kind IN ('wallet', 'earnings') AND a.owner_id = ?2",
        /// How much; negative where money left it.
        pub amount: Usd = "e.amount_micros",
    }
}

row! {
    /// What a receipt's rental is of.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Rented {
        /// The node.
        pub node: NodeId = "e.node_id",
        /// The slice's number; `None` for the whole node.
        pub slice: Option<u32> = "e.slice_number",
        /// How many slices it is.
        pub slices: u32 = "r.slices",
        /// The farmer's name for the node.
        pub node_name: String = "n.name",
        /// The node's city.
        pub city: String = "n.city",
        /// The node's country.
        pub country: String = "n.country",
        /// The start: of the term that was paid or, for a refund, of the rental.
        pub starts_at: Timestamp = "coalesce(p.starts_at, r.started_at)",
        /// The end of the same.
        pub ends_at: Timestamp = "coalesce(p.ends_at, r.ended_at, r.ends_at)",
    }
}

row! {
    /// A transaction with one of its entries.
    struct Entry {
        kind: String = "t.kind",
        reason: String = "t.reason",
        created_at: Timestamp = "t.created_at",
        seal: Option<Seal> = "s.hash",
        rental: Option<RentalId> = "t.rental_id",
        booked: Booked,
        balance_after: Usd = "e.balance_after_micros",
    }
}

/// The entries of the transaction `?1`, if it moved the wallet of the account `?2`; `?3` how many.
/// The wallet's own comes first. No row means that it did not, or that there is no such
/// transaction. Served by the index `ledger_entries_by_transaction`.
const RECEIPT: &str = select!(
    Entry,
    " FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
      LEFT JOIN ledger_seals s ON s.transaction_id = t.id
     WHERE t.id = ?1
       AND EXISTS (SELECT 1 FROM ledger_accounts w
                     JOIN ledger_entries m ON m.ledger_account_id = w.id
                    WHERE w.kind = 'wallet' AND w.owner_id = ?2 AND m.transaction_id = ?1)
     ORDER BY a.kind = 'wallet' AND a.owner_id = ?2 DESC, e.ledger_account_id
     LIMIT ?3"
);

/// The receipt of a transaction for the account whose wallet it moved; `None` for everybody else.
pub fn find(
    db: &dyn Db,
    account: AccountId,
    transaction: i64,
) -> Result<Option<Receipt>, StoreError> {
    let params = [transaction.into(), Value::text(account), ENTRIES_MAX.into()];
    let rows: Vec<Entry> = db.all(RECEIPT, &params)?;
    let entries = rows.iter().map(|row| row.booked.clone()).collect();
    Ok(rows.into_iter().next().map(|first| Receipt {
        transaction,
        kind: first.kind,
        reason: first.reason,
        created_at: first.created_at,
        seal: first.seal,
        rental: first.rental,
        amount: first.booked.amount,
        balance_after: first.balance_after,
        entries,
    }))
}

/// What the rental of the transaction `?1` was of then, for it can have been moved since; and the
/// time that it is about: the term that was paid or, where none was, all of it so far.
const RENTED: &str = select!(
    Rented,
    " FROM ledger_transactions t
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
     WHERE t.id = ?1"
);

/// What a receipt's rental is of. The caller has shown that the receipt may be seen.
pub fn rented(db: &dyn Db, receipt: &Receipt) -> Result<Option<Rented>, StoreError> {
    db.first(RENTED, &[receipt.transaction.into()])
}
