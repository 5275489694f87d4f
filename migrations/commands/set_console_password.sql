-- Command: a renter has a password set for the console of a machine. `password_hash` is what it
-- comes to by crypt(3). It aborts and fails as `request_machine_action` does. There is no response
-- to store: it has the password in it.
CREATE VIEW set_console_password AS
    SELECT id, job_id, requested_by AS renter_id, password_hash, expires_at,
           created_at AS requested_at
      FROM machine_actions;

CREATE TRIGGER set_console_password_does INSTEAD OF INSERT ON set_console_password BEGIN
    INSERT INTO request_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, requested_at)
    VALUES (NEW.id, NEW.job_id, 'set-password', NEW.renter_id, NULL, NEW.expires_at, NULL,
            NEW.requested_at);
    UPDATE machine_actions SET password_hash = NEW.password_hash WHERE id = NEW.id;
END;
