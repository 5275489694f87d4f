-- Command: a rental goes on with another slice, because its node leaves, access to it is overdue or
-- it is down, and its renter agreed. It aborts unless the rental is at the `version` that the
-- decision saw and may move, the other node's offer is the one that was agreed to, and its slice
-- `slice_number` is free.
--
-- `is_owed` is whether access was owed when it was decided: then the other farm must have an agent.
-- `removal_late_at` is what `remove_machines` takes, `late_at`, `refund_at` and `seen_after` what
-- `create_machines` does, and `evaluate_at` what `begin_tenure` does. What was used is booked to
-- the farmer whom the rental leaves, by `bookings` and `periods`; the rest stays in its escrow.
CREATE VIEW move_rental_to_slice AS
    SELECT r.id, r.version, r.node_id, r.slice_number, n.offer_version, r.price_micros,
           r.min_uptime, r.min_bandwidth_mbps, r.earns_at, '[]' AS periods, '[]' AS bookings,
           0 AS is_owed, 0 AS removal_late_at, 0 AS evaluate_at, 0 AS late_at, 0 AS refund_at,
           0 AS seen_after, r.started_at AS moved_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER move_rental_to_slice_does INSTEAD OF INSERT ON move_rental_to_slice BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.moved_at FROM quotes WHERE held_until <= NEW.moved_at;
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND r.version = NEW.version AND r.state = 'active'
                          AND r.slice_number IS NOT NULL
                          AND (n.leaves_at IS NOT NULL
                               OR EXISTS (SELECT 1 FROM outages
                                           WHERE node_id = r.node_id AND job_id IS NULL
                                             AND until_at IS NULL)
                               OR EXISTS (SELECT 1 FROM outages
                                           WHERE until_at IS NULL
                                             AND job_id IN (SELECT id FROM jobs
                                                             WHERE rental_id = NEW.id
                                                               AND kind = 'create'))
                               OR EXISTS (SELECT 1 FROM jobs
                                           WHERE rental_id = NEW.id AND kind = 'create'
                                             AND (state = 'failed'
                                                  OR (state IN ('waiting', 'leased')
                                                      AND (notified_at IS NOT NULL
                                                           OR late_at <= NEW.moved_at))))));
    SELECT RAISE(ABORT, 'refused: access_changed')
     WHERE NEW.is_owed <> EXISTS (SELECT 1 FROM jobs
                                   WHERE rental_id = NEW.id AND kind = 'create'
                                     AND state IN ('waiting', 'leased', 'failed'));
    SELECT RAISE(ABORT, 'refused: offer_changed')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND listing = 'published'
                          AND offer_version = NEW.offer_version
                          AND price_micros = NEW.price_micros
                          AND min_uptime = NEW.min_uptime
                          AND min_bandwidth_mbps = NEW.min_bandwidth_mbps
                          AND whole_rental_id IS NULL
                          AND capacity >= available_slices + reserved_slices + allocated_slices);
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-out', farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
    UPDATE slices SET state = 'available', rental_id = NULL WHERE rental_id = NEW.id;
    INSERT INTO remove_machines (rental_id, removed_at, late_at)
    VALUES (NEW.id, NEW.moved_at, NEW.removal_late_at);
    UPDATE nodes SET capacity = capacity
     WHERE id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND number = NEW.slice_number AND state = 'available';
    SELECT RAISE(ABORT, 'refused: slice_taken') WHERE changes() = 0;
    INSERT INTO create_machines (rental_id, created_at, late_at, refund_at, seen_after)
    VALUES (NEW.id, NEW.moved_at, NEW.late_at, NEW.refund_at, NEW.seen_after);
    SELECT RAISE(ABORT, 'refused: agent_gone')
     WHERE NEW.is_owed AND NOT EXISTS (SELECT 1 FROM jobs
                                        WHERE rental_id = NEW.id AND kind = 'create'
                                          AND state = 'waiting' AND is_by_hand = 0);
    -- While it is still there: what was earned is of that node.
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.moved_at FROM json_each(NEW.bookings);
    UPDATE rentals
       SET version = version + 1, node_id = NEW.node_id, slice_number = NEW.slice_number,
           price_micros = NEW.price_micros,
           farmer_id = (SELECT farmer_id FROM nodes WHERE id = NEW.node_id),
           min_uptime = NEW.min_uptime, min_bandwidth_mbps = NEW.min_bandwidth_mbps,
           earns_at = NEW.earns_at
     WHERE id = NEW.id;
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    VALUES (NEW.id, NEW.moved_at, NEW.evaluate_at);
    UPDATE rental_periods
       SET earned_micros = (SELECT value ->> 'earned' FROM json_each(NEW.periods)
                             WHERE value ->> 'number' = rental_periods.number)
     WHERE rental_id = NEW.id
       AND number IN (SELECT value ->> 'number' FROM json_each(NEW.periods));
    DELETE FROM reminders WHERE rental_id = NEW.id AND days < 0;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-in', renter_id, farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
END;
