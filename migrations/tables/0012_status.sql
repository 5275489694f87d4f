-- How recurring jobs go, and the state of the market.

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

-- When each invariant was last checked, and what was found.
CREATE TABLE invariant_checks (
    id         TEXT    PRIMARY KEY,
    violations INTEGER NOT NULL CHECK (violations >= 0),
    checked_at INTEGER NOT NULL,
    -- Since when it is broken; NULL while it holds.
    broken_at  INTEGER CHECK ((broken_at IS NULL) = (violations = 0))
) STRICT, WITHOUT ROWID;

-- The rest, as a job wrote it down last: a JSON object. One row, once there is one.
CREATE TABLE market_status (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    document   TEXT    NOT NULL,
    written_at INTEGER NOT NULL
) STRICT;
