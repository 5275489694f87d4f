-- Leaving: a farmer withdraws a node with notice. Its rentals run until then; those that were paid
-- for longer are refunded, or go on elsewhere where their renters want it.

INSERT INTO event_kinds (kind)
VALUES ('node-leaving'), ('node-stays'), ('node-left'), ('rental-moved-out'), ('rental-moved-in');

-- When the node leaves the market; NULL where it stays. It is off the market from the notice on.
ALTER TABLE nodes ADD COLUMN leaves_at INTEGER
    CHECK (leaves_at IS NULL OR listing <> 'published');

-- When it has left: nothing of it is rented, held or free any more.
ALTER TABLE nodes ADD COLUMN left_at INTEGER
    CHECK (left_at IS NULL OR (leaves_at IS NOT NULL AND left_at >= leaves_at));

CREATE INDEX nodes_by_leaving ON nodes (leaves_at)
 WHERE leaves_at IS NOT NULL AND left_at IS NULL;

-- Whoever rents something of it is told, and what was decided on one of its rentals before is
-- decided again: each gets another version.

CREATE TRIGGER leaving_is_told AFTER UPDATE OF leaves_at ON nodes
  WHEN NEW.leaves_at IS NOT OLD.leaves_at
BEGIN
    UPDATE rentals SET version = version + 1 WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.leaves_at IS NULL THEN 'node-stays' ELSE 'node-leaving' END,
            NEW.farmer_id, NEW.id, NEW.offer_changed_at);
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-stays' ELSE 'node-leaving' END, renter_id,
           node_id, slice_number, id, NEW.offer_changed_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended'
     ORDER BY id;
    -- Of another notice they are told again.
    DELETE FROM reminders
     WHERE days < 0 AND rental_id IN (SELECT id FROM rentals
                                       WHERE node_id = NEW.id AND state <> 'ended');
END;

-- A hold keeps its word: whoever rents with one after the notice is told at once.
CREATE TRIGGER leaving_is_told_to_who_comes AFTER INSERT ON events
  WHEN NEW.kind IN ('slice-rented', 'node-rented')
BEGIN
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-leaving', NEW.renter_id, id, NEW.slice_number, NEW.rental_id, NEW.created_at
      FROM nodes WHERE id = NEW.node_id AND leaves_at IS NOT NULL;
END;

-- A node that has left has no free slices, whatever the grid reports of it; one that comes back has
-- what its last report allows.

CREATE TRIGGER node_leaves AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NOT NULL AND OLD.left_at IS NULL
BEGIN
    UPDATE slices SET state = 'retired' WHERE node_id = NEW.id AND state = 'available';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-left', NEW.farmer_id, NEW.id, NEW.left_at);
END;

CREATE TRIGGER node_comes_back AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NULL AND OLD.left_at IS NOT NULL
BEGIN
    UPDATE nodes SET capacity = capacity WHERE id = NEW.id;
END;

CREATE TRIGGER left_slices_stay_retired BEFORE UPDATE OF state ON slices
  WHEN NEW.state <> 'retired'
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER left_nodes_get_no_slices BEFORE INSERT ON slices
  WHEN (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

-- Command: a rental whose node leaves goes on with a slice of another node, because its renter
-- agreed. It aborts unless the rental is at the `version` that the decision saw, its node leaves,
-- the other node's offer is the one that was agreed to, and a slice of it is free: the one of
-- `slice_number` or, where that is NULL, the lowest. What was used is booked to the farmer whom it
-- leaves, by `bookings` and `periods`; the rest stays in its escrow.
CREATE VIEW move_rental AS
    SELECT r.id, r.version, r.node_id, r.slice_number, n.offer_version, r.price_micros,
           r.min_uptime, r.min_bandwidth_mbps, r.earns_at, '[]' AS periods, '[]' AS bookings,
           r.started_at AS moved_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER move_rental_does INSTEAD OF INSERT ON move_rental BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.moved_at FROM quotes WHERE held_until <= NEW.moved_at;
    SELECT RAISE(ABORT, 'stale rental')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND r.version = NEW.version AND r.state = 'active'
                          AND r.slice_number IS NOT NULL AND n.leaves_at IS NOT NULL);
    SELECT RAISE(ABORT, 'stale offer')
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
    UPDATE nodes SET capacity = capacity
     WHERE id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND state = 'available'
       AND number = coalesce(NEW.slice_number, (SELECT min(number) FROM slices
                                                 WHERE node_id = NEW.node_id
                                                   AND state = 'available'));
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() = 0;
    -- While it is still there: what was earned is of that node.
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.moved_at FROM json_each(NEW.bookings);
    UPDATE rentals
       SET version = version + 1, node_id = NEW.node_id, price_micros = NEW.price_micros,
           slice_number = (SELECT number FROM slices WHERE rental_id = NEW.id),
           farmer_id = (SELECT farmer_id FROM nodes WHERE id = NEW.node_id),
           min_uptime = NEW.min_uptime, min_bandwidth_mbps = NEW.min_bandwidth_mbps,
           earns_at = NEW.earns_at
     WHERE id = NEW.id;
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

-- Command: a rental ends because its node leaves. It is `change_rental`, and the mail that tells
-- its renter is written in the same statement.
CREATE VIEW end_leaving_rental AS
    SELECT c.*, n.leaves_at, '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental c
      JOIN rentals r ON r.id = c.id
      JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER end_leaving_rental_does INSTEAD OF INSERT ON end_leaving_rental BEGIN
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, NEW.event, NEW.changed_at);
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
END;
