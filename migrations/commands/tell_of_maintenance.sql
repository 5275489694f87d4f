-- Command, used by the triggers below: tells a farmer, and who rents something on the node, of a
-- window. Each rental has an event of its own.
CREATE VIEW tell_of_maintenance AS
    SELECT '' AS kind, id, node_id, announced_at AS told_at FROM maintenance;

CREATE TRIGGER tell_of_maintenance_does INSTEAD OF INSERT ON tell_of_maintenance BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id, NEW.id, NEW.told_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT NEW.kind, renter_id, node_id, slice_number, id, NEW.id, NEW.told_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended'
     ORDER BY id;
END;
