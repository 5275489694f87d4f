-- Command: a slice is free, but cannot be held for whoever is first in line, for the reason `why`:
-- the account is notified and loses its place. It aborts unless the entry waits and is the first
-- of the node.
CREATE VIEW pass_waitlist_turn AS
    SELECT number AS entry, '' AS why, joined_at AS passed_at FROM waitlist;

CREATE TRIGGER pass_waitlist_turn_does INSTEAD OF INSERT ON pass_waitlist_turn BEGIN
    INSERT INTO events (kind, renter_id, node_id, subject, created_at)
    SELECT 'waitlist-passed', w.account_id, w.node_id, NEW.why, NEW.passed_at
      FROM waitlist w
     WHERE w.number = NEW.entry AND w.quote_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM waitlist
                        WHERE node_id = w.node_id AND quote_id IS NULL AND number < w.number);
    SELECT RAISE(ABORT, 'refused: waitlist_changed') WHERE changes() = 0;
    DELETE FROM waitlist WHERE number = NEW.entry;
END;
