//! The rentals and other things that a part of a history is about: the beginning of a query, which
//! goes on with what must hold of each.
//!
//! No window has as many rows as the limits: they tell SQLite that there are few, so that it looks
//! up each instead of reading a whole table for a Bloom filter. It reads one, too, where a
//! condition on one table alone leaves out most of its rows: such conditions name another table
//! as well, with `iif`.

/// The rentals after `?1` up to `?2`.
pub(super) const RENTALS: &str = "
    WITH seen (id) AS (SELECT id FROM rentals WHERE rowid > ?1 AND rowid <= ?2 LIMIT 10000)";

/// The rentals of ledger transactions.
pub(super) const RENTALS_OF_TRANSACTIONS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT rental_id FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2 AND rental_id IS NOT NULL LIMIT 10000)";

/// The rentals of ledger transactions by which something went back to a renter.
pub(super) const RENTALS_OF_REFUNDS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT rental_id FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2 AND rental_id IS NOT NULL
            AND kind IN ('refund', 'outage-refund') LIMIT 10000)";

/// The rentals of ledger transactions that compensate for a node's leaving.
pub(super) const RENTALS_OF_COMPENSATIONS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT reference FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2 AND kind = 'leaving-compensation' LIMIT 10000)";

/// The rentals of events.
pub(super) const RENTALS_OF_EVENTS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT rental_id FROM events
          WHERE id > ?1 AND id <= ?2 AND rental_id IS NOT NULL LIMIT 10000)";

/// The rentals that orders paid for.
pub(super) const RENTALS_OF_ORDERS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT p.rental_id FROM orders o JOIN rental_periods p ON p.order_id = o.id
          WHERE o.rowid > ?1 AND o.rowid <= ?2 LIMIT 10000)";

/// The top-ups after `?1` up to `?2`.
pub(super) const TOP_UPS: &str = "
    WITH seen (id) AS (SELECT id FROM top_ups WHERE rowid > ?1 AND rowid <= ?2 LIMIT 10000)";

/// The top-ups of ledger transactions, by their references.
pub(super) const TOP_UPS_OF_TRANSACTIONS: &str = "
    WITH seen (id) AS (
         SELECT substr(reference, 8) FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2 AND kind = 'credit'
            AND reference > 'top-up ' AND reference < 'top-up!'
          UNION
         SELECT rtrim(rtrim(substr(reference, 8), '0123456789'), '/') FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2 AND kind = 'card-reversal' LIMIT 10000)";

/// The payouts after `?1` up to `?2`.
pub(super) const PAYOUTS: &str = "
    WITH seen (id) AS (SELECT id FROM payouts WHERE rowid > ?1 AND rowid <= ?2 LIMIT 10000)";

/// The payouts of ledger transactions.
pub(super) const PAYOUTS_OF_TRANSACTIONS: &str = "
    WITH seen (id) AS (
         SELECT DISTINCT reference FROM ledger_transactions
          WHERE id > ?1 AND id <= ?2
            AND kind IN ('payout-request', 'payout-send', 'payout-return') LIMIT 10000)";

/// The months that were evaluated after `?1` up to `?2`.
pub(super) const SLA_MONTHS: &str = "
    WITH seen (rental_id, month, tenure) AS (
         SELECT rental_id, month, tenure FROM sla_months
          WHERE evaluated_at > ?1 AND evaluated_at <= ?2 LIMIT 10000)";

/// The evaluated months of the rentals of ledger transactions that are about credits.
pub(super) const SLA_MONTHS_OF_TRANSACTIONS: &str = "
    WITH seen (rental_id, month, tenure) AS (
         SELECT DISTINCT m.rental_id, m.month, m.tenure
           FROM ledger_transactions t CROSS JOIN sla_months m ON m.rental_id = t.rental_id
          WHERE t.id > ?1 AND t.id <= ?2 AND t.kind IN ('sla-credit', 'sla-correction')
          LIMIT 10000)";
