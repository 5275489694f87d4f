-- What holds on `rentals`, and what follows from a change of it.

CREATE TRIGGER rentals_are_kept BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'refused: rentals_never_deleted');
END;

CREATE TRIGGER rentals_end_once BEFORE UPDATE ON rentals WHEN OLD.state = 'ended'
  AND (NEW.state <> 'ended' OR NEW.ended_at <> OLD.ended_at)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_ends_once');
END;

CREATE TRIGGER waits_are_kept AFTER INSERT ON rentals
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

CREATE TRIGGER stays_begin AFTER INSERT ON rentals WHEN NEW.state <> 'ended' BEGIN
    INSERT INTO rental_stays
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, judged_until, judge_at)
    VALUES (NEW.id, 1, NEW.node_id, NEW.slice_number, NEW.farmer_id, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.started_at, NEW.started_at,
            CAST(strftime('%s', NEW.started_at, 'unixepoch', 'start of month', '+1 month')
                 AS INTEGER) + 172800);
END;

CREATE TRIGGER stays_change
 AFTER UPDATE OF node_id, farmer_id, min_uptime, min_bandwidth_mbps ON rentals
  WHEN NEW.state <> 'ended'
   AND (NEW.node_id <> OLD.node_id OR NEW.farmer_id <> OLD.farmer_id
        OR NEW.min_uptime <> OLD.min_uptime OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps)
BEGIN
    -- A move has told of itself already; a node that was taken over says when its offer changed.
    UPDATE rental_stays
       SET ended_at = max(started_at, judged_until, w.at),
           judge_at = max(started_at, judged_until, w.at)
      FROM (SELECT iif(NEW.node_id = OLD.node_id AND NEW.farmer_id <> OLD.farmer_id,
                       (SELECT offer_changed_at FROM nodes WHERE id = NEW.node_id),
                       (SELECT max(created_at) FROM events WHERE rental_id = NEW.id)) AS at) w
     WHERE rental_id = NEW.id AND ended_at IS NULL;
    INSERT INTO rental_stays
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, judged_until, judge_at)
    SELECT NEW.id, number + 1, NEW.node_id, NEW.slice_number, NEW.farmer_id, NEW.min_uptime,
           NEW.min_bandwidth_mbps, ended_at, ended_at,
           CAST(strftime('%s', ended_at, 'unixepoch', 'start of month', '+1 month') AS INTEGER)
               + 172800
      FROM rental_stays WHERE rental_id = NEW.id ORDER BY number DESC LIMIT 1;
END;

CREATE TRIGGER stays_end AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    UPDATE rental_stays
       SET ended_at = max(started_at, judged_until, NEW.ended_at),
           judge_at = max(started_at, judged_until, NEW.ended_at)
     WHERE rental_id = NEW.id AND ended_at IS NULL;
END;
