-- Command, used by the other commands: stores the response to a request, a JSON object with
-- `owner_id`, `idempotency_key`, `operation`, `fingerprint` in hexadecimal, `status`, `location`
-- and `body`. A request without a key stores none: `response` is NULL. It fails if the key was
-- used.
CREATE VIEW store_response AS SELECT '' AS response, created_at FROM responses;

CREATE TRIGGER store_response_does INSTEAD OF INSERT ON store_response
  WHEN NEW.response IS NOT NULL
BEGIN
    INSERT INTO responses
           (owner_id, idempotency_key, operation, fingerprint, status, location, body, created_at)
    VALUES (NEW.response ->> 'owner_id', NEW.response ->> 'idempotency_key',
            NEW.response ->> 'operation', unhex(NEW.response ->> 'fingerprint'),
            NEW.response ->> 'status', NEW.response ->> 'location', NEW.response ->> 'body',
            NEW.created_at);
END;
