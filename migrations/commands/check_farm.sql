-- Command: the grid was asked, at `checked_at`, who owns a farm that is or was verified. `twin_id`
-- is NULL where it lists no such farm. If that is another twin than before, or the farm was not
-- listed for a day, the verification is lost, and verified owners of farms of the new twin are
-- notified as well. A lost farm that has its twin again is its owner's again, and what went off the
-- market with it and was left alone since is published again. An answer that was overtaken by a
-- verification changes nothing.
CREATE VIEW check_farm AS SELECT id, name, twin_id, checked_at FROM farms;

CREATE TRIGGER check_farm_does INSTEAD OF INSERT ON check_farm BEGIN
    INSERT INTO verify_farm
           (id, name, twin_id, twin_account, owner_id, verified_by, verified_at)
    SELECT id, coalesce(NEW.name, name), twin_id, twin_account, owner_id, verified_by,
           NEW.checked_at
      FROM lost_farms
     WHERE id = NEW.id AND twin_id = NEW.twin_id AND checked_at < NEW.checked_at;
    UPDATE lost_farms SET checked_at = NEW.checked_at
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT DISTINCT 'farm-moved', other.owner_id, 'farm' || f.id, NEW.checked_at
      FROM farms f JOIN farms other ON other.twin_id = NEW.twin_id AND other.id <> f.id
     WHERE f.id = NEW.id AND f.twin_id <> NEW.twin_id AND f.checked_at < NEW.checked_at
       AND other.owner_id <> f.owner_id;
    INSERT INTO revoke_farm (id, event, voided_at)
    SELECT id, 'farm-moved', NEW.checked_at
      FROM farms
     WHERE id = NEW.id AND checked_at < NEW.checked_at
       AND (twin_id <> NEW.twin_id
            OR NEW.twin_id IS NULL AND missing_since <= NEW.checked_at - 86400);
    UPDATE farms
       SET checked_at = NEW.checked_at, name = coalesce(NEW.name, name),
           missing_since = CASE WHEN NEW.twin_id IS NULL
                                THEN coalesce(missing_since, NEW.checked_at) END
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
END;
