-- Command: a compensation that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_compensation AS
    SELECT rental_id, '' AS booking, owed_at AS paid_at FROM leaving_compensations;

CREATE TRIGGER pay_compensation_does INSTEAD OF INSERT ON pay_compensation BEGIN
    UPDATE leaving_compensations SET owed_at = NULL
     WHERE rental_id = NEW.rental_id AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.paid_at);
END;
