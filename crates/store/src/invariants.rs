//! What must always hold, each as a query that must find nothing.

use crate::db::{Db, StoreError, only};
use crate::{audit, ledger_chain};

/// Something that must always hold.
pub struct Invariant {
    /// A short name for programs.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    check: Check,
}

/// How an invariant is checked.
enum Check {
    /// By a query that counts what breaks it.
    Count(&'static str),
    /// By computing the audit log's seals again.
    AuditChain,
    /// By computing the ledger's seals again.
    LedgerChain,
}

/// Every invariant that the database alone can show.
pub const INVARIANTS: [Invariant; 26] = [
    Invariant {
        id: "one-rental-per-slice",
        claim: "A slice has at most one live rental, and a node that is rented whole has no other.",
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT 1 FROM rentals WHERE state <> 'ended'
                   GROUP BY node_id, slice_number HAVING count(*) > 1
                  UNION ALL
                  SELECT 1 FROM rentals w
                    JOIN rentals r ON r.node_id = w.node_id AND r.id <> w.id
                   WHERE w.slice_number IS NULL AND w.state <> 'ended' AND r.state <> 'ended')",
        ),
    },
    Invariant {
        id: "rentals-never-overlap",
        claim: "The rentals of a slice follow one another: each ends before the next begins.",
        // By the order of events, because the clocks of two machines differ by more than nothing.
        check: Check::Count(
            "SELECT (SELECT count(*) FROM (
                  SELECT kind, lag(kind, 1, 'rental-ended')
                               OVER (PARTITION BY node_id, slice_number ORDER BY id) AS before
                    FROM events
                   WHERE kind IN ('slice-rented', 'rental-ended') AND slice_number IS NOT NULL)
               WHERE kind = before)
             + (SELECT count(*)
                  FROM rentals w
                  JOIN rentals r ON r.node_id = w.node_id AND r.id <> w.id
                 WHERE w.slice_number IS NULL
                   AND (SELECT min(id) FROM events WHERE rental_id = w.id)
                       < coalesce((SELECT id FROM events
                                    WHERE rental_id = r.id AND kind = 'rental-ended'), 1 << 62)
                   AND (SELECT min(id) FROM events WHERE rental_id = r.id)
                       < coalesce((SELECT id FROM events
                                    WHERE rental_id = w.id AND kind = 'rental-ended'), 1 << 62))",
        ),
    },
    Invariant {
        id: "allocated-means-rented",
        claim: "A slice is allocated if and only if a live rental has it.",
        check: Check::Count(
            "SELECT (SELECT count(*)
                  FROM slices s
                  LEFT JOIN rentals r ON r.id = s.rental_id AND r.state <> 'ended'
                                     AND r.node_id = s.node_id
                                     AND coalesce(r.slice_number, s.number) = s.number
                 WHERE (s.state = 'allocated') <> (r.id IS NOT NULL))
             + (SELECT count(*)
                  FROM rentals r
                  LEFT JOIN slices s ON s.node_id = r.node_id AND s.number = r.slice_number
                 WHERE r.state <> 'ended' AND r.slice_number IS NOT NULL
                   AND s.rental_id IS NOT r.id)
             + (SELECT count(*) FROM nodes n
                 WHERE n.whole_rental_id IS NOT
                       (SELECT id FROM rentals
                         WHERE node_id = n.id AND slice_number IS NULL AND state <> 'ended'))",
        ),
    },
    Invariant {
        id: "reserved-means-held",
        claim: "A slice is reserved if and only if a quote that was not used holds it.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM slices s
                  LEFT JOIN quotes q ON q.id = s.quote_id AND q.held_until IS NOT NULL
                                    AND q.used_at IS NULL
                 WHERE (s.state = 'reserved') <> (q.id IS NOT NULL))
             + (SELECT count(*) FROM quotes q
                 WHERE q.held_until IS NOT NULL
                   AND json_array_length(q.items)
                       <> (SELECT count(*) FROM slices WHERE quote_id = q.id))",
        ),
    },
    Invariant {
        id: "quotes-are-kept-to",
        claim: "Who rented with a quote was charged exactly what it said.",
        check: Check::Count(
            "SELECT count(*)
                FROM orders o JOIN quotes q ON q.id = o.quote_id
               WHERE o.total_micros <> q.document ->> 'total_micros' OR q.used_at IS NULL
                  OR o.account_id <> q.account_id OR q.used_at >= q.expires_at",
        ),
    },
    Invariant {
        id: "counters-are-counts",
        claim: "A node's counters equal the count of its slices.",
        check: Check::Count(
            "SELECT count(*) FROM nodes n
               WHERE n.available_slices <> (SELECT count(*) FROM slices
                                             WHERE node_id = n.id AND state = 'available')
                  OR n.reserved_slices <> (SELECT count(*) FROM slices
                                            WHERE node_id = n.id AND state = 'reserved')
                  OR n.allocated_slices <> (SELECT count(*) FROM slices
                                             WHERE node_id = n.id AND state = 'allocated')",
        ),
    },
    Invariant {
        id: "capacity-is-kept",
        claim: "A node offers no slice beyond what its last report allows.",
        check: Check::Count(
            "SELECT count(*) FROM nodes
               WHERE available_slices > 0
                 AND available_slices + reserved_slices + allocated_slices > capacity",
        ),
    },
    Invariant {
        id: "transactions-sum-to-zero",
        claim: "The entries of each ledger transaction sum to zero.",
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT 1 FROM ledger_transactions t
                    LEFT JOIN ledger_entries e ON e.transaction_id = t.id
                   GROUP BY t.id
                  HAVING coalesce(sum(e.amount_micros), 1) <> 0)",
        ),
    },
    Invariant {
        id: "balances-are-sums",
        claim: "A balance is the sum of its entries.",
        check: Check::Count(
            "SELECT count(*) FROM ledger_accounts a
               WHERE a.balance_micros <> (SELECT coalesce(sum(amount_micros), 0)
                                            FROM ledger_entries
                                           WHERE ledger_account_id = a.id)",
        ),
    },
    Invariant {
        id: "no-negative-balance",
        claim: "Nobody's balance is negative; only what came in from outside is.",
        check: Check::Count(
            "SELECT count(*) FROM ledger_accounts
               WHERE kind <> 'funding' AND balance_micros < 0",
        ),
    },
    Invariant {
        id: "rentals-are-paid",
        claim: "Each term of a rental was charged exactly its total, once, to who paid it.",
        check: Check::Count(
            "SELECT count(*) FROM rental_periods p
               WHERE p.total_micros > 0 AND 1 <>
                     (SELECT count(*)
                        FROM ledger_transactions t
                        JOIN ledger_entries e ON e.transaction_id = t.id
                        JOIN ledger_accounts a ON a.id = e.ledger_account_id
                       WHERE t.kind = iif(p.number = 1, 'rental', 'extension')
                         AND t.reference = iif(p.number = 1, p.rental_id, p.order_id)
                         AND t.rental_id = p.rental_id
                         AND a.kind = 'wallet' AND a.owner_id = p.payer_id
                         AND e.amount_micros = -p.total_micros)",
        ),
    },
    Invariant {
        id: "terms-follow-one-another",
        claim: "A rental's terms follow one another from its start to its end.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM (
                  SELECT p.starts_at, r.started_at, p.number,
                         lag(p.ends_at, 1, r.started_at) OVER same AS before,
                         row_number() OVER same AS nth
                    FROM rental_periods p JOIN rentals r ON r.id = p.rental_id
                  WINDOW same AS (PARTITION BY p.rental_id ORDER BY p.number))
               WHERE starts_at <> before OR number <> nth)
             + (SELECT count(*) FROM rentals r
                 WHERE r.ends_at IS NOT (SELECT max(ends_at) FROM rental_periods
                                          WHERE rental_id = r.id))",
        ),
    },
    Invariant {
        id: "orders-are-sums",
        claim: "An order's total is the sum of the terms that it paid for.",
        check: Check::Count(
            "SELECT count(*) FROM orders o
               WHERE o.total_micros IS NOT (SELECT sum(total_micros) FROM rental_periods
                                             WHERE order_id = o.id)",
        ),
    },
    Invariant {
        id: "escrow-holds-what-is-not-earned",
        claim: "A rental's escrow holds what is neither earned nor refunded; once over, nothing.",
        check: Check::Count(
            "SELECT count(*)
                FROM rentals r
                LEFT JOIN ledger_accounts a ON a.kind = 'escrow' AND a.owner_id = r.id
               WHERE coalesce(a.balance_micros, 0)
                     <> (SELECT sum(total_micros - earned_micros - refunded_micros)
                           FROM rental_periods WHERE rental_id = r.id)
                  OR (r.state <> 'active' AND coalesce(a.balance_micros, 0) <> 0)",
        ),
    },
    Invariant {
        id: "earnings-are-split",
        claim: "What a rental earned went to the platform by its fee, and to its farmer.",
        // In cents, of which every total is a whole number, so that no product leaves 64 bits.
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT r.id,
                         (SELECT sum(earned_micros) FROM rental_periods
                           WHERE rental_id = r.id) AS earned,
                         (SELECT sum(earned_micros / 10000 * (fee_micros / 10000)
                                     / max(1, total_micros / 10000) * 10000)
                            FROM rental_periods WHERE rental_id = r.id) AS fees,
                         coalesce(sum(e.amount_micros) FILTER (
                             WHERE a.kind = 'earnings' AND a.owner_id = r.farmer_id), 0) AS farmer,
                         coalesce(sum(e.amount_micros) FILTER (
                             WHERE a.kind = 'platform'), 0) AS platform
                    FROM rentals r
                    LEFT JOIN ledger_transactions t
                      ON t.rental_id = r.id AND t.kind IN ('earning', 'settlement')
                    LEFT JOIN ledger_entries e ON e.transaction_id = t.id
                    LEFT JOIN ledger_accounts a ON a.id = e.ledger_account_id
                   GROUP BY r.id)
               WHERE earned <> farmer + platform OR fees <> platform",
        ),
    },
    Invariant {
        id: "refunds-are-paid-back",
        claim: "What was refunded of a rental went to a wallet, once.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
               WHERE (SELECT sum(refunded_micros) FROM rental_periods WHERE rental_id = r.id) <>
                     (SELECT coalesce(sum(e.amount_micros), 0)
                        FROM ledger_transactions t
                        JOIN ledger_entries e ON e.transaction_id = t.id
                        JOIN ledger_accounts a ON a.id = e.ledger_account_id
                       WHERE t.kind = 'refund' AND t.rental_id = r.id AND a.kind = 'wallet')",
        ),
    },
    Invariant {
        id: "rentals-are-events",
        claim: "Each rental has the event of its start and, once ended, of its end.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
               WHERE 1 <> (SELECT count(*) FROM events
                            WHERE rental_id = r.id
                              AND kind IN ('slice-rented', 'node-rented', 'node-rental-imported')
                              AND node_id = r.node_id AND slice_number IS r.slice_number)
                  OR (r.state = 'ended') <> (SELECT count(*) FROM events
                            WHERE rental_id = r.id AND kind = 'rental-ended'
                              AND node_id = r.node_id AND slice_number IS r.slice_number)",
        ),
    },
    Invariant {
        id: "own-slices-are-not-rented",
        claim: "Nobody rents a slice of their own node.",
        check: Check::Count("SELECT count(*) FROM rentals WHERE renter_id = farmer_id"),
    },
    Invariant {
        id: "top-ups-are-credited",
        claim: "Each paid top-up has exactly one credit, of its amount, and no other has any.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM top_ups u
                      WHERE (u.state = 'paid')
                         <> (SELECT count(*)
                               FROM ledger_transactions t
                               JOIN ledger_entries e ON e.transaction_id = t.id
                               JOIN ledger_accounts a ON a.id = e.ledger_account_id
                              WHERE t.kind = 'credit' AND t.reference = 'top-up ' || u.id
                                AND a.kind = 'wallet' AND a.owner_id = u.account_id
                                AND e.amount_micros = u.amount_micros))
                  + (SELECT count(*) FROM ledger_transactions t
                      WHERE t.kind = 'credit'
                        AND t.reference > 'top-up ' AND t.reference < 'top-up!'
                        AND NOT EXISTS (SELECT 1 FROM top_ups
                                         WHERE state = 'paid' AND 'top-up ' || id = t.reference))",
        ),
    },
    Invariant {
        id: "removed-before-offered",
        claim: "A slice whose old machine is not gone yet is not offered, and is known as that.",
        check: Check::Count(
            "SELECT (SELECT count(*)
                  FROM slices s
                  LEFT JOIN jobs j ON j.id = s.removing_job AND j.kind = 'remove'
                                  AND j.state <> 'done' AND j.node_id = s.node_id
                                  AND j.slice_number = s.number
                 WHERE s.removing_job IS NOT NULL AND (j.id IS NULL OR s.state <> 'retired'))
             + (SELECT count(*) FROM jobs j
                 WHERE j.kind = 'remove' AND j.state <> 'done'
                   AND NOT EXISTS (SELECT 1 FROM slices WHERE removing_job = j.id))",
        ),
    },
    Invariant {
        id: "access-before-earning",
        claim: "Nothing is earned with a running rental before its machines are there.",
        // What was moved to another node has earned there.
        check: Check::Count(
            "SELECT count(*) FROM rentals r
              WHERE r.state = 'active'
                AND (SELECT sum(earned_micros) FROM rental_periods WHERE rental_id = r.id) > 0
                AND EXISTS (SELECT 1 FROM jobs
                             WHERE rental_id = r.id AND kind = 'create'
                               AND state IN ('needs-key', 'waiting', 'leased', 'failed'))
                AND NOT EXISTS (SELECT 1 FROM jobs
                                 WHERE rental_id = r.id AND node_id <> r.node_id)",
        ),
    },
    Invariant {
        id: "no-access-no-pay",
        claim: "What had no access has ended, and all that nobody had earned was paid back.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
              WHERE EXISTS (SELECT 1 FROM jobs WHERE rental_id = r.id AND state = 'refunded')
                AND (r.state <> 'ended'
                     OR (SELECT sum(total_micros - earned_micros - refunded_micros)
                           FROM rental_periods WHERE rental_id = r.id) <> 0
                     OR 1 <> (SELECT count(*) FROM events
                               WHERE rental_id = r.id AND kind = 'rental-refunded'))",
        ),
    },
    Invariant {
        id: "audit-chain",
        claim: "The newest 100,000 entries of the audit log are as they were sealed.",
        check: Check::AuditChain,
    },
    Invariant {
        id: "balances-run-on",
        claim: "The balance after each entry is the one before it and the amount.",
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT balance_after_micros - amount_micros
                         <> lag(balance_after_micros, 1, 0)
                            OVER (PARTITION BY ledger_account_id ORDER BY transaction_id)
                         AS is_broken
                    FROM ledger_entries)
               WHERE is_broken",
        ),
    },
    Invariant {
        id: "entries-have-a-month",
        claim: "Each entry of a wallet or of earnings is in the month that it was booked in.",
        // Or in a later one that had begun already, by the clock of another machine.
        check: Check::Count(
            "SELECT count(*)
                FROM ledger_entries e
                JOIN ledger_accounts a ON a.id = e.ledger_account_id
                JOIN ledger_transactions t ON t.id = e.transaction_id
               WHERE a.kind IN ('wallet', 'earnings')
                 AND coalesce((SELECT m.month FROM ledger_months m
                                WHERE m.ledger_account_id = a.id
                                  AND m.first_transaction_id <= t.id
                                ORDER BY m.month DESC LIMIT 1), '')
                     < strftime('%Y-%m', t.created_at, 'unixepoch')",
        ),
    },
    Invariant {
        id: "ledger-chain",
        claim: "The newest 100,000 transactions of the ledger are as they were sealed.",
        check: Check::LedgerChain,
    },
];

/// An invariant, and how often it is broken now.
pub struct Finding {
    /// What should hold.
    pub invariant: &'static Invariant,
    /// How many things break it.
    pub violations: u64,
}

/// Checks every invariant.
pub fn check(db: &impl Db) -> Result<Vec<Finding>, StoreError> {
    INVARIANTS
        .iter()
        .map(|invariant| {
            let violations = match invariant.check {
                Check::Count(sql) => only(db.run(sql, &[])?).map_or(Ok(1), |row| row.number(0))?,
                Check::AuditChain => audit::broken(db)?,
                Check::LedgerChain => ledger_chain::broken(db)?,
            };
            Ok(Finding { invariant, violations })
        })
        .collect()
}
