-- Command, used by the other commands: a rental that has another node, farmer or SLA commitment
-- than before has a new tenure from `begun_at` on, and its last one ends. The new one is evaluated
-- first at `evaluate_at`. Where none of these has changed, the tenure goes on.
CREATE VIEW begin_tenure AS
    SELECT rental_id, started_at AS begun_at, evaluate_at FROM tenures;

CREATE TRIGGER begin_tenure_does INSTEAD OF INSERT ON begin_tenure BEGIN
    UPDATE tenures
       SET ended_at = max(started_at, evaluated_until, NEW.begun_at),
           evaluate_at = max(started_at, evaluated_until, NEW.begun_at)
     WHERE rental_id = NEW.rental_id AND ended_at IS NULL
       AND EXISTS (SELECT 1 FROM rentals r
                    WHERE r.id = NEW.rental_id
                      AND (r.node_id <> tenures.node_id
                           OR r.farmer_id <> tenures.farmer_id
                           OR r.min_uptime <> tenures.min_uptime
                           OR r.min_bandwidth_mbps <> tenures.min_bandwidth_mbps));
    INSERT INTO tenures
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, evaluated_until, evaluate_at)
    SELECT r.id, coalesce(max(s.number), 0) + 1, r.node_id, r.slice_number, r.farmer_id,
           r.min_uptime, r.min_bandwidth_mbps, coalesce(max(s.ended_at), NEW.begun_at),
           coalesce(max(s.ended_at), NEW.begun_at), NEW.evaluate_at
      FROM rentals r LEFT JOIN tenures s ON s.rental_id = r.id
     WHERE r.id = NEW.rental_id
     GROUP BY r.id
    HAVING count(s.number) = count(s.ended_at);
END;
