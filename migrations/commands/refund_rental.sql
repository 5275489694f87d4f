-- Command: a rental that has no access is refunded in full, and ends. The columns are those of
-- `change_rental`, and those of a mail about it, where there is one. It aborts unless
-- access is owed.
CREATE VIEW refund_rental AS
    SELECT id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
           bookings, removal_late_at, changed_at, '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental;

CREATE TRIGGER refund_rental_does INSTEAD OF INSERT ON refund_rental BEGIN
    SELECT RAISE(ABORT, 'refused: access_not_owed')
     WHERE NOT EXISTS (SELECT 1 FROM jobs
                        WHERE rental_id = NEW.id AND kind = 'create'
                          AND state IN ('waiting', 'leased', 'failed'));
    -- Whoever holds the lease keeps it until it is over: the removal waits for that.
    UPDATE jobs
       SET state = 'refunded', changed_at = NEW.changed_at,
           due_at = iif(state = 'leased', due_at, NEW.changed_at)
     WHERE rental_id = NEW.id AND kind = 'create' AND state IN ('waiting', 'leased', 'failed');
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-refunded', renter_id, farmer_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, order_id, total_micros, token_id, response, removal_late_at,
            changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, 'rental-ended', NULL, NULL,
            NULL, NULL, NEW.removal_late_at, NEW.changed_at);
END;
