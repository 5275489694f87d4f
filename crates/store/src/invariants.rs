//! What must always hold, each as a query that must find nothing.

use crate::db::{Db, StoreError};
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
pub const INVARIANTS: [Invariant; 42] = [
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
            "WITH spans AS (
                  SELECT kind IN ('rental-ended', 'rental-moved-out') AS is_end, rental_id, node_id,
                         slice_number, id AS began,
                         lead(id, 1, 1 << 62) OVER (PARTITION BY rental_id ORDER BY id) AS over
                    FROM events
                   WHERE kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                  'rental-moved-in', 'rental-moved-out', 'rental-ended'))
             SELECT (SELECT count(*) FROM (
                  SELECT is_end, lag(is_end, 1, 1)
                                 OVER (PARTITION BY node_id, slice_number ORDER BY began) AS before
                    FROM spans WHERE slice_number IS NOT NULL)
               WHERE is_end = before)
             + (SELECT count(*)
                  FROM spans w
                  JOIN spans r ON r.node_id = w.node_id AND r.rental_id <> w.rental_id
                 WHERE w.slice_number IS NULL AND NOT w.is_end AND NOT r.is_end
                   AND w.began < r.over AND r.began < w.over)",
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
        claim: "A node offers no slice beyond what its last report allows and its farmer does.",
        check: Check::Count(
            "SELECT count(*) FROM nodes
               WHERE available_slices > 0
                 AND available_slices + reserved_slices + allocated_slices
                     > max(0, capacity - kept_slices)",
        ),
    },
    Invariant {
        id: "offers-have-a-history",
        claim: "The newest version in the history of an offer is the offer.",
        check: Check::Count(
            "SELECT count(*) FROM nodes n
               WHERE NOT EXISTS (
                     SELECT 1 FROM offer_history h
                      WHERE h.node_id = n.id AND h.version = n.offer_version
                        AND h.changed_at = n.offer_changed_at AND h.name = n.name
                        AND h.price_micros IS n.price_micros
                        AND h.pending_price_micros IS n.pending_price_micros
                        AND h.pending_price_at IS n.pending_price_at
                        AND h.min_uptime = n.min_uptime
                        AND h.min_bandwidth_mbps = n.min_bandwidth_mbps
                        AND h.terms = n.terms AND h.kept_slices = n.kept_slices
                        AND h.listing = n.listing)
                  OR n.offer_version < (SELECT max(version) FROM offer_history
                                         WHERE node_id = n.id)",
        ),
    },
    Invariant {
        id: "maintenance-is-apart",
        claim: "No two windows of maintenance of a node are at the same time.",
        check: Check::Count(
            "SELECT count(*) FROM maintenance a
               JOIN maintenance b ON b.node_id = a.node_id AND b.id <> a.id
                                 AND b.starts_at >= a.starts_at AND b.starts_at < a.ends_at
              WHERE a.canceled_at IS NULL AND b.canceled_at IS NULL",
        ),
    },
    Invariant {
        id: "who-leaves-offers-nothing",
        claim: "A node that leaves is off the market; once it has left, nothing of it is there.",
        check: Check::Count(
            "SELECT count(*) FROM nodes
               WHERE (leaves_at IS NOT NULL AND listing = 'published')
                  OR (left_at IS NOT NULL
                      AND (leaves_at IS NULL OR leaves_at > left_at OR available_slices > 0
                           OR reserved_slices > 0 OR allocated_slices > 0
                           OR whole_rental_id IS NOT NULL))",
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
        claim: "No balance is negative, except a wallet's whose card payment was reversed.",
        check: Check::Count(
            "SELECT count(*) FROM ledger_accounts l
               WHERE l.kind <> 'funding' AND l.balance_micros < 0
                 AND (l.kind <> 'wallet' OR l.owed_micros <> -l.balance_micros
                      OR l.owed_micros > (SELECT coalesce(sum(r.micros), 0)
                                            FROM top_ups u
                                            JOIN top_up_reversals r ON r.top_up_id = u.id
                                           WHERE u.account_id = l.owner_id))",
        ),
    },
    Invariant {
        id: "reversals-are-debited",
        claim: "What was reversed of a top-up's payment was taken from its wallet, once.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM top_ups u JOIN top_up_reversals r ON r.top_up_id = u.id
                      WHERE (r.bookings, -r.micros) <> (
                            SELECT count(*), coalesce(sum(e.amount_micros), 0)
                              FROM ledger_transactions t
                              JOIN ledger_entries e ON e.transaction_id = t.id
                              JOIN ledger_accounts a ON a.id = e.ledger_account_id
                             WHERE t.kind = 'card-reversal'
                               AND t.reference > 'top-up ' || u.id || '/'
                               AND t.reference < 'top-up ' || u.id || '0'
                               AND a.kind = 'wallet' AND a.owner_id = u.account_id))
                  + abs((SELECT count(*) FROM ledger_transactions
                          WHERE kind = 'card-reversal')
                        - (SELECT coalesce(sum(bookings), 0) FROM top_up_reversals))",
        ),
    },
    Invariant {
        id: "proven-farms-hold-nothing",
        claim: "Earnings are held as unproven for farms that are neither verified nor used for a \
                month, and no more than was earned.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM unproven_earnings u
                      WHERE EXISTS (SELECT 1 FROM farms
                                     WHERE id = u.farm_id AND owner_id = u.owner_id)
                         OR EXISTS (SELECT 1 FROM farm_uses
                                     WHERE owner_id = u.owner_id AND farm_id = u.farm_id
                                       AND days = 30))
                  + (SELECT count(*)
                       FROM (SELECT owner_id, sum(micros) AS held
                               FROM unproven_earnings GROUP BY owner_id) u
                      WHERE held > (SELECT coalesce(sum(earned_micros), 0)
                                      FROM farm_months WHERE farmer_id = u.owner_id))",
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
        claim: "What a rental earned went to the platform by its fee, and to who was its farmer.",
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
                             WHERE a.kind = 'earnings'
                               AND a.owner_id IN (SELECT farmer_id FROM events
                                                   WHERE rental_id = r.id)), 0) AS farmer,
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
                       WHERE t.kind IN ('refund', 'outage-refund') AND t.rental_id = r.id
                         AND a.kind = 'wallet')",
        ),
    },
    Invariant {
        id: "compensations-are-booked",
        claim: "What a renter gets because a node left was booked out of the farmer's earnings, or \
                is owed.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM leaving_compensations m
                      WHERE iif(m.owed_at IS NULL, m.micros, 0) <> (
                            SELECT coalesce(sum(e.amount_micros), 0)
                              FROM ledger_transactions t
                              JOIN ledger_entries e ON e.transaction_id = t.id
                              JOIN ledger_accounts a ON a.id = e.ledger_account_id
                             WHERE t.kind = 'leaving-compensation' AND t.reference = m.rental_id
                               AND t.rental_id = m.rental_id
                               AND a.kind = 'wallet' AND a.owner_id = m.renter_id)
                         OR m.owed_at IS NULL AND -m.micros <> (
                            SELECT coalesce(sum(e.amount_micros), 0)
                              FROM ledger_transactions t
                              JOIN ledger_entries e ON e.transaction_id = t.id
                              JOIN ledger_accounts a ON a.id = e.ledger_account_id
                             WHERE t.kind = 'leaving-compensation' AND t.reference = m.rental_id
                               AND a.kind = 'earnings' AND a.owner_id = m.farmer_id))
                  + (SELECT count(*) FROM ledger_transactions t
                      WHERE t.kind = 'leaving-compensation'
                        AND NOT EXISTS (SELECT 1 FROM leaving_compensations
                                         WHERE rental_id = t.reference AND owed_at IS NULL))",
        ),
    },
    Invariant {
        id: "rentals-are-events",
        claim: "Each rental has the events of its start, of each move and, once ended, of its end.",
        // Each move is away from where the rental was; it is where the last one went, and is that
        // node's farmer's, or whose it has become since.
        check: Check::Count(
            "WITH places AS (
                  SELECT id, rental_id, kind, node_id, slice_number, farmer_id,
                         lag(kind) OVER same AS from_kind, lag(node_id) OVER same AS from_node,
                         lag(slice_number) OVER same AS from_slice,
                         row_number() OVER (PARTITION BY rental_id ORDER BY id DESC) AS nth
                    FROM events
                   WHERE kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                  'rental-moved-out', 'rental-moved-in')
                  WINDOW same AS (PARTITION BY rental_id ORDER BY id))
             SELECT (SELECT count(*) FROM rentals r
               WHERE 1 <> (SELECT count(*) FROM places
                            WHERE rental_id = r.id AND kind NOT LIKE 'rental-moved-%')
                  OR 1 <> (SELECT count(*) FROM places
                            WHERE rental_id = r.id AND nth = 1 AND kind <> 'rental-moved-out'
                              AND node_id = r.node_id AND slice_number IS r.slice_number
                              AND r.farmer_id IS coalesce(
                                  (SELECT e.farmer_id FROM events e
                                    WHERE e.rental_id = r.id AND e.kind = 'farmer-changed'
                                      AND e.id > places.id
                                    ORDER BY e.id DESC LIMIT 1), farmer_id))
                  OR (r.state = 'ended') <> (SELECT count(*) FROM events
                            WHERE rental_id = r.id AND kind = 'rental-ended'
                              AND node_id = r.node_id AND slice_number IS r.slice_number))
             + (SELECT count(*) FROM places
                 WHERE (kind = 'rental-moved-in') <> (from_kind IS 'rental-moved-out')
                    OR (kind = 'rental-moved-out' AND (node_id <> from_node
                                                       OR slice_number IS NOT from_slice))
                    OR (kind = 'rental-moved-in' AND node_id = from_node
                        AND slice_number IS from_slice))",
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
        id: "revenue-is-the-ledgers",
        claim: "What farmers earned by month, node and day is what the ledger says.",
        // By node where no rental has moved: the ledger does not say where it was then.
        check: Check::Count(
            "WITH earnings (farmer_id, node_id, at, micros) AS (
                  SELECT a.owner_id, r.node_id, t.created_at, e.amount_micros
                    FROM ledger_entries e
                    JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'earnings'
                    JOIN ledger_transactions t ON t.id = e.transaction_id
                    JOIN rentals r ON r.id = t.rental_id)
             SELECT (SELECT count(*) FROM (
                  SELECT 1 FROM (
                      SELECT farmer_id, strftime('%Y-%m', at, 'unixepoch') AS month, node_id,
                             max(micros, 0) AS earned, max(-micros, 0) AS credited
                        FROM earnings
                       UNION ALL
                      SELECT farmer_id, month, node_id, -earned_micros, -credited_micros
                        FROM farm_months)
                   GROUP BY farmer_id, month,
                         iif(node_id IN (SELECT node_id FROM events
                                          WHERE kind IN ('rental-moved-in', 'rental-moved-out')),
                             0, node_id)
                  HAVING sum(earned) <> 0 OR sum(credited) <> 0))
             + (SELECT count(*) FROM (
                  SELECT 1 FROM (
                      SELECT farmer_id, strftime('%Y-%m-%d', at, 'unixepoch') AS day,
                             max(micros, 0) AS earned
                        FROM earnings
                       UNION ALL
                      SELECT farmer_id, day, -earned_micros FROM farm_days)
                   GROUP BY farmer_id, day HAVING sum(earned) <> 0))",
        ),
    },
    Invariant {
        id: "payouts-are-booked",
        claim: "A payout's amount is held until it is sent, has left then, or is back; every \
                other escrow is a rental's.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM (
                  SELECT p.amount_micros AS amount, p.state,
                         coalesce((SELECT balance_micros FROM ledger_accounts
                                    WHERE kind = 'escrow' AND owner_id = p.id), 0) AS held,
                         coalesce(sum(e.amount_micros) FILTER (
                             WHERE a.kind = 'earnings' AND a.owner_id = p.account_id), 0) AS owed,
                         coalesce(sum(e.amount_micros) FILTER (WHERE a.kind = 'funding'), 0)
                             AS gone
                    FROM payouts p
                    LEFT JOIN ledger_transactions t
                      ON t.kind IN ('payout-request', 'payout-send', 'payout-return')
                     AND t.reference = p.id
                    LEFT JOIN ledger_entries e ON e.transaction_id = t.id
                    LEFT JOIN ledger_accounts a ON a.id = e.ledger_account_id
                   GROUP BY p.id)
               WHERE held <> iif(state IN ('requested', 'approved'), amount, 0)
                  OR gone <> iif(state IN ('sent', 'done'), amount, 0)
                  OR owed <> iif(state IN ('failed', 'canceled'), 0, -amount))
             + (SELECT count(*) FROM ledger_transactions t
                 WHERE t.kind IN ('payout-request', 'payout-send', 'payout-return')
                   AND NOT EXISTS (SELECT 1 FROM payouts WHERE id = t.reference))
             + (SELECT count(*) FROM ledger_accounts a
                 WHERE a.kind = 'escrow'
                   AND NOT EXISTS (SELECT 1 FROM rentals WHERE id = a.owner_id)
                   AND NOT EXISTS (SELECT 1 FROM payouts WHERE id = a.owner_id))",
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
        // What came from another slice may have earned there, unless access was owed there as
        // well: then it is refunded when that would have been. A term for which nobody gave an SSH
        // key is earned at its end.
        check: Check::Count(
            "SELECT count(*)
               FROM rentals r
               JOIN jobs j ON j.rental_id = r.id AND j.kind = 'create'
                          AND j.state IN ('needs-key', 'waiting', 'leased', 'failed')
              WHERE r.state = 'active'
                AND (SELECT sum(earned_micros) FROM rental_periods
                      WHERE rental_id = r.id
                        AND (j.state <> 'needs-key'
                             OR number = (SELECT max(number) FROM rental_periods
                                           WHERE rental_id = r.id))) > 0
                AND NOT EXISTS (
                    SELECT 1 FROM events e
                     WHERE e.rental_id = r.id AND e.kind = 'rental-moved-out'
                       AND NOT EXISTS (SELECT 1 FROM jobs l
                                        WHERE l.rental_id = r.id AND l.kind = 'create'
                                          AND l.state = 'canceled' AND l.node_id = e.node_id
                                          AND l.slice_number = e.slice_number
                                          AND l.refund_at = j.refund_at))",
        ),
    },
    Invariant {
        id: "one-access-at-a-time",
        claim: "What a rental waits for is being made on a slice that it has.",
        check: Check::Count(
            "SELECT count(*) FROM jobs j
              WHERE j.kind = 'create' AND j.state IN ('needs-key', 'waiting', 'leased', 'failed')
                AND NOT EXISTS (SELECT 1 FROM slices
                                 WHERE rental_id = j.rental_id AND node_id = j.node_id
                                   AND number = j.slice_number)",
        ),
    },
    Invariant {
        id: "machines-are-of-rentals",
        claim: "A machine is watched from its setup by an agent until its rental leaves the slice.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM machines m
                      WHERE NOT EXISTS (
                            SELECT 1 FROM jobs j JOIN rentals r ON r.id = j.rental_id
                             WHERE j.id = m.job_id AND j.kind = 'create' AND j.state = 'done'
                               AND r.state <> 'ended' AND r.node_id = j.node_id
                               AND coalesce(r.slice_number, j.slice_number) = j.slice_number))
                  + (SELECT count(*)
                       FROM rentals r
                       JOIN jobs j ON j.rental_id = r.id AND j.node_id = r.node_id
                                  AND j.slice_number = coalesce(r.slice_number, j.slice_number)
                                  AND j.kind = 'create' AND j.state = 'done'
                                  AND j.is_by_hand = 0
                      WHERE r.state <> 'ended'
                        AND NOT EXISTS (SELECT 1 FROM machines WHERE job_id = j.id))",
        ),
    },
    Invariant {
        id: "no-access-no-pay",
        claim: "A rental that got no access has ended, and what was not earned was refunded.",
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
        id: "farms-are-offered-by-owners",
        claim: "Nodes of a verified farm are offered by its owner only.",
        check: Check::Count(
            "SELECT count(*) FROM farms f JOIN nodes n ON n.farm_id = f.id
              WHERE n.listing = 'published' AND n.farmer_id <> f.owner_id",
        ),
    },
    Invariant {
        id: "rentals-earn-for-the-farmer",
        claim: "What runs on a node earns for the farmer of the node.",
        check: Check::Count(
            "SELECT count(*) FROM rentals r JOIN nodes n ON n.id = r.node_id
              WHERE r.state <> 'ended' AND r.farmer_id <> n.farmer_id",
        ),
    },
    Invariant {
        id: "stays-are-the-rental",
        claim: "A rental's stays follow one another, and the last one is where and what it is.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM (
                  SELECT started_at, number, ended_at, evaluated_until, evaluate_at,
                         lag(ended_at, 1, started_at) OVER same AS before,
                         row_number() OVER same AS nth
                    FROM tenures
                  WINDOW same AS (PARTITION BY rental_id ORDER BY number))
               WHERE started_at IS NOT before OR number <> nth OR evaluated_until < started_at
                  OR evaluated_until > coalesce(ended_at, evaluated_until)
                  OR (evaluate_at IS NULL AND evaluated_until IS NOT ended_at))
             + (SELECT count(*) FROM rentals r
                  LEFT JOIN tenures s ON s.rental_id = r.id AND s.ended_at IS NULL
                 WHERE (r.state = 'ended') <> (s.rental_id IS NULL)
                    OR (s.rental_id IS NOT NULL
                        AND (s.node_id <> r.node_id OR s.farmer_id <> r.farmer_id
                             OR s.min_uptime <> r.min_uptime
                             OR s.min_bandwidth_mbps <> r.min_bandwidth_mbps)))",
        ),
    },
    Invariant {
        id: "credits-are-the-evidence",
        claim: "A month is credited by the published scale for what was measured, and no more.",
        // The scale of `domain::sla`; a test compares them. The lower uptime counts. Rounded to the
        // cent either way.
        check: Check::Count(
            "SELECT count(*) FROM (
                  SELECT percent, base_micros, credit_micros, observed, from_at, until_at, month,
                         measured_uptime IS NOT iif(of_node IS NULL OR of_machines < of_node,
                                                    of_machines, of_node) AS is_other,
                         CASE WHEN measured_uptime IS NULL OR measured_uptime >= min_uptime THEN 0
                              WHEN measured_uptime < 9500 THEN 50
                              WHEN measured_uptime < 9900 THEN 25 ELSE 10 END
                         + coalesce((measured_mbps < min_bandwidth_mbps) * 10, 0) AS scale
                    FROM (SELECT *,
                                 iif(observed < 12, NULL, observed_up * 10000 / observed)
                                     AS of_node,
                                 iif(machine_seconds >= 3600,
                                     (machine_seconds - machine_down_seconds) * 10000
                                     / machine_seconds, NULL) AS of_machines
                            FROM sla_months))
               WHERE is_other OR percent <> scale
                  OR abs(credit_micros * 100 - base_micros * percent) > 500000
                  OR strftime('%Y-%m', from_at, 'unixepoch') <> month
                  OR strftime('%Y-%m', until_at - 1, 'unixepoch') <> month",
        ),
    },
    Invariant {
        id: "credits-are-booked",
        claim: "What a renter has for a month was booked out of the farmer's earnings.",
        check: Check::Count(
            "SELECT (SELECT count(*) FROM (
                  SELECT m.paid_micros AS paid, m.credit_micros AS credit, m.owed_at,
                         (SELECT credit_micros FROM sla_disputes
                           WHERE rental_id = m.rental_id AND month = m.month AND tenure = m.tenure
                             AND decided_at IS NOT NULL
                           ORDER BY decided_at DESC, id DESC LIMIT 1) AS decided,
                         (SELECT coalesce(sum(e.amount_micros), 0)
                            FROM ledger_transactions t
                            JOIN ledger_entries e ON e.transaction_id = t.id
                            JOIN ledger_accounts a ON a.id = e.ledger_account_id
                           WHERE a.kind = 'wallet' AND a.owner_id = m.renter_id
                             AND ((t.kind = 'sla-credit'
                                   AND t.reference = 'month ' || m.rental_id || '/' || m.month
                                                     || '/' || m.tenure)
                                  OR (t.kind = 'sla-correction'
                                      AND t.reference IN (
                                          SELECT id FROM sla_disputes
                                           WHERE rental_id = m.rental_id AND month = m.month
                                             AND tenure = m.tenure)))) AS booked
                    FROM sla_months m)
               WHERE paid <> booked
                  OR (decided IS NULL AND paid <> iif(owed_at IS NULL, credit, 0))
                  OR (decided IS NOT NULL AND owed_at IS NOT NULL))
             + (SELECT count(*) FROM ledger_transactions t
                 WHERE (t.kind = 'sla-correction'
                        AND NOT EXISTS (SELECT 1 FROM sla_disputes WHERE id = t.reference))
                    OR (t.kind = 'sla-credit' AND t.reference LIKE 'month %'
                        AND NOT EXISTS (
                            SELECT 1 FROM sla_months
                             WHERE rental_id = t.rental_id
                               AND 'month ' || rental_id || '/' || month || '/' || tenure
                                   = t.reference)))",
        ),
    },
    Invariant {
        id: "ledger-chain",
        claim: "The newest 100,000 transactions of the ledger are as they were sealed.",
        check: Check::LedgerChain,
    },
    Invariant {
        id: "no-violations",
        claim: "In the last day no change has met a rule of the schema that code should have kept.",
        check: Check::Count(
            "SELECT coalesce(sum(count), 0) FROM violations
              WHERE last_at > (SELECT coalesce(max(checked_at), 0) - 86400 FROM invariant_checks)",
        ),
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
pub fn check(db: &dyn Db) -> Result<Vec<Finding>, StoreError> {
    let find = |invariant: &'static Invariant| {
        Ok(Finding { invariant, violations: violations(db, invariant)? })
    };
    INVARIANTS.iter().map(find).collect()
}

/// How many things break an invariant now.
pub fn violations(db: &dyn Db, invariant: &Invariant) -> Result<u64, StoreError> {
    match invariant.check {
        Check::Count(sql) => Ok(db.first(sql, &[])?.unwrap_or(1)),
        Check::AuditChain => audit::broken(db),
        Check::LedgerChain => ledger_chain::broken(db),
    }
}
