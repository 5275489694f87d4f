-- Command: a month's SLA commitment was evaluated when the node had been `down` so often; `alert`
-- is what its farmer is notified of, once, and `minutes_left` how long the node may still be down.
CREATE VIEW evaluate_node_month AS
    SELECT node_id, month, evaluated_down AS down, '' AS alert, 0 AS minutes_left, 0 AS evaluated_at
      FROM node_months;

CREATE TRIGGER evaluate_node_month_does INSTEAD OF INSERT ON evaluate_node_month BEGIN
    UPDATE node_months SET evaluated_down = NEW.down
     WHERE node_id = NEW.node_id AND month = NEW.month;
    INSERT INTO sla_alerts (node_id, month, kind, minutes_left, created_at)
    SELECT NEW.node_id, NEW.month, NEW.alert, NEW.minutes_left, NEW.evaluated_at
     WHERE NEW.alert IS NOT NULL
        ON CONFLICT (node_id, month, kind) DO NOTHING;
END;
