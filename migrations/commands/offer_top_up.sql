-- Command: a top-up can be paid on a page of the provider; `session_id` and `url` are NULL where it
-- cannot any more. It aborts unless it is in the `state` that was seen, and has no page yet. The
-- key that it took gets its response: `response` is as in `store_response`.
CREATE VIEW offer_top_up AS
    SELECT id, state, session_id, url, '' AS response, created_at AS offered_at FROM top_ups;

CREATE TRIGGER offer_top_up_does INSTEAD OF INSERT ON offer_top_up BEGIN
    UPDATE responses
       SET status = NEW.response ->> 'status', location = NEW.response ->> 'location',
           body = NEW.response ->> 'body', created_at = NEW.offered_at
     WHERE owner_id = NEW.response ->> 'owner_id' AND status IS NULL
       AND idempotency_key = NEW.response ->> 'idempotency_key';
    SELECT RAISE(ABORT, 'refused: idempotency_key_used')
     WHERE NEW.response IS NOT NULL AND changes() = 0;
    UPDATE top_ups SET session_id = NEW.session_id, url = NEW.url
     WHERE id = NEW.id AND state = NEW.state AND session_id IS NULL;
    SELECT RAISE(ABORT, 'refused: top_up_changed') WHERE changes() = 0;
END;
