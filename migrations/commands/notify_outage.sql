-- Command: renters and farmers of what has been down for a day are notified, once for each outage.
-- A rental of a whole node is not down because one of its machines is.
CREATE VIEW notify_outage AS SELECT id, notified_at FROM outages;

CREATE TRIGGER notify_outage_does INSTEAD OF INSERT ON notify_outage BEGIN
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-down', r.renter_id, r.farmer_id, r.node_id, r.slice_number, r.id, NEW.notified_at
      FROM outages o
      JOIN rentals r ON r.node_id = o.node_id AND r.state = 'active'
     WHERE o.id = NEW.id AND o.notified_at IS NULL
       AND (o.job_id IS NULL
            OR (r.slice_number IS NOT NULL
                AND r.id = (SELECT rental_id FROM jobs WHERE id = o.job_id)));
    UPDATE outages SET notified_at = NEW.notified_at WHERE id = NEW.id AND notified_at IS NULL;
END;
