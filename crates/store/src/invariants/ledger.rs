//! What holds on the ledger and on both chains of seals.

use crate::invariants::histories::{AUDIT_SEALS, LEDGER_ACCOUNTS, LEDGER_SEALS, TRANSACTIONS};
use crate::invariants::{Check, Invariant};
use crate::{audit, ledger_chain};

pub(super) const TRANSACTIONS_SUM_TO_ZERO: Invariant = Invariant {
    id: "transactions-sum-to-zero",
    claim: "The entries of each ledger transaction sum to zero.",
    checks: &[Check::Scan(
        &TRANSACTIONS,
        "SELECT 'transaction ' || t.id
           FROM ledger_transactions t
           LEFT JOIN ledger_entries e ON e.transaction_id = t.id
          WHERE t.id > ?1 AND t.id <= ?2
          GROUP BY t.id HAVING coalesce(sum(e.amount_micros), 1) <> 0",
    )],
};

pub(super) const BALANCES_ARE_SUMS: Invariant = Invariant {
    id: "balances-are-sums",
    claim: "A balance is the sum of its entries.",
    // It is the balance after the last entry, and `balances-run-on` has the rest.
    checks: &[
        Check::Scan(
            &LEDGER_ACCOUNTS,
            "SELECT a.kind || ' ' || a.owner_id
               FROM ledger_accounts a
               LEFT JOIN ledger_openings o ON o.ledger_account_id = a.id
              WHERE a.id > ?1 AND a.id <= ?2
                AND a.balance_micros <> coalesce(
                    (SELECT e.balance_after_micros FROM ledger_entries e
                      WHERE e.ledger_account_id = a.id
                        AND e.transaction_id > coalesce(o.transaction_id, 0)
                      ORDER BY e.transaction_id DESC LIMIT 1), o.balance_micros, 0)",
        ),
        Check::Scan(
            &TRANSACTIONS,
            "SELECT a.kind || ' ' || a.owner_id
               FROM (SELECT DISTINCT e.ledger_account_id AS id
                       FROM ledger_transactions t
                      CROSS JOIN ledger_entries e ON e.transaction_id = t.id
                      WHERE t.id > ?1 AND t.id <= ?2 LIMIT 10000) seen
              CROSS JOIN ledger_accounts a ON a.id = seen.id
               LEFT JOIN ledger_openings o ON o.ledger_account_id = a.id
              WHERE a.balance_micros <> coalesce(
                    (SELECT e.balance_after_micros FROM ledger_entries e
                      WHERE e.ledger_account_id = a.id
                        AND e.transaction_id > coalesce(o.transaction_id, 0)
                      ORDER BY e.transaction_id DESC LIMIT 1), o.balance_micros, 0)",
        ),
    ],
};

pub(super) const BALANCES_RUN_ON: Invariant = Invariant {
    id: "balances-run-on",
    claim: "The balance after each entry is the one before it and the amount.",
    // The first one that is not archived runs on from what the account held then.
    checks: &[Check::Scan(
        &TRANSACTIONS,
        "SELECT 'transaction ' || e.transaction_id
           FROM ledger_entries e
           LEFT JOIN ledger_openings o ON o.ledger_account_id = e.ledger_account_id
          WHERE e.transaction_id > ?1 AND e.transaction_id <= ?2
            AND e.transaction_id > coalesce(o.transaction_id, 0)
            AND e.balance_after_micros - e.amount_micros <> coalesce(
                (SELECT p.balance_after_micros FROM ledger_entries p
                  WHERE p.ledger_account_id = e.ledger_account_id
                    AND p.transaction_id < e.transaction_id
                    AND p.transaction_id > coalesce(o.transaction_id, 0)
                  ORDER BY p.transaction_id DESC LIMIT 1), o.balance_micros, 0)",
    )],
};

pub(super) const NO_NEGATIVE_BALANCE: Invariant = Invariant {
    id: "no-negative-balance",
    claim: "No balance is negative, except a wallet's whose card payment was reversed.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM ledger_accounts l
          WHERE l.balance_micros < 0 AND l.kind <> 'funding'
            AND (l.kind <> 'wallet' OR l.owed_micros <> -l.balance_micros
                 OR l.owed_micros > (SELECT coalesce(sum(r.micros), 0)
                                       FROM top_ups u
                                       JOIN top_up_reversals r ON r.top_up_id = u.id
                                      WHERE u.account_id = l.owner_id))",
    )],
};

pub(super) const ENTRIES_HAVE_A_MONTH: Invariant = Invariant {
    id: "entries-have-a-month",
    claim: "Each entry of a wallet or of earnings is in the month that it was booked in.",
    // Or in a later one that had begun already, by the clock of another machine.
    checks: &[Check::Scan(
        &TRANSACTIONS,
        "SELECT 'transaction ' || t.id
           FROM (SELECT id, created_at FROM ledger_transactions
                  WHERE id > ?1 AND id <= ?2 LIMIT 10000) t
          CROSS JOIN ledger_entries e ON e.transaction_id = t.id
          CROSS JOIN ledger_accounts a ON a.id = e.ledger_account_id
          WHERE t.id > (SELECT transaction_id FROM archive_bounds)
            AND iif(e.amount_micros IS NULL, 0, a.kind IN ('wallet', 'earnings'))
            AND coalesce((SELECT m.first_transaction_id FROM ledger_months m
                           WHERE m.ledger_account_id = a.id
                             AND m.month >= strftime('%Y-%m', t.created_at, 'unixepoch')
                           ORDER BY m.month LIMIT 1), t.id + 1) > t.id",
    )],
};

pub(super) const AUDIT_CHAIN: Invariant = Invariant {
    id: "audit-chain",
    claim: "The entries of the audit log are as they were sealed.",
    checks: &[Check::Seals(&AUDIT_SEALS, audit::broken)],
};

pub(super) const LEDGER_CHAIN: Invariant = Invariant {
    id: "ledger-chain",
    claim: "The transactions of the ledger are as they were sealed.",
    checks: &[Check::Seals(&LEDGER_SEALS, ledger_chain::broken)],
};
