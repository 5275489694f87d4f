-- Command: a rental changes: it is extended, earns, expires, or ends. It aborts unless the rental
-- is at the `version` that the decision saw. `periods` are those that came or changed, a JSON array
-- of objects; `bookings` are what `post_booking` takes. An extension has an `order_id`, with its
-- total and token, and `response` is what `store_response` takes. Once the rental has ended, its
-- slices are free where the node can carry them, and its machines are removed, which is late at
-- `removal_late_at`.
CREATE VIEW change_rental AS
    SELECT r.id, r.version, r.state, r.price_micros, r.price_until, r.ends_at, r.ended_at,
           r.earns_at, '[]' AS periods, '[]' AS bookings, '' AS event, o.id AS order_id,
           o.total_micros, o.token_id, '' AS response, 0 AS removal_late_at,
           r.started_at AS changed_at
      FROM rentals r JOIN orders o ON o.id = r.order_id;

CREATE TRIGGER change_rental_does INSTEAD OF INSERT ON change_rental BEGIN
    UPDATE rentals
       SET version = version + 1, state = NEW.state, price_micros = NEW.price_micros,
           price_until = NEW.price_until, ends_at = NEW.ends_at, ended_at = NEW.ended_at,
           earns_at = NEW.earns_at
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'refused: rental_changed') WHERE changes() = 0;
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.changed_at);
    INSERT INTO orders (id, account_id, kind, total_micros, token_id, created_at)
    SELECT NEW.order_id, renter_id, 'extension', NEW.total_micros, NEW.token_id, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.order_id IS NOT NULL;
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            earned_micros, refunded_micros, starts_at, ends_at)
    SELECT NEW.id, value ->> 'number', coalesce(NEW.order_id, r.order_id), r.renter_id,
           value ->> 'months', value ->> 'price', value ->> 'total', value ->> 'fee',
           value ->> 'earned', value ->> 'refunded', value ->> 'starts_at', value ->> 'ends_at'
      FROM json_each(NEW.periods), rentals r
     WHERE r.id = NEW.id
        ON CONFLICT (rental_id, number) DO UPDATE
       SET earned_micros = excluded.earned_micros, refunded_micros = excluded.refunded_micros;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.changed_at FROM json_each(NEW.bookings);
    UPDATE slices SET state = 'available', rental_id = NULL
     WHERE rental_id = NEW.id AND NEW.state = 'ended';
    INSERT INTO remove_machines (rental_id, removed_at, late_at)
    SELECT NEW.id, NEW.ended_at, NEW.removal_late_at WHERE NEW.state = 'ended';
    UPDATE nodes SET whole_rental_id = NULL
     WHERE NEW.state = 'ended' AND whole_rental_id = NEW.id
       AND id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE nodes SET capacity = capacity
     WHERE NEW.state = 'ended' AND id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    DELETE FROM transfers WHERE rental_id = NEW.id AND NEW.state = 'ended';
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT NEW.event, renter_id, farmer_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.event IS NOT NULL;
END;
