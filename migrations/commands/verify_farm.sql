-- Command: an account is verified to own a farm, in place of who was before. Published nodes of it
-- that are not this account's go off the market. Where the grid had taken the farm from this
-- account, what went off the market then and was left alone since is published again.
CREATE VIEW verify_farm AS
    SELECT id, name, twin_id, twin_account, owner_id, verified_by, verified_at FROM farms;

CREATE TRIGGER verify_farm_does INSTEAD OF INSERT ON verify_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT 'farm-lost', owner_id, 'farm' || id, NEW.verified_at
      FROM farms WHERE id = NEW.id AND owner_id <> NEW.owner_id;
    INSERT INTO farms
           (id, name, twin_id, twin_account, owner_id, verified_by, verified_at, checked_at)
    VALUES (NEW.id, NEW.name, NEW.twin_id, NEW.twin_account, NEW.owner_id, NEW.verified_by,
            NEW.verified_at, NEW.verified_at)
        ON CONFLICT (id) DO UPDATE
       SET name = excluded.name, twin_id = excluded.twin_id, twin_account = excluded.twin_account,
           owner_id = excluded.owner_id, verified_by = excluded.verified_by,
           verified_at = excluded.verified_at, checked_at = excluded.checked_at,
           missing_since = NULL;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('farm-verified', NEW.owner_id, 'farm' || NEW.id, NEW.verified_at);
    UPDATE nodes
       SET listing = 'published', offer_version = offer_version + 1,
           offer_changed_at = NEW.verified_at
     WHERE farm_id = NEW.id AND farmer_id = NEW.owner_id AND listing = 'paused'
       AND offer_changed_at = (SELECT lost_at FROM lost_farms
                                WHERE id = NEW.id AND owner_id = NEW.owner_id);
    DELETE FROM lost_farms WHERE id = NEW.id;
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-claimed', farmer_id, id, 'farm' || NEW.id, NEW.verified_at
      FROM nodes WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.verified_at
     WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id AND listing = 'published';
END;
