-- What holds on `jobs`, and what follows from a change of it.

CREATE TRIGGER jobs_never_deleted BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'refused: jobs_never_deleted');
END;

-- The events of a job have one order: its end, and the step that it has reached.
CREATE TRIGGER job_change_emits_events AFTER UPDATE OF state, step ON jobs BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.kind = 'remove' THEN 'slice-removed'
                WHEN NEW.state = 'done' THEN 'access-ready' ELSE 'access-failed' END,
           iif(NEW.kind = 'create', renter_id, NULL), farmer_id, NEW.node_id, NEW.slice_number,
           iif(NEW.kind = 'create', id, NULL), NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.state <> OLD.state
       AND (NEW.state = 'done' OR (NEW.state = 'failed' AND NEW.kind = 'create'));
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'access-progress', renter_id, farmer_id, NEW.node_id, NEW.slice_number, id, NEW.step,
           NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.kind = 'create' AND NEW.step IS NOT NULL
       AND NEW.step IS NOT OLD.step;
END;

-- A slice whose machine is removed is free again, where the node can carry it.
CREATE TRIGGER finished_removal_frees_slice AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'remove' AND NEW.state = 'done' AND OLD.state <> 'done'
BEGIN
    UPDATE slices SET removing_job = NULL WHERE removing_job = NEW.id;
    UPDATE nodes SET capacity = capacity WHERE id = NEW.node_id;
END;

-- A machine that an agent created is watched from then on.
CREATE TRIGGER created_machine_is_watched AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'create' AND NEW.state = 'done' AND OLD.state <> 'done' AND NEW.is_by_hand = 0
BEGIN
    INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
    VALUES (NEW.id, NEW.node_id, NEW.agent, 'running', NEW.changed_at, NEW.changed_at);
END;

-- What a farmer has to do by hand, they are notified of: at once, or once there is an SSH key.
CREATE TRIGGER job_by_hand_emits_event AFTER INSERT ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES (iif(NEW.kind = 'create', 'manual-setup', 'manual-removal'), NEW.farmer_id, NEW.node_id,
            NEW.slice_number, iif(NEW.kind = 'create', NEW.rental_id, NULL), NEW.created_at);
END;

CREATE TRIGGER job_by_hand_with_key_emits_event AFTER UPDATE OF state ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting' AND OLD.state = 'needs-key'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES ('manual-setup', NEW.farmer_id, NEW.node_id, NEW.slice_number, NEW.rental_id,
            NEW.changed_at);
END;
