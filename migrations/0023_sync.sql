-- The sync at size: one run at a time, a cursor, which servers answer, what was oversold; and when
-- recurring jobs were last done.

INSERT INTO event_kinds (kind) VALUES ('node-oversold'), ('node-fits');

-- How many slices more are rented than the node can carry, by its last report.
ALTER TABLE nodes ADD COLUMN oversold INTEGER NOT NULL DEFAULT 0
    CHECK (oversold BETWEEN 0 AND 512);

CREATE INDEX nodes_by_oversold ON nodes (id) WHERE oversold > 0;

CREATE TRIGGER overselling_is_told AFTER UPDATE OF oversold ON nodes
  WHEN (NEW.oversold > 0) <> (OLD.oversold > 0)
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.oversold > 0 THEN 'node-oversold' ELSE 'node-fits' END,
            NEW.farmer_id, NEW.id, NEW.synced_at);
END;

-- Who may sync, and how far it came. Each run counts `fence` up; what carries another one is
-- refused.
CREATE TABLE sync_state (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    fence        INTEGER NOT NULL,
    -- When the last run began.
    begun_at     INTEGER NOT NULL,
    -- Nobody else begins a run before.
    leased_until INTEGER NOT NULL,
    -- The node behind which the next run begins; 0 for the first.
    behind       INTEGER NOT NULL
) STRICT;

INSERT INTO sync_state (id, fence, begun_at, leased_until, behind) VALUES (1, 0, 0, 0, 0);

-- The grid's servers that a run has asked. One that fails again and again is left alone.
CREATE TABLE sync_upstreams (
    base         TEXT    PRIMARY KEY CHECK (length(base) <= 200),
    -- In a row.
    failures     INTEGER NOT NULL CHECK (failures >= 0),
    -- It is not asked before.
    open_until   INTEGER NOT NULL,
    succeeded_at INTEGER,
    failed_at    INTEGER,
    -- What went wrong last.
    failure      TEXT    CHECK (length(failure) <= 500)
) STRICT, WITHOUT ROWID;

-- Nodes of which something else is known now than before; how many requests were sent, and how long
-- was waited for their answers, how long they were read, and how long was written.
ALTER TABLE sync_runs ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sync_runs ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sync_runs ADD COLUMN waited_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sync_runs ADD COLUMN read_ms INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sync_runs ADD COLUMN wrote_ms INTEGER NOT NULL DEFAULT 0;

-- The run's own fence, and the node behind which the next one goes on: 0 where it looked at all.
ALTER TABLE sync_runs ADD COLUMN fence INTEGER;

ALTER TABLE sync_runs ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;

CREATE INDEX sync_runs_by_end ON sync_runs (finished_at);

CREATE INDEX refused_documents_by_age ON refused_documents (seen_at);

-- A run that is recorded is over: another one may begin, where this one stopped.
CREATE TRIGGER sync_runs_end AFTER INSERT ON sync_runs WHEN NEW.fence IS NOT NULL BEGIN
    UPDATE sync_state SET leased_until = 0, behind = NEW.behind
     WHERE id = 1 AND fence = NEW.fence;
END;

DROP TRIGGER sync_node_does;

DROP VIEW sync_node;

DROP TRIGGER miss_node_does;

DROP VIEW miss_node;

-- Command: a look at a registered node. `status` is NULL where the grid says of it what it said
-- before: then only the look is counted. `is_up` is NULL where the node was not observed, and
-- `reported_at` where the grid has no document of it; a document of it puts an end to one in
-- quarantine. `fence` is that of the run, which aborts if another one has begun since; it is NULL
-- outside of runs, where what is older than what is known changes nothing.
CREATE VIEW sync_node AS
    SELECT id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
           download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, oversold,
           synced_at, 0 AS is_up, 0 AS fence
      FROM nodes;

CREATE TRIGGER sync_node_does INSTEAD OF INSERT ON sync_node BEGIN
    SELECT RAISE(ABORT, 'stale fence: another run has begun')
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
    DELETE FROM refused_documents WHERE node_id = NEW.id AND NEW.reported_at IS NOT NULL;
END;

-- When each recurring job was last done: one row for each.
CREATE TABLE job_runs (
    name          TEXT    PRIMARY KEY,
    started_at    INTEGER NOT NULL,
    took_ms       INTEGER NOT NULL CHECK (took_ms >= 0),
    -- What went wrong the last time; NULL where nothing did.
    failure       TEXT    CHECK (length(failure) <= 500),
    -- Since when it has failed every time; NULL where it does not.
    failing_since INTEGER CHECK ((failing_since IS NULL) = (failure IS NULL)),
    runs          INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
