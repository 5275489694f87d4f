-- How recurring jobs go, and the state of the market.

-- When each recurring job was last done: one row for each.
CREATE TABLE job_runs (
    name          TEXT    PRIMARY KEY,
    -- When a run last took it on; NULL for a job that every run of its component does.
    begun_at      INTEGER,
    -- When the last run began that is done.
    started_at    INTEGER NOT NULL,
    took_ms       INTEGER NOT NULL CONSTRAINT job_run_took_ms_not_negative CHECK (took_ms >= 0),
    -- What went wrong the last time; NULL where nothing did.
    failure       TEXT    CONSTRAINT job_run_failure_length_in_range CHECK (length(failure) <= 500),
    -- Since when it has failed every time; NULL where it does not.
    failing_since INTEGER
                  CONSTRAINT job_run_failure_has_start
                  CHECK ((failing_since IS NULL) = (failure IS NULL)),
    runs          INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- When each invariant was last checked, and what was found.
CREATE TABLE invariant_checks (
    id         TEXT    PRIMARY KEY,
    violations INTEGER NOT NULL
               CONSTRAINT invariant_check_violations_not_negative CHECK (violations >= 0),
    checked_at INTEGER NOT NULL,
    -- Since when it is broken; NULL while it holds.
    broken_at  INTEGER
               CONSTRAINT invariant_check_broken_has_start
               CHECK ((broken_at IS NULL) = (violations = 0))
) STRICT, WITHOUT ROWID;

-- The rest, as a job wrote it down last: a JSON object. One row, once there is one.
CREATE TABLE market_status (
    id         INTEGER PRIMARY KEY CONSTRAINT market_status_has_one_row CHECK (id = 1),
    document   TEXT    NOT NULL,
    written_at INTEGER NOT NULL
) STRICT;

-- How often a change has met a rule of the schema that the code should have kept: bugs of ours.
CREATE TABLE violations (
    -- The rule, such as `order_total_wrong` or `UNIQUE orders.id`.
    name    TEXT    PRIMARY KEY,
    count   INTEGER NOT NULL CONSTRAINT violation_count_positive CHECK (count > 0),
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
