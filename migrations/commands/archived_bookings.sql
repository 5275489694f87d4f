-- Ledger transactions that are archived and that nothing here needs any more. The others stay:
-- those of rentals and payouts that were still going on; those of cards' reversals, which are
-- counted; and those of operators, whose reference alone keeps them from being booked again.
CREATE VIEW archived_bookings AS
    SELECT t.id
      FROM ledger_transactions t
     WHERE t.id <= (SELECT transaction_id FROM archive_bounds)
       AND t.kind <> 'card-reversal'
       AND (t.kind <> 'credit' OR (t.reference > 'top-up ' AND t.reference < 'top-up!'))
       AND (t.kind <> 'sla-credit' OR (t.reference > 'month ' AND t.reference < 'month!'))
       AND (t.rental_id IS NULL
            OR EXISTS (SELECT 1 FROM closed_rentals WHERE id = t.rental_id))
       AND NOT EXISTS (SELECT 1 FROM payouts
                        WHERE t.kind IN ('payout-request', 'payout-send', 'payout-return')
                          AND id = t.reference
                          AND (finished_at IS NULL
                               OR finished_at >= (SELECT closed_at FROM archive_bounds)));
