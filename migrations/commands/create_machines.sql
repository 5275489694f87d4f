-- Command, used by the other commands: a rental that has slices gets a job for each, which creates
-- its machine; by hand, where the farm has no agent that was seen after `seen_after`. The jobs are
-- late at `late_at`, and everything is refunded at `refund_at`; access that was owed on the slice
-- that the rental left is owed since then, and refunded as it would have been there. Rentals
-- without a setup, from before there were slices, have their machines.
CREATE VIEW create_machines AS
    SELECT rental_id, created_at, late_at, refund_at, 0 AS seen_after FROM jobs;

CREATE TRIGGER create_machines_does INSTEAD OF INSERT ON create_machines BEGIN
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, due_at, late_at,
            refund_at, is_by_hand, created_at, changed_at)
    SELECT s.rental_id || '_' || n.id || '_' || s.number || '_create', s.rental_id, n.id, s.number,
           'create', iif(u.ssh_keys = '[]', 'needs-key', 'waiting'), n.farmer_id, n.farm_id,
           NEW.created_at, NEW.late_at,
           -- Where a machine was made, or none begun for want of a key, the clock begins anew.
           coalesce((SELECT iif(state = 'canceled' AND u.ssh_keys <> '[]', refund_at, NULL)
                       FROM jobs WHERE rental_id = s.rental_id AND kind = 'create'
                      ORDER BY rowid DESC LIMIT 1), NEW.refund_at),
           NOT EXISTS (SELECT 1 FROM agents
                        WHERE account_id = n.farmer_id AND farm_id = n.farm_id
                          AND seen_at > NEW.seen_after),
           NEW.created_at, NEW.created_at
      FROM slices s
      JOIN setups u ON u.rental_id = s.rental_id
      JOIN nodes n ON n.id = s.node_id
     WHERE s.rental_id = NEW.rental_id
     ORDER BY s.number;
END;
