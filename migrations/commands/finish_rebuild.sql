-- Command: an agent has made a machine anew. It aborts unless the action is leased with this
-- `fence`. `sealed` is how the machine is reached now, encrypted.
CREATE VIEW finish_rebuild AS
    SELECT a.id, a.fence, j.sealed, a.changed_at AS finished_at
      FROM machine_actions a JOIN jobs j ON j.id = a.job_id;

CREATE TRIGGER finish_rebuild_does INSTEAD OF INSERT ON finish_rebuild BEGIN
    UPDATE machine_actions
       SET state = 'done', due_at = NEW.finished_at, changed_at = NEW.finished_at
     WHERE id = NEW.id AND fence = NEW.fence AND kind = 'rebuild' AND state = 'leased';
    SELECT RAISE(ABORT, 'refused: machine_action_changed') WHERE changes() = 0;
    UPDATE jobs SET sealed = NEW.sealed
     WHERE id = (SELECT job_id FROM machine_actions WHERE id = NEW.id);
END;
