-- Command: a payment has come in that is not what was meant. It is written down once, for the
-- operator and in the audit log, and its top-up waits no longer.
CREATE VIEW refuse_payment AS
    SELECT payment_id, top_up_id, reason, amount, currency, created_at FROM refused_payments;

CREATE TRIGGER refuse_payment_does INSTEAD OF INSERT ON refuse_payment BEGIN
    INSERT INTO refused_payments (payment_id, top_up_id, reason, amount, currency, created_at)
    VALUES (NEW.payment_id, NEW.top_up_id, NEW.reason, NEW.amount, NEW.currency, NEW.created_at);
    UPDATE top_ups SET state = 'refused'
     WHERE id = NEW.top_up_id AND state IN ('pending', 'expired');
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    VALUES ('payment-refused', 'market',
            (SELECT account_id FROM top_ups WHERE id = NEW.top_up_id), NEW.top_up_id,
            NEW.created_at);
END;
