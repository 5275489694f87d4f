-- What the sync knows of the grid.

-- Who may sync, and how far it came. Each run counts `fence` up; what carries another one is
-- refused.
CREATE TABLE sync_state (
    id           INTEGER PRIMARY KEY CONSTRAINT sync_state_has_one_row CHECK (id = 1),
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
    base         TEXT    PRIMARY KEY
                 CONSTRAINT sync_upstream_base_length_in_range CHECK (length(base) <= 200),
    -- In a row.
    failures     INTEGER NOT NULL
                 CONSTRAINT sync_upstream_failures_not_negative CHECK (failures >= 0),
    -- It is not asked before.
    open_until   INTEGER NOT NULL,
    succeeded_at INTEGER,
    failed_at    INTEGER,
    -- What went wrong last.
    failure      TEXT
                 CONSTRAINT sync_upstream_failure_length_in_range CHECK (length(failure) <= 500)
) STRICT, WITHOUT ROWID;

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
    failure     TEXT,
    -- Nodes of which something else is known now than before.
    changed     INTEGER NOT NULL DEFAULT 0,
    -- How many requests were sent; for how long their answers were waited for and read, and for how
    -- long the database was written.
    requests    INTEGER NOT NULL DEFAULT 0,
    waited_ms   INTEGER NOT NULL DEFAULT 0,
    read_ms     INTEGER NOT NULL DEFAULT 0,
    wrote_ms    INTEGER NOT NULL DEFAULT 0,
    -- The run's own fence, and the node behind which the next run begins: 0 after a full scan.
    fence       INTEGER,
    behind      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sync_runs_by_end ON sync_runs (finished_at);

-- Quarantine: documents of registered nodes that could not be used, until they can be again.
CREATE TABLE refused_documents (
    node_id INTEGER PRIMARY KEY REFERENCES nodes (id),
    reason  TEXT    NOT NULL,
    excerpt TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX refused_documents_by_age ON refused_documents (seen_at);
