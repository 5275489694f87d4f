//! What must always hold, each as a query that must find nothing.

use crate::audit;
use crate::db::{Db, StoreError, only};

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
}

/// Every invariant that the database alone can show.
pub const INVARIANTS: [Invariant; 14] = [
    Invariant {
        id: "one-rental-per-slice",
        claim: "A slice has at most one active rental.",
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT 1 FROM rentals WHERE state = 'active'
                   GROUP BY node_id, slice_number HAVING count(*) > 1)",
        ),
    },
    Invariant {
        id: "rentals-never-overlap",
        claim: "The rentals of a slice follow one another: each ends before the next begins.",
        // By the order of events, because the clocks of two machines differ by more than nothing.
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT kind, lag(kind, 1, 'rental-ended')
                               OVER (PARTITION BY node_id, slice_number ORDER BY id) AS before
                    FROM events
                   WHERE kind IN ('slice-rented', 'rental-ended'))
               WHERE kind = before",
        ),
    },
    Invariant {
        id: "allocated-means-rented",
        claim: "A slice is allocated if and only if it has an active rental.",
        check: Check::Count(
            "SELECT count(*)
                FROM slices s
                LEFT JOIN rentals r ON r.node_id = s.node_id AND r.slice_number = s.number
                                   AND r.state = 'active'
               WHERE (s.state = 'allocated') <> (r.id IS NOT NULL)",
        ),
    },
    Invariant {
        id: "counters-are-counts",
        claim: "A node's counters equal the count of its slices.",
        check: Check::Count(
            "SELECT count(*) FROM nodes n
               WHERE n.available_slices <> (SELECT count(*) FROM slices
                                             WHERE node_id = n.id AND state = 'available')
                  OR n.allocated_slices <> (SELECT count(*) FROM slices
                                             WHERE node_id = n.id AND state = 'allocated')",
        ),
    },
    Invariant {
        id: "capacity-is-kept",
        claim: "A node offers no slice beyond what its last report allows.",
        check: Check::Count(
            "SELECT count(*) FROM nodes
               WHERE available_slices > 0 AND available_slices + allocated_slices > capacity",
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
        claim: "Each rental was charged exactly its total, once, to its renter.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
               WHERE 1 <> (SELECT count(*)
                             FROM ledger_transactions t
                             JOIN ledger_entries e ON e.transaction_id = t.id
                             JOIN ledger_accounts a ON a.id = e.ledger_account_id
                            WHERE t.kind = 'rental' AND t.reference = r.id
                              AND a.kind = 'wallet' AND a.owner_id = r.renter_id
                              AND e.amount_micros = -r.total_micros)",
        ),
    },
    Invariant {
        id: "escrow-holds-running-rentals",
        claim: "The escrow of a running rental holds its total; that of an ended one is empty.",
        check: Check::Count(
            "SELECT count(*)
                FROM rentals r
                LEFT JOIN ledger_accounts a ON a.kind = 'escrow' AND a.owner_id = r.id
               WHERE coalesce(a.balance_micros, 0)
                     <> CASE r.state WHEN 'active' THEN r.total_micros ELSE 0 END",
        ),
    },
    Invariant {
        id: "settlements-are-split",
        claim: "An ended rental paid its fee to the platform, and the rest to its farmer.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
               WHERE r.state = 'ended'
                 AND (r.total_micros - r.fee_micros, r.fee_micros) <>
                     (SELECT coalesce(sum(e.amount_micros) FILTER (
                                 WHERE a.kind = 'earnings' AND a.owner_id = r.farmer_id), 0),
                             coalesce(sum(e.amount_micros) FILTER (
                                 WHERE a.kind = 'platform'), 0)
                        FROM ledger_transactions t
                        JOIN ledger_entries e ON e.transaction_id = t.id
                        JOIN ledger_accounts a ON a.id = e.ledger_account_id
                       WHERE t.kind = 'settlement' AND t.reference = r.id)",
        ),
    },
    Invariant {
        id: "rentals-are-events",
        claim: "Each rental has the event of its start and, once ended, of its end.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r
               WHERE 1 <> (SELECT count(*) FROM events
                            WHERE rental_id = r.id AND kind = 'slice-rented'
                              AND node_id = r.node_id AND slice_number = r.slice_number)
                  OR (r.state = 'ended') <> (SELECT count(*) FROM events
                            WHERE rental_id = r.id AND kind = 'rental-ended'
                              AND node_id = r.node_id AND slice_number = r.slice_number)",
        ),
    },
    Invariant {
        id: "own-slices-are-not-rented",
        claim: "Nobody rents a slice of their own node.",
        check: Check::Count("SELECT count(*) FROM rentals WHERE renter_id = farmer_id"),
    },
    Invariant {
        id: "audit-chain",
        claim: "The newest 100,000 entries of the audit log are as they were sealed.",
        check: Check::AuditChain,
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
            };
            Ok(Finding { invariant, violations })
        })
        .collect()
}
