-- Command, used by the guards of `maintenance`: notifies a farmer, and who rents something on the
-- node, of a window. Each rental has an event of its own.
CREATE VIEW notify_maintenance AS
    SELECT '' AS kind, id, node_id, announced_at AS notified_at FROM maintenance;

CREATE TRIGGER notify_maintenance_does INSTEAD OF INSERT ON notify_maintenance BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id, NEW.id, NEW.notified_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT NEW.kind, renter_id, node_id, slice_number, id, NEW.id, NEW.notified_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended'
     ORDER BY id;
END;
