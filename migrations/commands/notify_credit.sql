-- Command, used by the other commands: books a credit, and notifies both sides.
CREATE VIEW notify_credit AS
    SELECT rental_id, month, tenure, '' AS booking, evaluated_at AS notified_at FROM sla_months;

CREATE TRIGGER notify_credit_does INSTEAD OF INSERT ON notify_credit BEGIN
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.notified_at);
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-credited', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, m.credit_micros / 1000000,
                  m.credit_micros / 10000 % 100),
           NEW.notified_at
      FROM sla_months m
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.tenure = NEW.tenure;
END;
