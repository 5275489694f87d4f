-- What holds on `events`, and what follows from a change of it.

CREATE TRIGGER event_audience_matches_kind BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM event_kinds
              WHERE kind = NEW.kind
                AND (for_renter < (NEW.renter_id IS NOT NULL)
                     OR for_farmer < (NEW.farmer_id IS NOT NULL)))
BEGIN
    SELECT RAISE(ABORT, 'refused: event_audience_matches_kind');
END;

CREATE TRIGGER events_never_updated BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'events' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER event_enters_audit_log AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, NEW.subject, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;
