-- Command: keeps a quote and, where `held_until` is set, holds its slices: all of them, or it
-- aborts. `items` is a JSON array of objects with `node`, `slice` and the offer's `version`.
--
-- Of one account, at most `holds_max` quotes may hold slices at once, and at most `slices_max`
-- slices may be rented and held; the wallet holds what all that is held would cost; and no slice
-- is held more than `holds_of_slice_max` times in quotes that ended after `holds_after` and were
-- not used.
CREATE VIEW keep_quote AS
    SELECT id, account_id, document, signature, items, created_at, expires_at, held_until,
           0 AS holds_max, 0 AS slices_max, 0 AS holds_after, 0 AS holds_of_slice_max
      FROM quotes;

CREATE TRIGGER keep_quote_does INSTEAD OF INSERT ON keep_quote BEGIN
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
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE NEW.held_until IS NOT NULL
       AND (SELECT coalesce(sum(slices), 0) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended')
           + (SELECT count(*) FROM quotes q JOIN slices s ON s.quote_id = q.id
               WHERE q.account_id = NEW.account_id AND q.held_until IS NOT NULL)
           > NEW.slices_max;
    SELECT RAISE(ABORT, 'refused: hold_not_covered')
     WHERE NEW.held_until IS NOT NULL
       AND coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'wallet' AND owner_id = NEW.account_id), 0)
           < (SELECT sum(document ->> 'total_micros') FROM quotes
               WHERE account_id = NEW.account_id AND held_until IS NOT NULL);
    SELECT RAISE(ABORT, 'refused: slice_held_too_often')
     WHERE NEW.held_until IS NOT NULL
       AND EXISTS (SELECT 1
                     FROM quotes q JOIN json_each(q.items) i
                    WHERE q.account_id = NEW.account_id AND q.used_at IS NULL
                      AND q.expires_at > NEW.holds_after
                      AND q.document ->> 'held_until' IS NOT NULL
                      AND (i.value ->> 'node', i.value ->> 'slice') IN (
                          SELECT value ->> 'node', value ->> 'slice' FROM json_each(NEW.items))
                    GROUP BY i.value ->> 'node', i.value ->> 'slice'
                   HAVING count(*) > NEW.holds_of_slice_max);
END;
