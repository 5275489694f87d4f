-- Command: people are notified, once, that a job is late: by an event, and by the mails in `mails`,
-- a JSON array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal.
CREATE VIEW notify_late_job AS SELECT id AS job_id, '[]' AS mails, notified_at FROM jobs;

CREATE TRIGGER notify_late_job_does INSTEAD OF INSERT ON notify_late_job BEGIN
    UPDATE jobs SET notified_at = NEW.notified_at
     WHERE id = NEW.job_id AND notified_at IS NULL AND state IN ('waiting', 'leased', 'failed');
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT iif(j.kind = 'create', 'access-late', 'removal-late'),
           iif(j.kind = 'create', r.renter_id, NULL), r.farmer_id, j.node_id, j.slice_number,
           iif(j.kind = 'create', r.id, NULL), NEW.notified_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT value ->> 'id', value ->> 'account', value ->> 'kind', unhex(value ->> 'sealed'),
           NEW.notified_at, NEW.notified_at
      FROM json_each(NEW.mails);
END;
