-- What holds on `slices`, and what follows from a change of it.

CREATE TRIGGER slices_are_counted AFTER INSERT ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices + (NEW.state = 'available'),
           reserved_slices = reserved_slices + (NEW.state = 'reserved'),
           allocated_slices = allocated_slices + (NEW.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_counted_again AFTER UPDATE OF state ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices
               + (NEW.state = 'available') - (OLD.state = 'available'),
           reserved_slices = reserved_slices
               + (NEW.state = 'reserved') - (OLD.state = 'reserved'),
           allocated_slices = allocated_slices
               + (NEW.state = 'allocated') - (OLD.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_kept BEFORE DELETE ON slices BEGIN
    SELECT RAISE(ABORT, 'refused: slices_never_deleted');
END;

-- A node that has left has no free slices: the two below keep it so.
CREATE TRIGGER left_slices_stay_retired BEFORE UPDATE OF state ON slices
  WHEN NEW.state <> 'retired'
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER left_nodes_get_no_slices BEFORE INSERT ON slices
  WHEN (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

-- A slice that changes hands has the machine of its old rental removed, and one made for its new
-- one, where the farm has an agent. Rentals from before there were slices have theirs.
--
-- The spans are those of `domain::provisioning`; a test compares them.
CREATE TRIGGER slices_get_jobs AFTER UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT OLD.rental_id
BEGIN
    -- Whoever holds the lease is let finish first: two agents at once never have a slice.
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence, due_at,
            late_at, created_at, changed_at)
    SELECT j.rental_id || '_' || j.node_id || '_' || j.slice_number || '_remove',
           j.rental_id, j.node_id, j.slice_number, 'remove', 'waiting', n.farmer_id, n.farm_id,
           j.fence, max(ended.at, iif(j.state IN ('leased', 'refunded'), j.due_at, 0)),
           ended.at + 3600, ended.at, ended.at
      FROM jobs j
      JOIN nodes n ON n.id = j.node_id
      JOIN (SELECT coalesce(ended_at,
                            (SELECT max(created_at) FROM events WHERE rental_id = rentals.id)) AS at
              FROM rentals WHERE id = OLD.rental_id) ended
     WHERE j.rental_id = OLD.rental_id AND j.slice_number = OLD.number AND j.node_id = OLD.node_id
       AND j.kind = 'create' AND j.attempts > 0;
    UPDATE jobs
       SET state = 'cancelled',
           changed_at = coalesce((SELECT ended_at FROM rentals WHERE id = OLD.rental_id),
                                 (SELECT max(created_at) FROM events
                                   WHERE rental_id = OLD.rental_id
                                     AND kind = 'rental-moved-out'), changed_at)
     WHERE rental_id = OLD.rental_id AND slice_number = OLD.number AND node_id = OLD.node_id
       AND kind = 'create' AND state IN ('needs-key', 'waiting', 'leased', 'failed');
    UPDATE slices
       SET removing_job = (SELECT id FROM jobs
                            WHERE rental_id = OLD.rental_id AND slice_number = OLD.number
                              AND node_id = OLD.node_id AND kind = 'remove')
     WHERE node_id = OLD.node_id AND number = OLD.number AND OLD.rental_id IS NOT NULL
       AND NEW.rental_id IS NULL;
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, due_at, late_at,
            refund_at, created_at, changed_at)
    SELECT s.rental_id || '_' || n.id || '_' || NEW.number || '_create', s.rental_id, n.id,
           NEW.number, 'create', iif(s.ssh_key IS NULL, 'needs-key', 'waiting'), n.farmer_id,
           n.farm_id, began.at, began.at + 300,
           -- What was owed on the slice that it left is owed since then, and paid back as it would
           -- have been there. Where a machine was made, or none begun for want of a key, the
           -- promise is made anew.
           coalesce((SELECT iif(state = 'cancelled' AND s.ssh_key IS NOT NULL, refund_at, NULL)
                       FROM jobs WHERE rental_id = s.rental_id AND kind = 'create'
                      ORDER BY rowid DESC LIMIT 1), began.at + 85800),
           began.at, began.at
      FROM setups s
      JOIN nodes n ON n.id = NEW.node_id
      -- What comes from another slice begins here when it left that.
      JOIN (SELECT coalesce((SELECT max(created_at) FROM events
                              WHERE rental_id = rentals.id AND kind = 'rental-moved-out'),
                            started_at) AS at
              FROM rentals WHERE id = NEW.rental_id) began
     WHERE s.rental_id = NEW.rental_id
       AND EXISTS (SELECT 1 FROM agents
                    WHERE account_id = n.farmer_id AND farm_id = n.farm_id
                      AND seen_at > began.at - 2592000);
END;

-- A rental has one job of a kind on a slice: it does not come back to one that it left.
CREATE TRIGGER slices_are_not_come_back_to BEFORE UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT NULL AND NEW.rental_id IS NOT OLD.rental_id
   AND EXISTS (SELECT 1 FROM jobs
                WHERE rental_id = NEW.rental_id AND slice_number = NEW.number
                  AND node_id = NEW.node_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_never_returns_to_slice');
END;
