-- Command: the first in line for a node has a turn: `keep_quote` with the same columns holds a
-- slice for the account, whose entry of the waitlist is `entry`, and it is notified. It aborts
-- unless that entry waits and is the first of the node.
CREATE VIEW offer_waitlist_slice AS
    SELECT 0 AS entry, id, account_id, document, signature, items, created_at, expires_at,
           held_until, 0 AS holds_max, 0 AS slices_max, 0 AS holds_after, 0 AS holds_of_slice_max
      FROM quotes;

CREATE TRIGGER offer_waitlist_slice_does INSTEAD OF INSERT ON offer_waitlist_slice BEGIN
    SELECT RAISE(ABORT, 'refused: waitlist_changed')
     WHERE NEW.held_until IS NULL
        OR NEW.entry IS NOT (SELECT min(number) FROM waitlist
                              WHERE quote_id IS NULL
                                AND node_id = NEW.items ->> '$[0].node')
        OR NEW.account_id IS NOT (SELECT account_id FROM waitlist WHERE number = NEW.entry);
    INSERT INTO keep_quote
           (id, account_id, document, signature, items, created_at, expires_at, held_until,
            holds_max, slices_max, holds_after, holds_of_slice_max)
    VALUES (NEW.id, NEW.account_id, NEW.document, NEW.signature, NEW.items, NEW.created_at,
            NEW.expires_at, NEW.held_until, NEW.holds_max, NEW.slices_max, NEW.holds_after,
            NEW.holds_of_slice_max);
    UPDATE waitlist SET quote_id = NEW.id WHERE number = NEW.entry;
    INSERT INTO events (kind, renter_id, node_id, slice_number, created_at)
    SELECT 'waitlist-offered', NEW.account_id, value ->> 'node', value ->> 'slice', NEW.created_at
      FROM json_each(NEW.items);
END;
