-- Command: an observation of a registered node. `status` is NULL where the grid says of it what it
-- said before: then only the observation is counted. `is_up` is NULL where the node was not
-- observed, `is_down` where nobody knows, and `reported_at` where the grid has no document of it; a
-- document of it puts an end to one in quarantine. `fence` is that of the run, which aborts if
-- another one has begun since; it is NULL outside of runs, where what is older than what is known
-- changes nothing. The farmer of a node that is down is notified, unless they were after
-- `alerted_before`: then once that is over. An outage that was last seen before `seen_before` is
-- over; one that is over lasted until it was last seen, if that was before `end_seen_before`.
CREATE VIEW observe_node AS
    SELECT id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
           download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, oversold,
           synced_at, 0 AS is_up, 0 AS is_down, 0 AS fence, 0 AS alerted_before,
           0 AS seen_before, 0 AS end_seen_before
      FROM nodes;

CREATE TRIGGER observe_node_does INSTEAD OF INSERT ON observe_node BEGIN
    SELECT RAISE(ABORT, 'refused: sync_run_superseded')
     WHERE NEW.fence IS NOT NULL AND NEW.fence <> (SELECT fence FROM sync_state WHERE id = 1);
    UPDATE nodes
       SET farm_id = NEW.farm_id, farm_name = NEW.farm_name, country = NEW.country,
           city = NEW.city, status = NEW.status, healthy = NEW.healthy,
           certified = NEW.certified, upload_mbps = NEW.upload_mbps,
           download_mbps = NEW.download_mbps, capacity = NEW.capacity, by_cpu = NEW.by_cpu,
           by_memory = NEW.by_memory, by_ssd = NEW.by_ssd, refusal = NEW.refusal,
           oversold = NEW.oversold, synced_at = NEW.synced_at
     WHERE id = NEW.id AND NEW.status IS NOT NULL
       AND (NEW.fence IS NOT NULL OR synced_at <= NEW.synced_at);
    UPDATE nodes
       SET reported_at = coalesce(NEW.reported_at, reported_at), synced_at = NEW.synced_at,
           observed = observed + (NEW.is_up IS NOT NULL),
           observed_up = observed_up + coalesce(NEW.is_up, 0)
     WHERE id = NEW.id AND (NEW.fence IS NOT NULL OR synced_at <= NEW.synced_at);
    UPDATE outages SET until_at = iif(seen_at < NEW.end_seen_before, seen_at, NEW.synced_at)
     WHERE node_id = NEW.id AND job_id IS NULL AND until_at IS NULL
       AND (NEW.is_down = 0 OR (NEW.is_down = 1 AND seen_at < NEW.seen_before))
       AND (SELECT synced_at FROM nodes WHERE id = NEW.id) = NEW.synced_at;
    INSERT INTO outages (node_id, from_at, seen_at)
    SELECT id, NEW.synced_at, NEW.synced_at
      FROM nodes
     WHERE id = NEW.id AND synced_at = NEW.synced_at AND NEW.is_down = 1
        ON CONFLICT (node_id) WHERE until_at IS NULL AND job_id IS NULL
        DO UPDATE SET seen_at = excluded.seen_at;
    INSERT INTO node_alerts (node_id, is_down, notified_at, changed_at)
    SELECT id, 1, NEW.synced_at, NEW.synced_at
      FROM nodes
     WHERE id = NEW.id AND synced_at = NEW.synced_at AND NEW.is_down = 1
       AND (listing = 'published' OR allocated_slices > 0 OR whole_rental_id IS NOT NULL)
        ON CONFLICT (node_id) DO UPDATE
       SET is_down = 1, notified_at = excluded.notified_at, changed_at = excluded.changed_at
     WHERE is_down = 0 AND notified_at <= NEW.alerted_before;
    UPDATE node_alerts SET is_down = 0, changed_at = NEW.synced_at
     WHERE node_id = NEW.id AND is_down = 1 AND NEW.is_down = 0
       AND (SELECT synced_at FROM nodes WHERE id = NEW.id) = NEW.synced_at;
    DELETE FROM refused_documents WHERE node_id = NEW.id AND NEW.reported_at IS NOT NULL;
END;
