-- Command: an account leaves the line for a node; a slice that is held for it is free again. It
-- aborts if the account is not in line.
CREATE VIEW leave_waitlist AS SELECT node_id, account_id, joined_at AS left_at FROM waitlist;

CREATE TRIGGER leave_waitlist_does INSTEAD OF INSERT ON leave_waitlist BEGIN
    SELECT RAISE(ABORT, 'refused: waitlist_changed')
     WHERE NOT EXISTS (SELECT 1 FROM waitlist
                        WHERE node_id = NEW.node_id AND account_id = NEW.account_id);
    INSERT INTO release_hold (quote_id, released_at)
    SELECT quote_id, NEW.left_at FROM waitlist
     WHERE node_id = NEW.node_id AND account_id = NEW.account_id AND quote_id IS NOT NULL;
    DELETE FROM waitlist WHERE node_id = NEW.node_id AND account_id = NEW.account_id;
END;
