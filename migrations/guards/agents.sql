-- What follows from a change of `agents`.

-- Once, until there was room again. The farm's first node has a page that shows its agents.
CREATE TRIGGER agent_disk_low_emits_event AFTER UPDATE OF is_disk_low ON agents
  WHEN NEW.is_disk_low = 1 AND OLD.is_disk_low = 0
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'server-disk-low', NEW.account_id, min(id),
           printf('%s: %d GB', NEW.name, NEW.disk_free_bytes >> 30), NEW.disk_reported_at
      FROM nodes WHERE farmer_id = NEW.account_id AND farm_id = NEW.farm_id;
END;
