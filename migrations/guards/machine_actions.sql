-- What follows from a change of `machine_actions`.

-- The hash of a password is kept no longer than it takes to set it.
CREATE TRIGGER finished_machine_action_forgets_password AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state NOT IN ('waiting', 'leased') AND NEW.password_hash IS NOT NULL
BEGIN
    UPDATE machine_actions SET password_hash = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER finished_machine_action_emits_event AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state IN ('done', 'failed') AND NEW.state <> OLD.state
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'done', 'machine-action-done', 'machine-action-failed'), r.renter_id,
           r.farmer_id, j.node_id, j.slice_number, r.id, NEW.kind, NEW.changed_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
END;

-- A machine that could not be shut down still runs, and should be watched as one that should.
CREATE TRIGGER failed_shutdown_leaves_machine_running AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state = 'failed' AND NEW.state <> OLD.state AND NEW.kind = 'shutdown'
BEGIN
    UPDATE machines SET should_run = 1 WHERE job_id = NEW.job_id;
END;
