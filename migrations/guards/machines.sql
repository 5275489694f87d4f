-- What holds on `machines`, and what follows from a change of it.

-- A machine that its renter cannot use; and one that is back, if they were notified that it was
-- not. That it is off is no news to a renter who has shut it down here.
CREATE TRIGGER machine_change_emits_events AFTER UPDATE OF state ON machines
  WHEN NEW.state <> OLD.state AND NEW.state <> 'starting'
   AND (NEW.state <> 'off' OR NEW.should_run = 1)
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'running', 'machine-up', 'machine-down'), r.renter_id, r.farmer_id,
           j.node_id, j.slice_number, r.id, NEW.state, NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id
       AND (NEW.state <> 'running'
            OR 'machine-down' = (SELECT kind FROM events
                                  WHERE rental_id = r.id AND slice_number = j.slice_number
                                    AND kind IN ('machine-down', 'machine-up')
                                  ORDER BY id DESC LIMIT 1));
END;

CREATE TRIGGER machine_outage_begins AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 1 AND OLD.is_outage = 0
BEGIN
    INSERT INTO outages (node_id, job_id, from_at)
    VALUES (NEW.node_id, NEW.job_id, iif(NEW.state = OLD.state, NEW.reported_at, NEW.since));
END;

CREATE TRIGGER machine_outage_ends AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 0 AND OLD.is_outage = 1
BEGIN
    UPDATE outages SET until_at = max(from_at, NEW.reported_at)
     WHERE job_id = NEW.job_id AND until_at IS NULL;
END;

-- Once, until there was room again.
CREATE TRIGGER machine_disk_filling_emits_event AFTER UPDATE OF is_disk_filling ON machines
  WHEN NEW.is_disk_filling = 1 AND OLD.is_disk_filling = 0
BEGIN
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'machine-disk-filling', r.renter_id, j.node_id, j.slice_number, r.id,
           printf('%d%%', min(NEW.file_system_used_bytes, NEW.file_system_bytes) * 100
                          / max(NEW.file_system_bytes, 1)),
           NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id;
END;
