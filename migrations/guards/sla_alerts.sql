-- What holds on `sla_alerts`, and what follows from a change of it.

CREATE TRIGGER new_sla_alert_emits_event AFTER INSERT ON sla_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id,
           NEW.month || iif(NEW.minutes_left IS NULL, '', printf(': %d min', NEW.minutes_left)),
           NEW.created_at
      FROM nodes WHERE id = NEW.node_id;
END;
