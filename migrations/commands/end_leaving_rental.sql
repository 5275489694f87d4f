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
            bookings, event, removal_late_at, changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, NEW.event, NEW.removal_late_at,
            NEW.changed_at);
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
END;
