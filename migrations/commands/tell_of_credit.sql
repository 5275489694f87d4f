-- Command, used by the others: books a credit, and tells both sides of it.
CREATE VIEW tell_of_credit AS
    SELECT rental_id, month, stay, '' AS booking, judged_at AS told_at FROM sla_months;

CREATE TRIGGER tell_of_credit_does INSTEAD OF INSERT ON tell_of_credit BEGIN
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.told_at);
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-credited', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, m.credit_micros / 1000000,
                  m.credit_micros / 10000 % 100),
           NEW.told_at
      FROM sla_months m
      JOIN rental_stays s ON s.rental_id = m.rental_id AND s.number = m.stay
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.stay = NEW.stay;
END;
