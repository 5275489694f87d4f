-- Command: keeps a quote and, where `held_until` is set, holds its slices: all of them, or it
-- aborts. `items` is a JSON array of objects with `node`, `slice` and the offer's `version`;
-- `holds_max` is how many quotes of one account may hold slices at once.
CREATE VIEW make_quote AS
    SELECT id, account_id, document, signature, items, created_at, expires_at, held_until,
           0 AS holds_max
      FROM quotes;

CREATE TRIGGER make_quote_does INSTEAD OF INSERT ON make_quote BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    INSERT INTO quotes
           (id, account_id, document, signature, items, created_at, expires_at, held_until)
    VALUES (NEW.id, NEW.account_id, NEW.document, NEW.signature, NEW.items, NEW.created_at,
            NEW.expires_at, NEW.held_until);
    SELECT RAISE(ABORT, 'refused: offer_changed')
      FROM json_each(NEW.items) i
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = i.value ->> 'node' AND listing = 'published'
                          AND offer_version = i.value ->> 'version');
    UPDATE slices SET state = 'reserved', quote_id = NEW.id
     WHERE NEW.held_until IS NOT NULL AND state = 'available'
       AND (node_id, number) IN (SELECT value ->> 'node', value ->> 'slice'
                                   FROM json_each(NEW.items));
    SELECT RAISE(ABORT, 'refused: slice_taken')
     WHERE NEW.held_until IS NOT NULL AND changes() <> json_array_length(NEW.items);
    SELECT RAISE(ABORT, 'refused: hold_limit_reached')
     WHERE NEW.held_until IS NOT NULL
       AND (SELECT count(*) FROM quotes
             WHERE account_id = NEW.account_id AND held_until IS NOT NULL) > NEW.holds_max;
END;
