-- Command: a renter has something done with a machine. It aborts if the machine is not there any
-- more, and fails if another action of it is still to be done. `should_run` says whether the
-- machine should run from then on, NULL that it stays as it is; `response` is what `store_response`
-- takes.
CREATE VIEW begin_machine_action AS
    SELECT id, job_id, kind, requested_by AS renter_id, 1 AS should_run, expires_at, '' AS response,
           '' AS audit_entry, created_at AS requested_at
      FROM machine_actions;

CREATE TRIGGER begin_machine_action_does INSTEAD OF INSERT ON begin_machine_action BEGIN
    SELECT RAISE(ABORT, 'refused: machine_gone')
     WHERE NOT EXISTS (SELECT 1 FROM machines m
                         JOIN jobs j ON j.id = m.job_id
                         JOIN rentals r ON r.id = j.rental_id
                        WHERE m.job_id = NEW.job_id AND r.renter_id = NEW.renter_id
                          AND r.state = 'active');
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, requested_by, due_at, expires_at, created_at,
            changed_at)
    SELECT NEW.id, id, rental_id, NEW.kind, 'waiting', NEW.renter_id, NEW.requested_at,
           NEW.expires_at, NEW.requested_at, NEW.requested_at
      FROM jobs WHERE id = NEW.job_id;
    UPDATE machines SET should_run = coalesce(NEW.should_run, should_run)
     WHERE job_id = NEW.job_id;
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO write_audit_entry (entry, created_at)
    SELECT NEW.audit_entry, NEW.requested_at WHERE NEW.audit_entry IS NOT NULL;
END;
