-- Nodes, the slices that they are cut into, and what the grid reports of them.

CREATE TABLE nodes (
    -- The grid's number.
    id                 INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    name               TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    created_at         INTEGER NOT NULL,

    -- The offer. Each change of it counts `offer_version` up.
    listing            TEXT    NOT NULL DEFAULT 'draft'
                       CHECK (listing IN ('draft', 'published', 'paused')),
    offer_version      INTEGER NOT NULL DEFAULT 1,
    offer_changed_at   INTEGER NOT NULL,
    -- Per slice and month.
    price_micros       INTEGER CHECK (price_micros > 0),
    -- The promise: hundredths of a percent, and Mbit/s.
    min_uptime         INTEGER NOT NULL DEFAULT 0 CHECK (min_uptime BETWEEN 0 AND 10000),
    min_bandwidth_mbps INTEGER NOT NULL DEFAULT 0 CHECK (min_bandwidth_mbps >= 0),

    -- The grid's last report.
    farm_id            INTEGER NOT NULL,
    farm_name          TEXT    NOT NULL,
    country            TEXT    NOT NULL COLLATE NOCASE,
    city               TEXT    NOT NULL,
    status             TEXT    NOT NULL CHECK (status IN ('up', 'down', 'standby')),
    healthy            INTEGER CHECK (healthy IN (0, 1)),
    certified          INTEGER NOT NULL CHECK (certified IN (0, 1)),
    upload_mbps        INTEGER,
    download_mbps      INTEGER,
    reported_at        INTEGER NOT NULL,
    synced_at          INTEGER NOT NULL,

    -- What the report allows: slices in all and by each resource, and the reason where it is none.
    capacity           INTEGER NOT NULL DEFAULT 0 CHECK (capacity BETWEEN 0 AND 512),
    by_cpu             INTEGER NOT NULL,
    by_memory          INTEGER NOT NULL,
    by_ssd             INTEGER NOT NULL,
    refusal            TEXT,

    -- Measured uptime: how often a sync looked, and how often the node was up.
    observed           INTEGER NOT NULL DEFAULT 0,
    observed_up        INTEGER NOT NULL DEFAULT 0 CHECK (observed_up <= observed),

    -- Counts of its slices, kept by the triggers on `slices`.
    available_slices   INTEGER NOT NULL DEFAULT 0 CHECK (available_slices >= 0),
    allocated_slices   INTEGER NOT NULL DEFAULT 0 CHECK (allocated_slices >= 0),

    CHECK (listing = 'draft' OR price_micros IS NOT NULL)
) STRICT;

CREATE INDEX nodes_by_farmer ON nodes (farmer_id, id);

-- The market reads one row for each node that has something to offer.
CREATE INDEX nodes_by_price ON nodes (price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_country ON nodes (country, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_uptime ON nodes (min_uptime DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE TABLE slices (
    node_id INTEGER NOT NULL REFERENCES nodes (id),
    number  INTEGER NOT NULL CHECK (number BETWEEN 1 AND 512),
    state   TEXT    NOT NULL CHECK (state IN ('available', 'allocated', 'retired')),
    PRIMARY KEY (node_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX slices_by_state ON slices (node_id, state, number);

CREATE TRIGGER slices_are_counted AFTER INSERT ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices + (NEW.state = 'available'),
           allocated_slices = allocated_slices + (NEW.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_counted_again AFTER UPDATE OF state ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices
               + (NEW.state = 'available') - (OLD.state = 'available'),
           allocated_slices = allocated_slices
               + (NEW.state = 'allocated') - (OLD.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_kept BEFORE DELETE ON slices BEGIN
    SELECT RAISE(ABORT, 'slices are retired, not deleted');
END;

-- The numbers 1 to 512, from which new slices are made.
CREATE TABLE slice_numbers (number INTEGER PRIMARY KEY) STRICT;

INSERT INTO slice_numbers
WITH RECURSIVE n (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < 512)
SELECT number FROM n;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and what is still missing is made. Allocated ones stay.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity ON nodes
  WHEN NEW.capacity <> NEW.available_slices + NEW.allocated_slices
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, NEW.available_slices + NEW.allocated_slices - NEW.capacity));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'retired'
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.available_slices - NEW.allocated_slices));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity
                  - (SELECT count(*) FROM slices WHERE node_id = NEW.id AND state <> 'retired'));
END;

CREATE TRIGGER listing_changes AFTER UPDATE OF listing ON nodes WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-' || NEW.listing, NEW.farmer_id, NEW.id, NEW.offer_changed_at);
END;

CREATE TRIGGER offer_changes AFTER UPDATE OF price_micros, min_uptime, min_bandwidth_mbps ON nodes
  WHEN NEW.price_micros IS NOT OLD.price_micros
    OR NEW.min_uptime <> OLD.min_uptime
    OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at);
END;

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

-- Each run of the sync.
CREATE TABLE sync_runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    -- The base URL that answered last; NULL where none did.
    upstream    TEXT,
    updated     INTEGER NOT NULL,
    missing     INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    -- What went wrong; NULL for a whole run.
    failure     TEXT
) STRICT;

-- Quarantine: documents of registered nodes that could not be used, until they can be again.
CREATE TABLE refused_documents (
    node_id INTEGER PRIMARY KEY REFERENCES nodes (id),
    reason  TEXT    NOT NULL,
    excerpt TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

-- Command: takes over what the grid reports of a registered node now. `is_up` is 1 or 0 for an
-- observation of its uptime. A document of it in quarantine is history by that. A run that was
-- overtaken by a later one changes nothing.
CREATE VIEW sync_node AS
    SELECT id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
           download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, synced_at,
           0 AS is_up
      FROM nodes;

CREATE TRIGGER sync_node_does INSTEAD OF INSERT ON sync_node BEGIN
    UPDATE nodes
       SET farm_id = NEW.farm_id, farm_name = NEW.farm_name, country = NEW.country,
           city = NEW.city, status = NEW.status, healthy = NEW.healthy,
           certified = NEW.certified, upload_mbps = NEW.upload_mbps,
           download_mbps = NEW.download_mbps, reported_at = NEW.reported_at,
           capacity = NEW.capacity, by_cpu = NEW.by_cpu, by_memory = NEW.by_memory,
           by_ssd = NEW.by_ssd, refusal = NEW.refusal, synced_at = NEW.synced_at,
           observed = observed + 1, observed_up = observed_up + NEW.is_up
     WHERE id = NEW.id AND synced_at <= NEW.synced_at;
    DELETE FROM refused_documents WHERE node_id = NEW.id;
END;

-- Command: the grid no longer lists a registered node. Its free slices go; the rest stays known.
CREATE VIEW miss_node AS SELECT id, synced_at FROM nodes;

CREATE TRIGGER miss_node_does INSTEAD OF INSERT ON miss_node BEGIN
    UPDATE nodes
       SET status = 'down', capacity = 0, refusal = 'unlisted', synced_at = NEW.synced_at,
           observed = observed + 1
     WHERE id = NEW.id AND synced_at <= NEW.synced_at;
END;
