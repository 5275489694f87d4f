-- Command: an agent has changed the SSH keys of a machine. It aborts unless the action is leased
-- with this `fence`. After a transfer, which is what has keys changed that no renter asked for, a
-- machine that runs is restarted by the action `restart_id`, to be done by `expires_at`: that ends
-- what the old renter has open on it. Where that change failed, the next one makes up for it.
CREATE VIEW finish_key_change AS
    SELECT id, fence, id AS restart_id, expires_at, changed_at AS finished_at
      FROM machine_actions;

CREATE TRIGGER finish_key_change_does INSTEAD OF INSERT ON finish_key_change BEGIN
    UPDATE machine_actions
       SET state = 'done', due_at = NEW.finished_at, changed_at = NEW.finished_at
     WHERE id = NEW.id AND fence = NEW.fence AND kind = 'set-keys' AND state = 'leased';
    SELECT RAISE(ABORT, 'refused: machine_action_changed') WHERE changes() = 0;
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
    SELECT NEW.restart_id, a.job_id, a.rental_id, 'restart', 'waiting', NEW.finished_at,
           NEW.expires_at, NEW.finished_at, NEW.finished_at
      FROM machine_actions a JOIN machines m ON m.job_id = a.job_id
     WHERE a.id = NEW.id AND m.state <> 'off'
       AND EXISTS (SELECT 1 FROM json_each(m.can) WHERE value = 'power')
       AND EXISTS (SELECT 1 FROM machine_actions t
                    WHERE t.job_id = a.job_id AND t.kind = 'set-keys' AND t.requested_by IS NULL
                      AND (t.id = a.id OR t.state = 'failed')
                      AND NOT EXISTS (SELECT 1 FROM machine_actions s
                                       WHERE s.job_id = a.job_id AND s.state = 'done'
                                         AND s.kind IN ('shutdown', 'restart', 'reset', 'rebuild')
                                         AND s.rowid > t.rowid));
END;
