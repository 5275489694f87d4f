//! What holds on what was paid: for rentals, by cards, and to farmers.

use constcat::concat;

use crate::invariants::histories::{
    LEDGER_ACCOUNTS, ORDERS, PAYOUTS, RENTALS, TOP_UPS, TRANSACTIONS,
};
use crate::invariants::{Check, Invariant, seen};

pub(super) const QUOTES_ARE_KEPT_TO: Invariant = Invariant {
    id: "quotes-are-kept-to",
    claim: "Who rented with a quote was charged exactly what it said.",
    checks: &[Check::Scan(
        &ORDERS,
        "SELECT 'order ' || o.id FROM orders o JOIN quotes q ON q.id = o.quote_id
          WHERE o.rowid > ?1 AND o.rowid <= ?2
            AND (o.total_micros <> q.document ->> 'total_micros' OR q.used_at IS NULL
                 OR o.account_id <> q.account_id OR q.used_at >= q.expires_at)",
    )],
};

pub(super) const REVERSALS_ARE_DEBITED: Invariant = Invariant {
    id: "reversals-are-debited",
    claim: "What was reversed of a top-up's payment was taken from its wallet, once.",
    checks: &[
        Check::Scan(&TOP_UPS, concat!(seen::TOP_UPS, REVERSED)),
        Check::Scan(
            &TRANSACTIONS,
            concat!(
                seen::TOP_UPS_OF_TRANSACTIONS,
                REVERSED,
                "
     UNION ALL
    SELECT 'transaction ' || t.id FROM ledger_transactions t
     WHERE t.id > ?1 AND t.id <= ?2 AND t.kind = 'card-reversal'
       AND NOT EXISTS (
           SELECT 1 FROM top_up_reversals
            WHERE top_up_id
                  = rtrim(rtrim(substr(t.reference, 8), '0123456789'), '/'))"
            ),
        ),
    ],
};

const REVERSED: &str = "
    SELECT 'top-up ' || u.id
      FROM seen CROSS JOIN top_ups u ON u.id = seen.id
     CROSS JOIN top_up_reversals r ON r.top_up_id = u.id
     WHERE (r.bookings, -r.micros) <> (
           SELECT count(*), coalesce(sum(e.amount_micros), 0)
             FROM ledger_transactions t
             JOIN ledger_entries e ON e.transaction_id = t.id
             JOIN ledger_accounts a ON a.id = e.ledger_account_id
            WHERE t.kind = 'card-reversal'
              AND t.reference > 'top-up ' || u.id || '/'
              AND t.reference < 'top-up ' || u.id || '0'
              AND a.kind = 'wallet' AND a.owner_id = u.account_id)";

pub(super) const PROVEN_FARMS_HOLD_NOTHING: Invariant = Invariant {
    id: "proven-farms-hold-nothing",
    claim: "Earnings are held as unproven for farms that are neither verified nor used for a \
            month, and no more than was earned.",
    checks: &[Check::Whole(
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
    )],
};

pub(super) const COMPENSATIONS_ARE_BOOKED: Invariant = Invariant {
    id: "compensations-are-booked",
    claim: "What a renter gets because a node left was booked out of the farmer's earnings, or is \
            owed.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, COMPENSATED)),
        Check::Scan(
            &TRANSACTIONS,
            concat!(
                seen::RENTALS_OF_COMPENSATIONS,
                COMPENSATED,
                "
     UNION ALL
    SELECT 'transaction ' || t.id FROM ledger_transactions t
     WHERE t.id > ?1 AND t.id <= ?2 AND t.kind = 'leaving-compensation'
       AND NOT EXISTS (SELECT 1 FROM leaving_compensations
                        WHERE rental_id = t.reference AND owed_at IS NULL)"
            ),
        ),
    ],
};

