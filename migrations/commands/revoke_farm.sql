-- Command: the verification of a farm is revoked. `event` says to its owner why. The owner's
-- published nodes of that farm go off the market; rentals run on.
CREATE VIEW revoke_farm AS SELECT id, '' AS event, checked_at AS voided_at FROM farms;

CREATE TRIGGER revoke_farm_does INSTEAD OF INSERT ON revoke_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, owner_id, 'farm' || id, NEW.voided_at FROM farms WHERE id = NEW.id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.voided_at
     WHERE farm_id = NEW.id AND listing = 'published'
       AND farmer_id = (SELECT owner_id FROM farms WHERE id = NEW.id);
    DELETE FROM farms WHERE id = NEW.id;
END;
