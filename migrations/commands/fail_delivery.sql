-- Command: an attempt to send a message has failed. It is tried again at `retry_at` or, where that
-- is NULL, not at all. The webhook is disabled if its endpoint `is_gone`, or has failed since
-- before `failing_before`. Whoever has taken the message since is not in the way.
CREATE VIEW fail_delivery AS
    SELECT id, attempts, last_status, last_error, due_at AS retry_at, 0 AS is_gone,
           0 AS failing_before, finished_at AS failed_at
      FROM webhook_deliveries;

CREATE TRIGGER fail_delivery_does INSTEAD OF INSERT ON fail_delivery BEGIN
    UPDATE webhook_deliveries
       SET last_status = NEW.last_status, last_error = NEW.last_error,
           state = CASE WHEN NEW.retry_at IS NULL THEN 'failed' ELSE 'waiting' END,
           due_at = coalesce(NEW.retry_at, due_at),
           finished_at = CASE WHEN NEW.retry_at IS NULL THEN NEW.failed_at END
     WHERE id = NEW.id AND attempts = NEW.attempts AND state = 'waiting';
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    UPDATE webhooks SET failing_since = coalesce(failing_since, NEW.failed_at)
     WHERE id = (SELECT webhook_id FROM webhook_deliveries WHERE id = NEW.id);
    UPDATE webhooks SET disabled_at = NEW.failed_at
     WHERE id = (SELECT webhook_id FROM webhook_deliveries WHERE id = NEW.id)
       AND disabled_at IS NULL AND (NEW.is_gone OR failing_since <= NEW.failing_before);
END;
