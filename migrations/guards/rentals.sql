-- What holds on `rentals`, and what follows from a change of it.

CREATE TRIGGER rentals_never_deleted BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'refused: rentals_never_deleted');
END;

CREATE TRIGGER rental_ends_once BEFORE UPDATE ON rentals WHEN OLD.state = 'ended'
  AND (NEW.state <> 'ended' OR NEW.ended_at <> OLD.ended_at)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_ends_once');
END;

CREATE TRIGGER rental_start_records_wait AFTER INSERT ON rentals
  WHEN NEW.slice_number IS NOT NULL
   AND (SELECT kind FROM orders WHERE id = NEW.order_id) = 'rental'
BEGIN
    INSERT INTO rentals_begun (rental_id, node_id, began_at, waited_seconds)
    SELECT NEW.id, NEW.node_id, NEW.started_at,
           max(0, NEW.started_at - max(
               m.offered_since,
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number = NEW.slice_number
                            AND state = 'ended'), 0),
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number IS NULL
                            AND state = 'ended'), 0)))
      FROM market_nodes m WHERE m.node_id = NEW.node_id;
END;

CREATE TRIGGER rental_end_ends_tenure AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    UPDATE tenures
       SET ended_at = max(started_at, evaluated_until, NEW.ended_at),
           evaluate_at = max(started_at, evaluated_until, NEW.ended_at)
     WHERE rental_id = NEW.id AND ended_at IS NULL;
END;

CREATE TRIGGER rental_end_closes_ports AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    DELETE FROM rental_ports WHERE rental_id = NEW.id;
END;
