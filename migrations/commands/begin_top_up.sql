-- Command: begins a top-up, and takes its key: `response` is what `store_response` takes, without
-- status and body. It aborts if `open_max` top-ups of the account wait: begun after `open_after`,
-- or after `opening_after` where there is no page to pay on yet.
CREATE VIEW begin_top_up AS
    SELECT id, account_id, amount_micros, provider, 0 AS open_max, 0 AS open_after,
           0 AS opening_after, '' AS response, created_at
      FROM top_ups;

CREATE TRIGGER begin_top_up_does INSTEAD OF INSERT ON begin_top_up BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    SELECT RAISE(ABORT, 'refused: top_up_limit_reached')
     WHERE (SELECT count(*) FROM top_ups
             WHERE account_id = NEW.account_id AND state = 'pending'
               AND created_at > NEW.open_after
               AND (url IS NOT NULL OR created_at > NEW.opening_after)) >= NEW.open_max;
    INSERT INTO top_ups (id, account_id, amount_micros, provider, idempotency_key, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.amount_micros, NEW.provider,
            NEW.response ->> 'idempotency_key', NEW.created_at);
END;
