-- Command: a credit that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_credit AS
    SELECT rental_id, month, stay, '' AS booking, owed_at AS paid_at FROM sla_months;

CREATE TRIGGER pay_credit_does INSTEAD OF INSERT ON pay_credit BEGIN
    UPDATE sla_months SET paid_micros = credit_micros, owed_at = NULL
     WHERE rental_id = NEW.rental_id AND month = NEW.month AND stay = NEW.stay
       AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO tell_of_credit (rental_id, month, stay, booking, told_at)
    VALUES (NEW.rental_id, NEW.month, NEW.stay, NEW.booking, NEW.paid_at);
END;
