-- Command: a credit that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_credit AS
    SELECT rental_id, month, tenure, '' AS booking, owed_at AS paid_at FROM sla_months;

CREATE TRIGGER pay_credit_does INSTEAD OF INSERT ON pay_credit BEGIN
    UPDATE sla_months SET paid_micros = credit_micros, owed_at = NULL
     WHERE rental_id = NEW.rental_id AND month = NEW.month AND tenure = NEW.tenure
       AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO notify_credit (rental_id, month, tenure, booking, notified_at)
    VALUES (NEW.rental_id, NEW.month, NEW.tenure, NEW.booking, NEW.paid_at);
END;
