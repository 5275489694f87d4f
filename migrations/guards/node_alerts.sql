-- What holds on `node_alerts`, and what follows from a change of it.

CREATE TRIGGER new_node_alert_emits_event AFTER INSERT ON node_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-down', farmer_id, id, NEW.changed_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-down', renter_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended';
END;

CREATE TRIGGER node_alert_change_emits_event AFTER UPDATE OF is_down ON node_alerts
  WHEN NEW.is_down <> OLD.is_down
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.is_down THEN 'node-down' ELSE 'node-recovered' END, farmer_id, id,
           NEW.changed_at
      FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT iif(NEW.is_down, 'node-down', 'node-recovered'), renter_id, node_id, slice_number, id,
           NEW.changed_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended';
END;
