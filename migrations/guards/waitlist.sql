-- What follows from a change of `waitlist`: a node counts who waits for it.

CREATE TRIGGER node_counts_who_joins AFTER INSERT ON waitlist WHEN NEW.quote_id IS NULL BEGIN
    UPDATE nodes SET waiting = waiting + 1 WHERE id = NEW.node_id;
END;

CREATE TRIGGER node_counts_who_leaves AFTER DELETE ON waitlist WHEN OLD.quote_id IS NULL BEGIN
    UPDATE nodes SET waiting = waiting - 1 WHERE id = OLD.node_id;
END;

CREATE TRIGGER node_counts_whose_turn_it_is AFTER UPDATE OF quote_id ON waitlist BEGIN
    UPDATE nodes
       SET waiting = waiting + (NEW.quote_id IS NULL) - (OLD.quote_id IS NULL)
     WHERE id = NEW.node_id;
END;
