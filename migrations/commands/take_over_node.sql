-- Command: the verified owner of a farm takes over a node of it that somebody else has registered,
-- with the rentals that run on it. It aborts unless the node's offer is at the version that was
-- seen, and while its new farmer rents on it. What was earned stays with whom it was earned by;
-- what the new farmer held there is free again. The tenures that begin are evaluated next at
-- `evaluate_at`.
CREATE VIEW take_over_node AS
    SELECT id, farmer_id, offer_version, 0 AS evaluate_at, offer_changed_at AS taken_at FROM nodes;

CREATE TRIGGER take_over_node_does INSTEAD OF INSERT ON take_over_node BEGIN
    SELECT RAISE(ABORT, 'refused: node_takeover_outdated')
     WHERE NOT EXISTS (SELECT 1 FROM nodes n JOIN farms f ON f.id = n.farm_id
                        WHERE n.id = NEW.id AND f.owner_id = NEW.farmer_id
                          AND n.farmer_id <> NEW.farmer_id
                          AND n.offer_version = NEW.offer_version);
    SELECT RAISE(ABORT, 'refused: farmer_rents_on_node')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE node_id = NEW.id AND renter_id = NEW.farmer_id AND state <> 'ended');
    INSERT INTO release_hold (quote_id, released_at)
    SELECT DISTINCT q.id, NEW.taken_at
      FROM slices s JOIN quotes q ON q.id = s.quote_id
     WHERE s.node_id = NEW.id AND q.account_id = NEW.farmer_id;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-lost', farmer_id, id, NEW.taken_at FROM nodes WHERE id = NEW.id;
    UPDATE nodes
       SET farmer_id = NEW.farmer_id, offer_version = offer_version + 1,
           offer_changed_at = NEW.taken_at,
           listing = CASE listing WHEN 'published' THEN 'paused' ELSE listing END
     WHERE id = NEW.id;
    UPDATE rentals SET farmer_id = NEW.farmer_id, version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    SELECT id, NEW.taken_at, NEW.evaluate_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-taken-over', NEW.farmer_id, NEW.id, NEW.taken_at);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'farmer-changed', renter_id, farmer_id, node_id, slice_number, id, NEW.taken_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended';
END;
