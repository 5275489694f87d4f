-- What holds on `events`, and what follows from a change of it.

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER events_are_audited AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, NEW.subject, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;

-- A hold keeps its word: whoever rents with one after the notice is told at once.
CREATE TRIGGER leaving_is_told_to_who_comes AFTER INSERT ON events
  WHEN NEW.kind IN ('slice-rented', 'node-rented')
BEGIN
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-leaving', NEW.renter_id, id, NEW.slice_number, NEW.rental_id, NEW.created_at
      FROM nodes WHERE id = NEW.node_id AND leaves_at IS NOT NULL;
END;
