-- Command: releases what a quote holds, and the quote is over; one that holds nothing is left as
-- it is.
CREATE VIEW release_hold AS SELECT id AS quote_id, held_until AS released_at FROM quotes;

CREATE TRIGGER release_hold_does INSTEAD OF INSERT ON release_hold BEGIN
    UPDATE quotes
       SET held_until = NULL, expires_at = max(created_at + 1, min(expires_at, NEW.released_at))
     WHERE id = NEW.quote_id AND held_until IS NOT NULL;
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    UPDATE nodes SET capacity = capacity
     WHERE id IN (SELECT value ->> 'node' FROM quotes, json_each(quotes.items)
                   WHERE quotes.id = NEW.quote_id);
END;
