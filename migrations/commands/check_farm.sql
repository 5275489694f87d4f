-- Command: the grid was asked, at `checked_at`, who owns a verified farm. `twin_id` is NULL where
-- it knows no such farm. If that is another twin than before, the verification is revoked, and
-- verified owners of farms of the new twin are notified as well. An answer that was overtaken by a
-- verification changes nothing.
CREATE VIEW check_farm AS SELECT id, name, twin_id, checked_at FROM farms;

CREATE TRIGGER check_farm_does INSTEAD OF INSERT ON check_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT DISTINCT 'farm-moved', other.owner_id, 'farm' || f.id, NEW.checked_at
      FROM farms f JOIN farms other ON other.twin_id = NEW.twin_id AND other.id <> f.id
     WHERE f.id = NEW.id AND f.twin_id <> NEW.twin_id AND f.checked_at < NEW.checked_at
       AND other.owner_id <> f.owner_id;
    INSERT INTO revoke_farm (id, event, voided_at)
    SELECT id, 'farm-moved', NEW.checked_at
      FROM farms
     WHERE id = NEW.id AND twin_id IS NOT NEW.twin_id AND checked_at < NEW.checked_at;
    UPDATE farms SET checked_at = NEW.checked_at, name = coalesce(NEW.name, name)
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
END;
