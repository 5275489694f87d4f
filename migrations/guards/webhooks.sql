-- What holds on `webhooks`, and what follows from a change of it.

CREATE TRIGGER webhook_deletion_deletes_deliveries BEFORE DELETE ON webhooks BEGIN
    DELETE FROM webhook_deliveries WHERE webhook_id = OLD.id;
END;

-- The owner is notified, and waiting messages are not sent; they can be replayed.
CREATE TRIGGER disabled_webhook_fails_deliveries AFTER UPDATE OF disabled_at ON webhooks
  WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL
BEGIN
    UPDATE webhook_deliveries
       SET state = 'failed', finished_at = NEW.disabled_at,
           last_error = coalesce(last_error, 'the webhook was disabled')
     WHERE webhook_id = NEW.id AND state = 'waiting';
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('webhook-disabled', NEW.account_id, NEW.id, NEW.disabled_at);
END;
