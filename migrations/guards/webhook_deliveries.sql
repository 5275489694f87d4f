-- What holds on `webhook_deliveries`, and what follows from a change of it.

-- Whatever gets through shows that the endpoint works, also if it was disabled.
CREATE TRIGGER sent_delivery_enables_webhook AFTER UPDATE OF state ON webhook_deliveries
  WHEN NEW.state = 'sent'
BEGIN
    UPDATE webhooks SET failing_since = NULL, disabled_at = NULL
     WHERE id = NEW.webhook_id AND failing_since IS NOT NULL;
END;
