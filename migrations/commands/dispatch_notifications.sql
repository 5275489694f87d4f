-- Command: makes the mails and messages of the events behind `seen_id`, up to `event_id`. It aborts
-- if somebody has gone on from `seen_id` meanwhile, so that each is made once. `mails` is a JSON
-- array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal; `deliveries` one of
-- objects with `id`, `webhook`, `event`, `kind` and `body`.
CREATE VIEW dispatch_notifications AS
    SELECT event_id AS seen_id, event_id, '[]' AS mails, '[]' AS deliveries, 0 AS dispatched_at
      FROM notification_cursor;

CREATE TRIGGER dispatch_notifications_does INSTEAD OF INSERT ON dispatch_notifications BEGIN
    UPDATE notification_cursor SET event_id = NEW.event_id WHERE event_id = NEW.seen_id;
    SELECT RAISE(ABORT, 'refused: notice_cursor_moved') WHERE changes() = 0;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT m.value ->> 'id', a.id, m.value ->> 'kind', unhex(m.value ->> 'sealed'),
           NEW.dispatched_at, NEW.dispatched_at
      FROM json_each(NEW.mails) m
      JOIN accounts a ON a.id = m.value ->> 'account' AND a.deleted_at IS NULL;
    INSERT INTO webhook_deliveries (id, webhook_id, event_id, kind, body, due_at, created_at)
    SELECT d.value ->> 'id', w.id, d.value ->> 'event', d.value ->> 'kind', d.value ->> 'body',
           NEW.dispatched_at, NEW.dispatched_at
      FROM json_each(NEW.deliveries) d
      JOIN webhooks w ON w.id = d.value ->> 'webhook' AND w.disabled_at IS NULL;
END;
