-- Command: a renter changes which ports of a rental's machines are reachable. `ports` is a JSON
-- array with a pair of transport and number for each; `actions` is one with an object for each
-- machine, with `id`, that of the action that has it done, and `job`. The rest is what
-- `begin_machine_action` takes.
CREATE VIEW change_rental_ports AS
    SELECT id AS rental_id, '[]' AS ports, '[]' AS actions, renter_id, 0 AS expires_at,
           '' AS audit_entry, started_at AS requested_at
      FROM rentals;

CREATE TRIGGER change_rental_ports_does INSTEAD OF INSERT ON change_rental_ports BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    SELECT value ->> 'id', value ->> 'job', 'set-ports', NEW.renter_id, NULL, NEW.expires_at, NULL,
           NULL, NEW.requested_at
      FROM json_each(NEW.actions);
    DELETE FROM rental_ports WHERE rental_id = NEW.rental_id;
    INSERT INTO rental_ports (rental_id, transport, number)
    SELECT NEW.rental_id, value ->> 0, value ->> 1 FROM json_each(NEW.ports);
    INSERT INTO write_audit_entry (entry, created_at)
    VALUES (NEW.audit_entry, NEW.requested_at);
END;
