-- Command: removes the rows of a chain from `from_id` to `until_id` that are not needed any more,
-- with their seals. The guards refuse rows that are not archived.
CREATE VIEW remove_archived AS SELECT chain, first_id AS from_id, until_id FROM archives;

CREATE TRIGGER remove_archived_does INSTEAD OF INSERT ON remove_archived BEGIN
    DELETE FROM audit_seals
     WHERE NEW.chain = 'audit' AND audit_id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM audit WHERE NEW.chain = 'audit' AND id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM events
     WHERE NEW.chain = 'events' AND id BETWEEN NEW.from_id AND NEW.until_id
       AND (rental_id IS NULL
            OR EXISTS (SELECT 1 FROM closed_rentals WHERE id = events.rental_id));
    -- Months of closed years have no statement any more, whatever is left of them.
    DELETE FROM ledger_months
     WHERE NEW.chain = 'ledger' AND first_transaction_id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM ledger_seals
     WHERE NEW.chain = 'ledger'
       AND transaction_id IN (SELECT id FROM archived_bookings
                               WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    DELETE FROM ledger_entries
     WHERE NEW.chain = 'ledger'
       AND transaction_id IN (SELECT id FROM archived_bookings
                               WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    DELETE FROM ledger_transactions
     WHERE NEW.chain = 'ledger'
       AND id IN (SELECT id FROM archived_bookings
                   WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    -- The escrow of what is over is empty and stays so.
    DELETE FROM ledger_openings
     WHERE NEW.chain = 'ledger' AND transaction_id BETWEEN NEW.from_id AND NEW.until_id
       AND balance_micros = 0
       AND ledger_account_id IN (SELECT id FROM ledger_accounts WHERE kind = 'escrow');
END;
