-- Command: a renter says which SSH keys get in to the machines of a rental, a JSON array of lines.
-- It aborts if it is not theirs any more, and fails if another action of one of its machines is
-- still to be done. `actions` is a JSON array with the `id` of the action and
-- the `job` of each machine, `response` is what `store_response` takes.
CREATE VIEW set_machine_keys AS
    SELECT id, renter_id, '[]' AS ssh_keys, '[]' AS actions, 0 AS expires_at,
           '' AS response, started_at AS requested_at
      FROM rentals;

CREATE TRIGGER set_machine_keys_does INSTEAD OF INSERT ON set_machine_keys BEGIN
    SELECT RAISE(ABORT, 'refused: machine_gone')
     WHERE NOT EXISTS (SELECT 1 FROM rentals
                        WHERE id = NEW.id AND renter_id = NEW.renter_id AND state = 'active');
    UPDATE setups SET ssh_keys = NEW.ssh_keys WHERE rental_id = NEW.id;
    INSERT INTO request_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, requested_at)
    SELECT value ->> 'id', value ->> 'job', 'set-keys', NEW.renter_id, NULL, NEW.expires_at, NULL,
           NEW.requested_at
      FROM json_each(NEW.actions);
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
END;
