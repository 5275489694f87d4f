//! What holds on the revenue by month, node and day.

use constcat::concat;

use crate::invariants::histories::{LEDGER_MONTHS, TRANSACTIONS};
use crate::invariants::{Check, Invariant};

pub(super) const IS_THE_LEDGERS: Invariant = Invariant {
    id: "revenue-is-the-ledgers",
    claim: "What farmers earned by month, node and day is what the ledger says.",
    checks: &[
        Check::Scan(&LEDGER_MONTHS, concat!(MONTHS, REVENUE)),
        Check::ScanNew(&TRANSACTIONS, concat!(MONTHS_OF_TRANSACTIONS, REVENUE)),
        // Who never earned has no revenue.
        Check::Whole(
            "WITH RECURSIVE farmers (id) AS (
                  SELECT min(farmer_id) FROM farm_months
                   UNION ALL
                  SELECT (SELECT min(farmer_id) FROM farm_months WHERE farmer_id > farmers.id)
                    FROM farmers WHERE id IS NOT NULL)
             SELECT count(*) FROM farmers
              WHERE id IS NOT NULL AND (SELECT transaction_id FROM archive_bounds) = 0
                AND NOT EXISTS (SELECT 1 FROM ledger_accounts a
                                  JOIN ledger_months m ON m.ledger_account_id = a.id
                                 WHERE a.kind = 'earnings' AND a.owner_id = farmers.id)",
        ),
    ],
};

/// The months of earnings whose first transaction comes after `?1` up to `?2`.
const MONTHS: &str = "
    WITH seen (account_id, farmer_id, month, first_id) AS (
         SELECT a.id, a.owner_id, m.month, m.first_transaction_id
           FROM ledger_months m CROSS JOIN ledger_accounts a ON a.id = m.ledger_account_id
          WHERE m.first_transaction_id > ?1 AND m.first_transaction_id <= ?2
            AND iif(m.month IS NULL, 0, a.kind = 'earnings') LIMIT 10000)";

/// The months of earnings in which transactions are.
const MONTHS_OF_TRANSACTIONS: &str = "
    WITH seen (account_id, farmer_id, month, first_id) AS (
         SELECT DISTINCT a.id, a.owner_id, m.month, m.first_transaction_id
           FROM (SELECT id, created_at FROM ledger_transactions
                  WHERE id > ?1 AND id <= ?2 AND rental_id IS NOT NULL LIMIT 10000) t
          CROSS JOIN ledger_entries e ON e.transaction_id = t.id
          CROSS JOIN ledger_accounts a ON a.id = e.ledger_account_id
          CROSS JOIN ledger_months m ON m.ledger_account_id = a.id
          WHERE iif(e.amount_micros IS NULL, 0, a.kind = 'earnings')
            AND m.month = (SELECT min(month) FROM ledger_months
                            WHERE ledger_account_id = a.id
                              AND month >= strftime('%Y-%m', t.created_at, 'unixepoch'))
          LIMIT 10000)";

/// Together with those months before which no month of the ledger has of its own, and the last one
/// with those after it. Their entries are after the first of the month: a clock that lags behind
/// books what is of an earlier month, but is no month behind. By node where no rental has moved:
/// the ledger does not say where it was then.
const REVENUE: &str = ",
    spans (account_id, farmer_id, first_id, before_id, after_month, until_month) AS (
         SELECT account_id, farmer_id, first_id,
                coalesce((SELECT m.first_transaction_id FROM ledger_months m
                           WHERE m.ledger_account_id = account_id
                             AND m.month > strftime('%Y-%m', seen.month || '-01', '+1 month')
                           ORDER BY m.month LIMIT 1), 1 << 62),
                max(coalesce((SELECT max(m.month) FROM ledger_months m
                               WHERE m.ledger_account_id = account_id
                                 AND m.month < seen.month), ''),
                    (SELECT iif(ledger_closed_at = 0, '',
                                strftime('%Y-%m', ledger_closed_at - 1, 'unixepoch'))
                       FROM archive_bounds)),
                iif(EXISTS (SELECT 1 FROM ledger_months m
                             WHERE m.ledger_account_id = account_id
                               AND m.month > seen.month), seen.month, '9999-12')
           FROM seen
          WHERE first_id > (SELECT transaction_id FROM archive_bounds)),
    booked (farmer_id, node_id, at, micros) AS MATERIALIZED (
         SELECT s.farmer_id, r.node_id, t.created_at, e.amount_micros
           FROM spans s
          CROSS JOIN ledger_entries e ON e.ledger_account_id = s.account_id
                 AND e.transaction_id >= s.first_id AND e.transaction_id < s.before_id
          CROSS JOIN ledger_transactions t ON t.id = e.transaction_id
          CROSS JOIN rentals r ON r.id = t.rental_id
          WHERE strftime('%Y-%m', t.created_at, 'unixepoch') > s.after_month
            AND strftime('%Y-%m', t.created_at, 'unixepoch') <= s.until_month)
    SELECT 'farmer ' || farmer_id || ', ' || month FROM (
         SELECT farmer_id, month, node_id, sum(earned) AS earned, sum(credited) AS credited
           FROM (SELECT farmer_id, strftime('%Y-%m', at, 'unixepoch') AS month, node_id,
                        max(micros, 0) AS earned, max(-micros, 0) AS credited
                   FROM booked
                  UNION ALL
                 SELECT f.farmer_id, f.month, f.node_id, -f.earned_micros, -f.credited_micros
                   FROM spans s CROSS JOIN farm_months f
                     ON f.farmer_id = s.farmer_id AND f.month > s.after_month
                    AND f.month <= s.until_month)
          GROUP BY farmer_id, month, node_id) months
     GROUP BY farmer_id, month,
           iif(EXISTS (SELECT 1 FROM events e
                        WHERE e.node_id = months.node_id
                          AND e.kind IN ('rental-moved-in', 'rental-moved-out')), 0, node_id)
    HAVING sum(earned) <> 0 OR sum(credited) <> 0
     UNION ALL
    SELECT 'farmer ' || farmer_id || ', ' || day FROM (
         SELECT farmer_id, strftime('%Y-%m-%d', at, 'unixepoch') AS day,
                max(micros, 0) AS earned
           FROM booked
          UNION ALL
         SELECT f.farmer_id, f.day, -f.earned_micros
           FROM spans s CROSS JOIN farm_days f
             ON f.farmer_id = s.farmer_id AND f.day > s.after_month || '-99'
            AND f.day < s.until_month || '-99')
     GROUP BY farmer_id, day HAVING sum(earned) <> 0";
