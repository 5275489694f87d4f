-- Command: a renter has a password set for the console of a machine. `password_hash` is what it
-- comes to by crypt(3). It aborts and fails as `begin_machine_action` does. There is no response
-- to store: it has the password in it.
CREATE VIEW begin_console_password AS
    SELECT id, job_id, requested_by AS renter_id, password_hash, expires_at,
           '' AS audit_entry, created_at AS requested_at
      FROM machine_actions;

CREATE TRIGGER begin_console_password_does INSTEAD OF INSERT ON begin_console_password BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    VALUES (NEW.id, NEW.job_id, 'set-password', NEW.renter_id, NULL, NEW.expires_at, NULL,
            NEW.audit_entry, NEW.requested_at);
    UPDATE machine_actions SET password_hash = NEW.password_hash WHERE id = NEW.id;
END;
