-- Command: a renter has a machine made anew, with a template or user data of their own, which is
-- encrypted. It aborts and fails as `begin_machine_action` does.
CREATE VIEW begin_rebuild AS
    SELECT a.id, a.job_id, a.requested_by AS renter_id, s.template, s.template_version, s.sealed,
           a.expires_at, '' AS response, '' AS audit_entry, a.created_at AS requested_at
      FROM machine_actions a JOIN setups s ON s.rental_id = a.rental_id;

CREATE TRIGGER begin_rebuild_does INSTEAD OF INSERT ON begin_rebuild BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    VALUES (NEW.id, NEW.job_id, 'rebuild', NEW.renter_id, 1, NEW.expires_at, NEW.response,
            NEW.audit_entry, NEW.requested_at);
    UPDATE setups
       SET template = NEW.template, template_version = NEW.template_version, sealed = NEW.sealed
     WHERE rental_id = (SELECT rental_id FROM jobs WHERE id = NEW.job_id);
END;
