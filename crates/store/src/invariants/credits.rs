//! What holds on SLA credits.

use constcat::concat;

use crate::invariants::histories::{SLA_MONTHS, TRANSACTIONS};
use crate::invariants::{Check, Invariant, seen};

pub(super) const ARE_THE_EVIDENCE: Invariant = Invariant {
    id: "credits-are-the-evidence",
    claim: "A month is credited by the published scale for what was measured, and no more.",
    // The scale of `domain::sla`; a test compares them. The lower uptime counts. Rounded to the
    // cent either way.
    checks: &[Check::Scan(
        &SLA_MONTHS,
        "SELECT 'rental ' || rental_id || ', ' || month FROM (
              SELECT rental_id, percent, base_micros, credit_micros, observed, from_at, until_at,
                     month,
                     measured_uptime IS NOT iif(of_node IS NULL OR of_machines < of_node,
                                                of_machines, of_node) AS is_other,
                     CASE WHEN measured_uptime IS NULL OR measured_uptime >= min_uptime THEN 0
                          WHEN measured_uptime < 9500 THEN 50
                          WHEN measured_uptime < 9900 THEN 25 ELSE 10 END
                     + coalesce((measured_mbps < min_bandwidth_mbps) * 10, 0) AS scale
                FROM (SELECT *,
                             iif(observed < 12, NULL, observed_up * 10000 / observed) AS of_node,
                             iif(machine_seconds >= 3600,
                                 (machine_seconds - machine_down_seconds) * 10000
                                 / machine_seconds, NULL) AS of_machines
                        FROM sla_months
                       WHERE evaluated_at > ?1 AND evaluated_at <= ?2))
          WHERE is_other OR percent <> scale
             OR abs(credit_micros * 100 - base_micros * percent) > 500000
             OR strftime('%Y-%m', from_at, 'unixepoch') <> month
             OR strftime('%Y-%m', until_at - 1, 'unixepoch') <> month",
    )],
};

pub(super) const ARE_BOOKED: Invariant = Invariant {
    id: "credits-are-booked",
    claim: "What a renter has for a month was booked out of the farmer's earnings.",
    checks: &[
        Check::Scan(&SLA_MONTHS, concat!(seen::SLA_MONTHS, BOOKED)),
        Check::Scan(
            &TRANSACTIONS,
            concat!(
                seen::SLA_MONTHS_OF_TRANSACTIONS,
                BOOKED,
                "
     UNION ALL
    SELECT 'transaction ' || t.id FROM ledger_transactions t
     WHERE t.id > ?1 AND t.id <= ?2
       AND ((t.kind = 'sla-correction'
             AND NOT EXISTS (SELECT 1 FROM sla_disputes WHERE id = t.reference))
            OR (t.kind = 'sla-credit' AND t.reference LIKE 'month %'
                AND NOT EXISTS (
                    SELECT 1 FROM sla_months
                     WHERE rental_id = t.rental_id
                       AND 'month ' || rental_id || '/' || month || '/' || tenure
                           = t.reference)))"
            ),
        ),
    ],
};

/// Not of rentals whose bookings may be archived.
const BOOKED: &str = "
    SELECT 'rental ' || rental_id || ', ' || month FROM (
         SELECT m.rental_id, m.month, m.paid_micros AS paid, m.credit_micros AS credit, m.owed_at,
                (SELECT credit_micros FROM sla_disputes
                  WHERE rental_id = m.rental_id AND month = m.month AND tenure = m.tenure
                    AND decided_at IS NOT NULL
                  ORDER BY decided_at DESC, id DESC LIMIT 1) AS decided,
                (SELECT coalesce(sum(e.amount_micros), 0)
                   FROM (SELECT id FROM ledger_transactions
                          WHERE kind = 'sla-credit'
                            AND reference = 'month ' || m.rental_id || '/' || m.month
                                            || '/' || m.tenure
                          UNION ALL
                         SELECT t.id
                           FROM sla_disputes d CROSS JOIN ledger_transactions t
                             ON t.kind = 'sla-correction' AND t.reference = d.id
                          WHERE d.rental_id = m.rental_id AND d.month = m.month
                            AND d.tenure = m.tenure) t
                   JOIN ledger_entries e ON e.transaction_id = t.id
                   JOIN ledger_accounts a ON a.id = e.ledger_account_id
                  WHERE a.kind = 'wallet' AND a.owner_id = m.renter_id) AS booked
           FROM seen CROSS JOIN sla_months m
             ON m.rental_id = seen.rental_id AND m.month = seen.month AND m.tenure = seen.tenure
          WHERE NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = m.rental_id))
     WHERE paid <> booked
        OR (decided IS NULL AND paid <> iif(owed_at IS NULL, credit, 0))
        OR (decided IS NOT NULL AND owed_at IS NOT NULL)";
