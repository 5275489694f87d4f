-- Command: a machine is reached in another way than when it was set up. `was` is how it was
-- reached, `sealed` how it is now, both encrypted. If somebody else was faster, nothing happens.
-- `has_moved` is whether what its renter knew of it leads nowhere; then they are notified.
CREATE VIEW change_access AS
    SELECT id AS job_id, sealed AS was, sealed, 0 AS has_moved, changed_at FROM jobs;

CREATE TRIGGER change_access_does INSTEAD OF INSERT ON change_access BEGIN
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'access-changed', r.renter_id, j.node_id, j.slice_number, r.id, NEW.changed_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id AND j.sealed = NEW.was AND NEW.has_moved;
    UPDATE jobs SET sealed = NEW.sealed WHERE id = NEW.job_id AND sealed = NEW.was;
END;