/// Not of rentals whose bookings may be archived.
const COMPENSATED: &str = "
    SELECT 'rental ' || m.rental_id
      FROM seen CROSS JOIN leaving_compensations m ON m.rental_id = seen.id
     WHERE NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = m.rental_id)
       AND ((SELECT coalesce(sum(e.amount_micros), 0)
               FROM ledger_transactions t
               JOIN ledger_entries e ON e.transaction_id = t.id
               JOIN ledger_accounts a ON a.id = e.ledger_account_id
              WHERE t.kind = 'leaving-compensation' AND t.reference = m.rental_id
                AND t.rental_id = m.rental_id
                AND a.kind = 'wallet' AND a.owner_id = m.renter_id)
            <> iif(m.owed_at IS NULL, m.micros, 0)
            OR m.owed_at IS NULL AND -m.micros <> (
               SELECT coalesce(sum(e.amount_micros), 0)
                 FROM ledger_transactions t
                 JOIN ledger_entries e ON e.transaction_id = t.id
                 JOIN ledger_accounts a ON a.id = e.ledger_account_id
                WHERE t.kind = 'leaving-compensation' AND t.reference = m.rental_id
                  AND a.kind = 'earnings' AND a.owner_id = m.farmer_id))";

pub(super) const RENTALS_ARE_PAID: Invariant = Invariant {
    id: "rentals-are-paid",
    claim: "Each term of a rental was charged exactly its total, once, to who paid it.",
    checks: &[
        Check::Scan(
            &ORDERS,
            concat!(
                "
    WITH seen (rental_id, number) AS (
         SELECT p.rental_id, p.number FROM orders o JOIN rental_periods p ON p.order_id = o.id
          WHERE o.rowid > ?1 AND o.rowid <= ?2 LIMIT 10000)",
                PAID
            ),
        ),
        Check::Scan(
            &RENTALS,
            concat!(
                "
    WITH seen (rental_id, number) AS (
         SELECT p.rental_id, p.number FROM rentals r JOIN rental_periods p ON p.rental_id = r.id
          WHERE r.rowid > ?1 AND r.rowid <= ?2 LIMIT 10000)",
                PAID
            ),
        ),
    ],
};

/// Not of rentals whose bookings may be archived.
const PAID: &str = "
    SELECT 'rental ' || p.rental_id
      FROM seen
     CROSS JOIN rental_periods p ON p.rental_id = seen.rental_id AND p.number = seen.number
     WHERE p.total_micros > 0
       AND NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = p.rental_id)
       AND 1 <> (SELECT count(*)
                   FROM ledger_transactions t
                   JOIN ledger_entries e ON e.transaction_id = t.id
                   JOIN ledger_accounts a ON a.id = e.ledger_account_id
                  WHERE t.kind = iif(p.number = 1, 'rental', 'extension')
                    AND t.reference = iif(p.number = 1, p.rental_id, p.order_id)
                    AND t.rental_id = p.rental_id
                    AND a.kind = 'wallet' AND a.owner_id = p.payer_id
                    AND e.amount_micros = -p.total_micros)";

pub(super) const ORDERS_ARE_SUMS: Invariant = Invariant {
    id: "orders-are-sums",
    claim: "An order's total is the sum of the terms that it paid for.",
    checks: &[Check::Scan(
        &ORDERS,
        "SELECT 'order ' || o.id FROM orders o
          WHERE o.rowid > ?1 AND o.rowid <= ?2
            AND o.total_micros IS NOT (SELECT sum(total_micros) FROM rental_periods
                                        WHERE order_id = o.id)",
    )],
};

pub(super) const ESCROW_HOLDS_WHAT_IS_NOT_EARNED: Invariant = Invariant {
    id: "escrow-holds-what-is-not-earned",
    claim: "A rental's escrow holds what is neither earned nor refunded; once over, nothing.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, ESCROW)),
        Check::Scan(&TRANSACTIONS, concat!(seen::RENTALS_OF_TRANSACTIONS, ESCROW)),
    ],
};

