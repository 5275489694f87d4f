-- Command: somebody takes over a rental that was offered to them. It aborts unless the rental is at
-- the `version` that was seen. What was the old renter's own goes; what is refunded from then on is
-- the new one's.
CREATE VIEW transfer_rental AS
    SELECT id, version, renter_id, 0 AS slices_max, started_at AS transferred_at FROM rentals;

CREATE TRIGGER transfer_rental_does INSTEAD OF INSERT ON transfer_rental BEGIN
    SELECT RAISE(ABORT, 'refused: transfer_gone')
     WHERE NOT EXISTS (SELECT 1 FROM transfers t JOIN accounts a ON a.email = t.email
                        WHERE t.rental_id = NEW.id AND a.id = NEW.renter_id
                          AND t.expires_at > NEW.transferred_at);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-transferred', renter_id, farmer_id, node_id, slice_number, id,
           NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    UPDATE rentals
       SET renter_id = NEW.renter_id, version = version + 1, name = '', labels = '[]',
           renew_months = NULL, renew_max_micros = NULL, auto_start = 0
     WHERE id = NEW.id AND version = NEW.version AND state <> 'ended';
    SELECT RAISE(ABORT, 'refused: rental_changed') WHERE changes() = 0;
    DELETE FROM transfers WHERE rental_id = NEW.id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-received', renter_id, node_id, slice_number, id, NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.renter_id AND state <> 'ended') > NEW.slices_max;
END;
