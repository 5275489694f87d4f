-- What the status page says of the past, and what the operator says there.

-- How often a part of the marketplace was looked at on a day of UTC, and how often it was late or
-- broken. Kept for 90 days.
CREATE TABLE status_days (
    -- Days since 1970.
    day    INTEGER NOT NULL,
    part   TEXT    NOT NULL
           CONSTRAINT status_day_part_is_known
           CHECK (part IN ('sync', 'mail', 'setup', 'checks', 'nodes')),
    looked INTEGER NOT NULL,
    late   INTEGER NOT NULL CONSTRAINT status_day_late_not_negative CHECK (late >= 0),
    broken INTEGER NOT NULL CONSTRAINT status_day_broken_not_negative CHECK (broken >= 0),
    CONSTRAINT status_day_counts_add_up CHECK (late + broken <= looked),
    PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;

-- What is known of days before there was this table.
INSERT INTO status_days (day, part, looked, late, broken)
SELECT day, 'nodes', sum(observed), sum(observed - observed_up), 0
  FROM observation_days
 GROUP BY day;

INSERT INTO status_days (day, part, looked, late, broken)
SELECT finished_at / 86400, 'sync', count(*), sum(failure IS NOT NULL), 0
  FROM sync_runs
 GROUP BY finished_at / 86400;

-- Something that went wrong, as the operator tells everybody.
CREATE TABLE incidents (
    id         TEXT    PRIMARY KEY,
    title      TEXT    NOT NULL
               CONSTRAINT incident_title_length_in_range CHECK (length(title) BETWEEN 1 AND 120),
    text       TEXT    NOT NULL
               CONSTRAINT incident_text_length_in_range CHECK (length(text) BETWEEN 1 AND 1000),
    started_at INTEGER NOT NULL,
    -- NULL while it goes on.
    ended_at   INTEGER
               CONSTRAINT incident_ends_after_start
               CHECK (ended_at IS NULL OR ended_at >= started_at),
    changed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_by_start ON incidents (started_at, id);
