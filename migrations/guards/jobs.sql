-- What holds on `jobs`, and what follows from a change of it.

CREATE TRIGGER jobs_are_kept BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'refused: jobs_never_deleted');
END;

CREATE TRIGGER jobs_tell_their_steps AFTER UPDATE OF step ON jobs
  WHEN NEW.kind = 'create' AND NEW.step IS NOT NULL AND NEW.step IS NOT OLD.step
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'access-progress', renter_id, farmer_id, NEW.node_id, NEW.slice_number, id, NEW.step,
           NEW.changed_at
      FROM rentals WHERE id = NEW.rental_id;
END;

CREATE TRIGGER jobs_tell_their_end AFTER UPDATE OF state ON jobs
  WHEN NEW.state <> OLD.state AND NEW.state IN ('done', 'failed')
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.kind = 'remove' THEN 'slice-removed'
                WHEN NEW.state = 'done' THEN 'access-ready' ELSE 'access-failed' END,
           iif(NEW.kind = 'create', renter_id, NULL), farmer_id, NEW.node_id, NEW.slice_number,
           iif(NEW.kind = 'create', id, NULL), NEW.changed_at
      FROM rentals WHERE id = NEW.rental_id AND (NEW.kind = 'create' OR NEW.state = 'done');
    UPDATE slices SET removing_job = NULL
     WHERE NEW.kind = 'remove' AND NEW.state = 'done' AND removing_job = NEW.id;
    UPDATE nodes SET capacity = capacity
     WHERE NEW.kind = 'remove' AND NEW.state = 'done' AND id = NEW.node_id;
END;
