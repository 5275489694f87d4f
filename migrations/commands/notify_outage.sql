-- Command: renters and farmers of what has been down for a day are notified, once for each outage:
-- of a machine of a whole node, which is not down itself, with the machine's slice.
CREATE VIEW notify_outage AS SELECT id, notified_at FROM outages;

CREATE TRIGGER notify_outage_does INSTEAD OF INSERT ON notify_outage BEGIN
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-down', r.renter_id, r.farmer_id, r.node_id,
           coalesce(r.slice_number, j.slice_number), r.id, NEW.notified_at
      FROM outages o
      JOIN rentals r ON r.node_id = o.node_id AND r.state = 'active'
      LEFT JOIN jobs j ON j.id = o.job_id
     WHERE o.id = NEW.id AND o.notified_at IS NULL
       AND (o.job_id IS NULL OR r.id = j.rental_id);
    UPDATE outages SET notified_at = NEW.notified_at WHERE id = NEW.id AND notified_at IS NULL;
END;