const ESCROW: &str = "
    SELECT 'rental ' || r.id
      FROM seen CROSS JOIN rentals r ON r.id = seen.id
      LEFT JOIN ledger_accounts a ON a.kind = 'escrow' AND a.owner_id = r.id
     WHERE coalesce(a.balance_micros, 0)
           <> (SELECT sum(total_micros - earned_micros - refunded_micros)
                 FROM rental_periods WHERE rental_id = r.id)
        OR (r.state <> 'active' AND coalesce(a.balance_micros, 0) <> 0)";

pub(super) const EARNINGS_ARE_SPLIT: Invariant = Invariant {
    id: "earnings-are-split",
    claim: "What a rental earned went to the platform by its fee, and to who was its farmer.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, SPLIT)),
        Check::ScanNew(&TRANSACTIONS, concat!(seen::RENTALS_OF_TRANSACTIONS, SPLIT)),
    ],
};

/// In cents, of which every total is a whole number, so that no product leaves 64 bits. Not of
/// rentals whose bookings may be archived.
const SPLIT: &str = ",
    booked (rental_id, account_id, micros) AS (
        SELECT seen.id, e.ledger_account_id, sum(e.amount_micros)
          FROM seen CROSS JOIN ledger_transactions t ON t.rental_id = seen.id
         CROSS JOIN ledger_entries e ON e.transaction_id = t.id
         WHERE t.kind IN ('earning', 'settlement')
         GROUP BY seen.id, e.ledger_account_id)
    SELECT 'rental ' || id FROM (
         SELECT r.id,
                (SELECT sum(earned_micros) FROM rental_periods WHERE rental_id = r.id) AS earned,
                (SELECT sum(earned_micros / 10000 * (fee_micros / 10000)
                            / max(1, total_micros / 10000) * 10000)
                   FROM rental_periods WHERE rental_id = r.id) AS fees,
                coalesce(sum(b.micros) FILTER (
                    WHERE a.kind = 'earnings'
                      AND a.owner_id IN (SELECT farmer_id FROM events
                                          WHERE rental_id = r.id)), 0) AS farmer,
                coalesce(sum(b.micros) FILTER (WHERE a.kind = 'platform'), 0) AS platform
           FROM seen CROSS JOIN rentals r ON r.id = seen.id
           LEFT JOIN booked b ON b.rental_id = r.id
           LEFT JOIN ledger_accounts a ON a.id = b.account_id
          WHERE NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = r.id)
          GROUP BY r.id)
     WHERE earned <> farmer + platform OR fees <> platform";

pub(super) const REFUNDS_ARE_PAID_BACK: Invariant = Invariant {
    id: "refunds-are-paid-back",
    claim: "What was refunded of a rental went to a wallet, once.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, REFUNDED)),
        Check::ScanNew(&TRANSACTIONS, concat!(seen::RENTALS_OF_REFUNDS, REFUNDED)),
    ],
};

/// Not of rentals whose bookings may be archived.
const REFUNDED: &str = "
    SELECT 'rental ' || r.id FROM seen CROSS JOIN rentals r ON r.id = seen.id
     WHERE NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = r.id)
       AND (SELECT sum(refunded_micros) FROM rental_periods WHERE rental_id = r.id) <>
           (SELECT coalesce(sum(e.amount_micros), 0)
              FROM ledger_transactions t
              JOIN ledger_entries e ON e.transaction_id = t.id
              JOIN ledger_accounts a ON a.id = e.ledger_account_id
             WHERE t.kind IN ('refund', 'outage-refund') AND t.rental_id = r.id
               AND a.kind = 'wallet')";

