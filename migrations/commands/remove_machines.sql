-- Command, used by the other commands: a rental has left its slices, and its machines are removed:
-- each of them by a job, which is late at `late_at` and keeps the slice until it is done. What was
-- not begun is canceled.
CREATE VIEW remove_machines AS
    SELECT rental_id, created_at AS removed_at, late_at FROM jobs;

CREATE TRIGGER remove_machines_does INSTEAD OF INSERT ON remove_machines BEGIN
    -- Whoever holds the lease is let finish first: two agents at once never have a slice.
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence, due_at,
            late_at, is_by_hand, created_at, changed_at)
    SELECT j.rental_id || '_' || j.node_id || '_' || j.slice_number || '_remove', j.rental_id,
           j.node_id, j.slice_number, 'remove', 'waiting', n.farmer_id, n.farm_id, j.fence,
           max(NEW.removed_at, iif(j.state IN ('leased', 'refunded'), j.due_at, 0)), NEW.late_at,
           j.is_by_hand, NEW.removed_at, NEW.removed_at
      FROM jobs j JOIN nodes n ON n.id = j.node_id
     WHERE j.rental_id = NEW.rental_id AND j.kind = 'create' AND j.attempts > 0
       AND NOT EXISTS (SELECT 1 FROM jobs r
                        WHERE r.rental_id = j.rental_id AND r.slice_number = j.slice_number
                          AND r.node_id = j.node_id AND r.kind = 'remove');
    UPDATE machine_actions SET state = 'canceled', changed_at = NEW.removed_at
     WHERE rental_id = NEW.rental_id AND state IN ('waiting', 'leased');
    UPDATE outages SET until_at = max(from_at, NEW.removed_at)
     WHERE until_at IS NULL
       AND job_id IN (SELECT id FROM jobs WHERE rental_id = NEW.rental_id AND kind = 'create');
    DELETE FROM machines
     WHERE job_id IN (SELECT id FROM jobs WHERE rental_id = NEW.rental_id AND kind = 'create');
    UPDATE jobs SET state = 'canceled', changed_at = NEW.removed_at
     WHERE rental_id = NEW.rental_id AND kind = 'create'
       AND state IN ('needs-key', 'waiting', 'leased', 'failed');
    UPDATE slices
       SET removing_job = (SELECT id FROM jobs
                            WHERE rental_id = NEW.rental_id AND slice_number = slices.number
                              AND node_id = slices.node_id AND kind = 'remove')
     WHERE rental_id IS NULL
       AND (node_id, number) IN (SELECT node_id, slice_number FROM jobs
                                  WHERE rental_id = NEW.rental_id AND kind = 'remove'
                                    AND state NOT IN ('done', 'canceled'));
END;
