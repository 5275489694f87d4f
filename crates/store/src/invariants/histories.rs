//! Tables that keep their rows, and the numbers by which checks scan them.

use crate::db::{Db, StoreError};

/// Rows that are kept, each with a number that rises.
pub(super) struct History {
    /// The name of its cursors.
    pub(super) name: &'static str,
    /// The number of the last row; 0 if there is none.
    last: &'static str,
    /// The number of the last of up to `?2` rows after the row `?1`.
    window_end: &'static str,
    /// Rows in a window; fewer where a check reads many other rows for each of them.
    window: u32,
}

impl History {
    /// The number of the last row; 0 if there is none.
    pub(super) fn last(&self, db: &dyn Db) -> Result<i64, StoreError> {
        db.one(self.last, &[])
    }

    /// The number of the last row of the window that begins after `after`.
    pub(super) fn window_end(&self, db: &dyn Db, after: i64, last: i64) -> Result<i64, StoreError> {
        if last.saturating_sub(after) <= i64::from(self.window) {
            return Ok(last);
        }
        let end: Option<i64> = db.one(self.window_end, &[after.into(), self.window.into()])?;
        Ok(end.unwrap_or(last))
    }
}

/// The history in a table, by a column that numbers its rows.
macro_rules! history {
    ($name:literal, $number:literal, $table:literal, $window:literal) => {
        History {
            name: $name,
            last: concat!("SELECT coalesce(max(", $number, "), 0) FROM ", $table),
            window_end: concat!(
                "SELECT max(number) FROM (SELECT ",
                $number,
                " AS number FROM ",
                $table,
                " WHERE ",
                $number,
                " > ?1 ORDER BY ",
                $number,
                " LIMIT ?2)"
            ),
            window: $window,
        }
    };
}

pub(super) const TRANSACTIONS: History =
    history!("ledger transactions", "id", "ledger_transactions", 1_000);
pub(super) const LEDGER_ACCOUNTS: History =
    history!("ledger accounts", "id", "ledger_accounts", 1_000);
/// Months of ledger accounts. Each is checked with all of its entries.
pub(super) const LEDGER_MONTHS: History =
    history!("ledger months", "first_transaction_id", "ledger_months", 50);
pub(super) const LEDGER_SEALS: History =
    history!("ledger seals", "transaction_id", "ledger_seals", 1_000);
pub(super) const AUDIT_SEALS: History = history!("audit seals", "audit_id", "audit_seals", 1_000);
pub(super) const EVENTS: History = history!("events", "id", "events", 1_000);
/// Rentals. Each is checked with all of its bookings and events.
pub(super) const RENTALS: History = history!("rentals", "rowid", "rentals", 100);
pub(super) const ORDERS: History = history!("orders", "rowid", "orders", 1_000);
pub(super) const TOP_UPS: History = history!("top-ups", "rowid", "top_ups", 1_000);
pub(super) const PAYOUTS: History = history!("payouts", "rowid", "payouts", 1_000);
pub(super) const MAINTENANCE: History =
    history!("maintenance windows", "rowid", "maintenance", 1_000);
/// Evaluated months, by the time of the evaluation.
pub(super) const SLA_MONTHS: History = history!("SLA months", "evaluated_at", "sla_months", 1_000);

/// The longest histories whose numbers have no gaps.
const LONGEST: [&History; 5] = [&TRANSACTIONS, &AUDIT_SEALS, &EVENTS, &RENTALS, &ORDERS];

/// About how many runs a pass over the longest history takes.
pub(super) fn runs_per_pass(db: &dyn Db) -> Result<i64, StoreError> {
    let mut most = 1;
    for history in LONGEST {
        most = most.max(history.last(db)? / i64::from(history.window));
    }
    Ok(most)
}
