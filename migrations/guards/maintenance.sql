-- What holds on `maintenance`, and what follows from a change of it.

CREATE TRIGGER maintenance_never_overlaps BEFORE INSERT ON maintenance BEGIN
    SELECT RAISE(ABORT, 'refused: maintenance_overlaps')
     WHERE EXISTS (SELECT 1 FROM maintenance
                    WHERE node_id = NEW.node_id AND canceled_at IS NULL
                      AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);
END;

CREATE TRIGGER maintenance_never_deleted BEFORE DELETE ON maintenance BEGIN
    SELECT RAISE(ABORT, 'refused: maintenance_never_deleted');
END;

CREATE TRIGGER new_maintenance_notifies AFTER INSERT ON maintenance BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-announced', NEW.id, NEW.node_id, NEW.announced_at);
END;

CREATE TRIGGER canceled_maintenance_notifies AFTER UPDATE OF canceled_at ON maintenance
  WHEN OLD.canceled_at IS NULL AND NEW.canceled_at IS NOT NULL
BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-canceled', NEW.id, NEW.node_id, NEW.canceled_at);
END;

-- Nobody is reminded of what is over.
CREATE TRIGGER due_maintenance_notifies AFTER UPDATE OF reminded_at ON maintenance
  WHEN OLD.reminded_at IS NULL AND NEW.reminded_at < NEW.ends_at
BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-due', NEW.id, NEW.node_id, NEW.reminded_at);
END;
