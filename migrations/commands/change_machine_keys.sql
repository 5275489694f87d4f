-- Command: a renter says which SSH keys get in to the machines of a rental, a JSON array of lines.
-- It aborts if it is not theirs any more, and fails if another action of one of its machines is
-- still to be done. `actions` is a JSON array with the `id` of the action and
-- the `job` of each machine, `response` is what `store_response` takes, and `audit_entry` what
-- `write_audit_entry` does.
CREATE VIEW change_machine_keys AS
    SELECT id, renter_id, '[]' AS ssh_keys, '[]' AS actions, 0 AS expires_at,
           '' AS response, '' AS audit_entry, started_at AS requested_at
      FROM rentals;

CREATE TRIGGER change_machine_keys_does INSTEAD OF INSERT ON change_machine_keys BEGIN
    SELECT RAISE(ABORT, 'refused: machine_gone')
     WHERE NOT EXISTS (SELECT 1 FROM rentals
                        WHERE id = NEW.id AND renter_id = NEW.renter_id AND state = 'active');
    UPDATE setups SET ssh_keys = NEW.ssh_keys WHERE rental_id = NEW.id;
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    SELECT value ->> 'id', value ->> 'job', 'set-keys', NEW.renter_id, NULL, NEW.expires_at, NULL,
           NULL, NEW.requested_at
      FROM json_each(NEW.actions);
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO write_audit_entry (entry, created_at)
    VALUES (NEW.audit_entry, NEW.requested_at);
END;
