-- Command, used by the other commands: posts a booking, a JSON object with `kind`, `reference`,
-- `reason` and the `entries`, each with `kind`, `owner` and `micros`. It aborts unless they sum to
-- zero.
CREATE VIEW post_booking AS
    SELECT rental_id, '' AS booking, created_at FROM ledger_transactions;

CREATE TRIGGER post_booking_does INSTEAD OF INSERT ON post_booking BEGIN
    SELECT RAISE(ABORT, 'refused: booking_not_balanced')
     WHERE (SELECT sum(value ->> 'micros') FROM json_each(NEW.booking, '$.entries')) IS NOT 0;
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    VALUES (NEW.booking ->> 'kind', NEW.booking ->> 'reference', NEW.rental_id,
            NEW.booking ->> 'reason', NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT NEW.booking ->> 'kind', NEW.booking ->> 'reference', value ->> 'kind',
           value ->> 'owner', value ->> 'micros'
      FROM json_each(NEW.booking, '$.entries');
END;
