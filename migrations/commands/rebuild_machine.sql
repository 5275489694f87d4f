-- Command: a renter has a machine made anew, with a template or user data of their own, which is
-- encrypted. It aborts and fails as `request_machine_action` does.
CREATE VIEW rebuild_machine AS
    SELECT a.id, a.job_id, a.requested_by AS renter_id, s.template, s.template_version, s.sealed,
           a.expires_at, '' AS response, a.created_at AS requested_at
      FROM machine_actions a JOIN setups s ON s.rental_id = a.rental_id;

CREATE TRIGGER rebuild_machine_does INSTEAD OF INSERT ON rebuild_machine BEGIN
    INSERT INTO request_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, requested_at)
    VALUES (NEW.id, NEW.job_id, 'rebuild', NEW.renter_id, 1, NEW.expires_at, NEW.response,
            NEW.requested_at);
    UPDATE setups
       SET template = NEW.template, template_version = NEW.template_version, sealed = NEW.sealed
     WHERE rental_id = (SELECT rental_id FROM jobs WHERE id = NEW.job_id);
END;
