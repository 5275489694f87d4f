-- Command: what was taken back of a top-up's payment is taken from the wallet, or given back to it:
-- `booking` moves the difference, and `reversed_micros` is all that is gone then. It aborts unless
-- the top-up is paid and at the number of `reversals` that the decision saw.
CREATE VIEW reverse_top_up AS
    SELECT id, reversals, reversed_micros, '' AS booking, paid_at AS reversed_at FROM top_ups;

CREATE TRIGGER reverse_top_up_does INSTEAD OF INSERT ON reverse_top_up BEGIN
    UPDATE top_ups SET reversals = reversals + 1, reversed_micros = NEW.reversed_micros
     WHERE id = NEW.id AND state = 'paid' AND reversals = NEW.reversals;
    SELECT RAISE(ABORT, 'refused: top_up_changed') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.reversed_at);
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT 'payment-reversed', 'market', account_id, id, NEW.reversed_at
      FROM top_ups WHERE id = NEW.id;
END;
