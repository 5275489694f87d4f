-- Command: a rental ends whose node leaves before what was paid for is over: because its renter
-- wants it, or on the day. It is `change_rental`, and it aborts unless the node still leaves at
-- `leaves_at`. What the renter loses in term discounts, `compensation_micros`, is booked by
-- `compensation` out of the earnings of the farmer, or is owed where these do not suffice: then
-- `owed_at` says when it is tried again. The mail that tells the renter is written in the same
-- statement, where there is one.
CREATE VIEW end_cut_rental AS
    SELECT c.*, n.leaves_at, 0 AS compensation_micros, '' AS compensation, 0 AS owed_at,
           '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental c
      JOIN rentals r ON r.id = c.id
      JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER end_cut_rental_does INSTEAD OF INSERT ON end_cut_rental BEGIN
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND n.leaves_at = NEW.leaves_at);
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, removal_late_at, changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, NEW.event, NEW.removal_late_at,
            NEW.changed_at);
    INSERT INTO leaving_compensations
           (rental_id, renter_id, farmer_id, micros, owed_at, created_at)
    SELECT id, renter_id, farmer_id, NEW.compensation_micros, NEW.owed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.compensation_micros > 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, NEW.compensation, NEW.changed_at WHERE NEW.compensation IS NOT NULL;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
END;
