-- Command: credits the renter of a rental out of what its farmer has earned, for an SLA that was
-- missed. `booking` is what `post_booking` takes, `response` what `store_response` does, and
-- `audit_entry` what `write_audit_entry` does. It aborts unless the rental is still theirs.
CREATE VIEW credit_sla AS
    SELECT id AS rental_id, renter_id, farmer_id, '' AS booking, '' AS response, '' AS audit_entry,
           started_at AS created_at
      FROM rentals;

CREATE TRIGGER credit_sla_does INSTEAD OF INSERT ON credit_sla BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals
                        WHERE id = NEW.rental_id AND renter_id = NEW.renter_id
                          AND farmer_id = NEW.farmer_id);
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.created_at);
    INSERT INTO write_audit_entry (entry, created_at) VALUES (NEW.audit_entry, NEW.created_at);
END;
