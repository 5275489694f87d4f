-- Command: somebody takes over a rental that was offered to them. It aborts unless the rental is at
-- the `version` that was seen. What was the old renter's own goes, their SSH keys and user data
-- among it; what is refunded from then on is the new one's.
--
-- `ssh_keys` are the new renter's, a JSON array of lines, and `actions` brings them to the machines
-- that are there: a JSON array with the `id` of an action, the `job` of the machine, and the
-- `kind`. They are to be done by `expires_at`. Machines that wait for a key are late at `late_at`,
-- and refunded at `refund_at`.
--
-- Where a token with a ceiling made the offer, what is still paid ahead counts against that: it is
-- the new renter's then. The offer is gone with the token.
CREATE VIEW take_over_rental AS
    SELECT id, version, renter_id, 0 AS slices_max, '[]' AS ssh_keys, '[]' AS actions,
           0 AS expires_at, 0 AS late_at, 0 AS refund_at, started_at AS transferred_at
      FROM rentals;

CREATE TRIGGER take_over_rental_does INSTEAD OF INSERT ON take_over_rental BEGIN
    SELECT RAISE(ABORT, 'refused: transfer_gone')
     WHERE NOT EXISTS (SELECT 1 FROM transfers t JOIN accounts a ON a.email = t.email
                        WHERE t.rental_id = NEW.id AND a.id = NEW.renter_id
                          AND t.expires_at > NEW.transferred_at
                          AND (t.token_id IS NULL
                               OR EXISTS (SELECT 1 FROM tokens
                                           WHERE id = t.token_id
                                             AND expires_at > NEW.transferred_at)));
    UPDATE tokens
       SET spent_micros = spent_micros
               + coalesce((SELECT balance_micros FROM ledger_accounts
                            WHERE kind = 'escrow' AND owner_id = NEW.id), 0)
     WHERE id = (SELECT token_id FROM transfers WHERE rental_id = NEW.id);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-transferred', renter_id, farmer_id, node_id, slice_number, id,
           NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    UPDATE rentals
       SET renter_id = NEW.renter_id, version = version + 1, name = '', labels = '[]',
           renew_months = NULL, renew_max_micros = NULL, renew_token_id = NULL,
           renew_most_micros = NULL, auto_start = 0
     WHERE id = NEW.id AND version = NEW.version AND state <> 'ended';
    SELECT RAISE(ABORT, 'refused: rental_changed') WHERE changes() = 0;
    DELETE FROM transfers WHERE rental_id = NEW.id;
    UPDATE setups SET ssh_keys = NEW.ssh_keys, sealed = NULL WHERE rental_id = NEW.id;
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.transferred_at, late_at = NEW.late_at,
           refund_at = NEW.refund_at, changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND kind = 'create' AND state = 'needs-key'
       AND NEW.ssh_keys <> '[]';
    -- Whoever is making a machine for the old renter's key loses it, and removes it. The next one
    -- waits until that lease would have ended: two agents at once never have a slice.
    UPDATE jobs SET state = 'waiting', fence = fence + 1, changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND kind = 'create' AND state = 'leased';
    UPDATE machine_actions SET state = 'canceled', changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND state IN ('waiting', 'leased');
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
    SELECT a.value ->> 'id', m.job_id, NEW.id, a.value ->> 'kind', 'waiting', NEW.transferred_at,
           NEW.expires_at, NEW.transferred_at, NEW.transferred_at
      FROM json_each(NEW.actions) a JOIN machines m ON m.job_id = a.value ->> 'job';
    UPDATE machines SET should_run = 1
     WHERE job_id IN (SELECT value ->> 'job' FROM json_each(NEW.actions)
                       WHERE value ->> 'kind' = 'rebuild');
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-received', renter_id, node_id, slice_number, id, NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.renter_id AND state <> 'ended') > NEW.slices_max;
END;
