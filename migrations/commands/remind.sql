-- Command: reminds a renter of an end, once for each end and number of days, with an event and a
-- mail where they are given. `days` is 0 for a renewal that failed.
CREATE VIEW remind AS
    SELECT d.rental_id, d.ends_at, d.days, '' AS event, m.id AS mail_id, m.kind AS mail_kind,
           m.sealed, d.sent_at
      FROM reminders d
      LEFT JOIN mails m ON m.id = d.rental_id;

CREATE TRIGGER remind_does INSTEAD OF INSERT ON remind BEGIN
    INSERT INTO reminders (rental_id, ends_at, days, sent_at)
    VALUES (NEW.rental_id, NEW.ends_at, NEW.days, NEW.sent_at)
        ON CONFLICT (rental_id, ends_at, days) DO NOTHING;
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT NEW.event, renter_id, node_id, slice_number, id, NEW.sent_at
      FROM rentals WHERE id = NEW.rental_id AND NEW.event IS NOT NULL;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.sent_at, NEW.sent_at
      FROM rentals WHERE id = NEW.rental_id AND NEW.mail_id IS NOT NULL;
END;
