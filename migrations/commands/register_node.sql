-- Command: registers a node as a draft, with the slices that its first report allows.
CREATE VIEW register_node AS
    SELECT id, farmer_id, name, farm_id, farm_name, country, city, status, healthy, certified,
           upload_mbps, download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal,
           created_at
      FROM nodes;

CREATE TRIGGER register_node_does INSTEAD OF INSERT ON register_node BEGIN
    INSERT INTO nodes
           (id, farmer_id, name, farm_id, farm_name, country, city, status, healthy, certified,
            upload_mbps, download_mbps, reported_at, by_cpu, by_memory, by_ssd, refusal,
            created_at, offer_changed_at, synced_at)
    VALUES (NEW.id, NEW.farmer_id, NEW.name, NEW.farm_id, NEW.farm_name, NEW.country, NEW.city,
            NEW.status, NEW.healthy, NEW.certified, NEW.upload_mbps, NEW.download_mbps,
            NEW.reported_at, NEW.by_cpu, NEW.by_memory, NEW.by_ssd, NEW.refusal,
            NEW.created_at, NEW.created_at, NEW.created_at);
    UPDATE nodes SET capacity = NEW.capacity WHERE id = NEW.id;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-registered', NEW.farmer_id, NEW.id, NEW.created_at);
END;