pub(super) const TOP_UPS_ARE_CREDITED: Invariant = Invariant {
    id: "top-ups-are-credited",
    claim: "Each paid top-up has exactly one credit, of its amount, and no other has any.",
    checks: &[
        Check::Scan(&TOP_UPS, concat!(seen::TOP_UPS, CREDITED)),
        Check::Scan(
            &TRANSACTIONS,
            concat!(
                seen::TOP_UPS_OF_TRANSACTIONS,
                CREDITED,
                "
     UNION ALL
    SELECT 'transaction ' || t.id FROM ledger_transactions t
     WHERE t.id > ?1 AND t.id <= ?2 AND t.kind = 'credit'
       AND t.reference > 'top-up ' AND t.reference < 'top-up!'
       AND NOT EXISTS (SELECT 1 FROM top_ups
                        WHERE id = substr(t.reference, 8) AND state = 'paid')"
            ),
        ),
    ],
};

/// Not those whose credit may be archived.
const CREDITED: &str = "
    SELECT 'top-up ' || u.id FROM seen CROSS JOIN top_ups u ON u.id = seen.id
     WHERE coalesce(u.paid_at >= (SELECT closed_at FROM archive_bounds), 1)
       AND (u.state = 'paid')
        <> (SELECT count(*)
              FROM ledger_transactions t
              JOIN ledger_entries e ON e.transaction_id = t.id
              JOIN ledger_accounts a ON a.id = e.ledger_account_id
             WHERE t.kind = 'credit' AND t.reference = 'top-up ' || u.id
               AND a.kind = 'wallet' AND a.owner_id = u.account_id
               AND e.amount_micros = u.amount_micros)";

pub(super) const PAYOUTS_ARE_BOOKED: Invariant = Invariant {
    id: "payouts-are-booked",
    claim: "A payout's amount is held until it is sent, has left then, or is back; every other \
            escrow is a rental's.",
    checks: &[
        Check::Scan(&PAYOUTS, concat!(seen::PAYOUTS, BOOKED)),
        Check::Scan(
            &TRANSACTIONS,
            concat!(
                seen::PAYOUTS_OF_TRANSACTIONS,
                BOOKED,
                "
     UNION ALL
    SELECT 'transaction ' || t.id FROM ledger_transactions t
     WHERE t.id > ?1 AND t.id <= ?2
       AND t.kind IN ('payout-request', 'payout-send', 'payout-return')
       AND NOT EXISTS (SELECT 1 FROM payouts WHERE id = t.reference)"
            ),
        ),
        Check::Scan(
            &LEDGER_ACCOUNTS,
            "SELECT a.kind || ' ' || a.owner_id FROM ledger_accounts a
              WHERE a.id > ?1 AND a.id <= ?2 AND a.kind = 'escrow'
                AND NOT EXISTS (SELECT 1 FROM rentals WHERE id = a.owner_id)
                AND NOT EXISTS (SELECT 1 FROM payouts WHERE id = a.owner_id)",
        ),
    ],
};

/// Not those whose bookings may be archived.
const BOOKED: &str = "
    SELECT 'payout ' || id FROM (
         SELECT p.id, p.amount_micros AS amount, p.state,
                coalesce((SELECT balance_micros FROM ledger_accounts
                           WHERE kind = 'escrow' AND owner_id = p.id), 0) AS held,
                coalesce(sum(e.amount_micros) FILTER (
                    WHERE a.kind = 'earnings' AND a.owner_id = p.account_id), 0) AS owed,
                coalesce(sum(e.amount_micros) FILTER (WHERE a.kind = 'funding'), 0) AS gone
           FROM seen CROSS JOIN payouts p ON p.id = seen.id
           LEFT JOIN ledger_transactions t
             ON t.kind IN ('payout-request', 'payout-send', 'payout-return')
            AND t.reference = p.id
           LEFT JOIN ledger_entries e ON e.transaction_id = t.id
           LEFT JOIN ledger_accounts a ON a.id = e.ledger_account_id
          WHERE coalesce(p.finished_at >= (SELECT closed_at FROM archive_bounds), 1)
          GROUP BY p.id)
     WHERE held <> iif(state IN ('requested', 'approved'), amount, 0)
        OR gone <> iif(state IN ('sent', 'done'), amount, 0)
        OR owed <> iif(state IN ('failed', 'canceled'), 0, -amount)";
