-- Command: the verification of a farm is revoked. `event` says to its owner why; where the grid is
-- why, the grid may take it back. The owner's published nodes of that farm go off the market;
-- rentals run on.
CREATE VIEW revoke_farm AS SELECT id, '' AS event, checked_at AS voided_at FROM farms;

CREATE TRIGGER revoke_farm_does INSTEAD OF INSERT ON revoke_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, owner_id, 'farm' || id, NEW.voided_at FROM farms WHERE id = NEW.id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.voided_at
     WHERE farm_id = NEW.id AND listing = 'published'
       AND farmer_id = (SELECT owner_id FROM farms WHERE id = NEW.id);
    DELETE FROM lost_farms WHERE id = NEW.id;
    INSERT INTO lost_farms
           (id, name, twin_id, twin_account, owner_id, verified_by, lost_at, checked_at)
    SELECT id, name, twin_id, twin_account, owner_id, verified_by, NEW.voided_at, NEW.voided_at
      FROM farms WHERE id = NEW.id AND NEW.event = 'farm-moved';
    DELETE FROM farms WHERE id = NEW.id;
END;
