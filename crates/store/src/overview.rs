//! The marketplace in figures, for operators.

use domain::money::Usd;
use domain::month::Month;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

row! {
    /// The marketplace in figures.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Overview {
        /// What the marketplace has kept of all rentals.
        pub fees: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts WHERE kind = 'platform'), 0)",
        /// The same before this month.
        pub fees_before: Usd = "
            coalesce((SELECT e.balance_after_micros
                        FROM ledger_accounts a JOIN ledger_entries e ON e.ledger_account_id = a.id
                       WHERE a.kind = 'platform'
                         AND e.transaction_id < coalesce(
                             (SELECT first_transaction_id FROM ledger_months
                               WHERE ledger_account_id = a.id AND month >= ?1
                               ORDER BY month LIMIT 1), 9223372036854775807)
                       ORDER BY e.transaction_id DESC LIMIT 1), 0)",
        /// What is held for the rest of running rentals.
        pub in_escrow: Usd = "
            coalesce((SELECT sum(balance_micros) FROM ledger_accounts WHERE kind = 'escrow'), 0)",
        /// What people have in their wallets.
        pub in_wallets: Usd = "
            coalesce((SELECT sum(balance_micros) FROM ledger_accounts WHERE kind = 'wallet'), 0)",
        /// Rentals that have not ended.
        pub rentals: u64 = "(SELECT count(*) FROM rentals WHERE state <> 'ended')",
        /// Slices that are rented, offered or held.
        pub slices: u64 = "
            (SELECT coalesce(sum(available_slices + reserved_slices + allocated_slices), 0)
               FROM nodes WHERE listing = 'published' OR allocated_slices > 0)",
        /// Of those, slices that are rented.
        pub rented: u64 = "(SELECT coalesce(sum(allocated_slices), 0) FROM nodes)",
        /// Nodes on the market.
        pub nodes: u64 = "(SELECT count(*) FROM nodes WHERE listing = 'published')",
        /// Accounts of people.
        pub accounts: u64 = "(SELECT count(*) FROM accounts WHERE deleted_at IS NULL)",
    }
}

/// The marketplace in figures, of which `?1` is this month.
const OVERVIEW: &str = select!(Overview);

/// The marketplace in figures; `month` is this one.
pub fn read(db: &dyn Db, month: Month) -> Result<Overview, StoreError> {
    db.one(OVERVIEW, &[Value::text(month)])
}
