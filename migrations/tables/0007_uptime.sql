-- What the sync has seen of each node.

-- The instants of observations. An instant that is not here was observed by nobody.
CREATE TABLE observation_times (at INTEGER PRIMARY KEY) STRICT;

-- One observation of a node, kept for 90 days. Where the node was not seen there is no row: that is
-- neither up nor down. In the order of time, so that a run writes to one place, and what is old
-- goes from one place; a node's own are found by `observation_times`. Nodes are never deleted.
CREATE TABLE observations (
    at            INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    is_up         INTEGER NOT NULL CONSTRAINT observation_up_is_flag CHECK (is_up IN (0, 1)),
    healthy       INTEGER CONSTRAINT observation_healthy_is_flag CHECK (healthy IN (0, 1)),
    -- As the grid has measured it; NULL where it has not, or the node was not up.
    upload_mbps   INTEGER,
    download_mbps INTEGER,
    PRIMARY KEY (at, node_id)
) STRICT, WITHOUT ROWID;

-- The observations of a node on a day, which are kept for good.
CREATE TABLE observation_days (
    -- Days since 1970, in UTC.
    day           INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    observed      INTEGER NOT NULL,
    observed_up   INTEGER NOT NULL
                  CONSTRAINT observation_day_up_at_most_observed
                  CHECK (observed_up BETWEEN 0 AND observed),
    healthy       INTEGER NOT NULL,
    unhealthy     INTEGER NOT NULL,
    -- How many observations knew both speeds, and their sums.
    measured      INTEGER NOT NULL,
    upload_mbps   INTEGER NOT NULL,
    download_mbps INTEGER NOT NULL,
    PRIMARY KEY (day, node_id)
) STRICT, WITHOUT ROWID;

-- What the sync saw of a node in a month of UTC.
CREATE TABLE node_months (
    node_id        INTEGER NOT NULL REFERENCES nodes (id),
    -- Such as `2026-11`.
    month          TEXT    NOT NULL,
    observed       INTEGER NOT NULL,
    observed_up    INTEGER NOT NULL
                   CONSTRAINT node_month_up_at_most_observed
                   CHECK (observed_up BETWEEN 0 AND observed),
    -- How often it had been down when its SLA commitment was last evaluated.
    evaluated_down INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node_id, month)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_months_to_evaluate ON node_months (month, node_id)
 WHERE evaluated_down <> observed - observed_up;

-- Nodes that have been down: whether their farmer knows them to be down now, and when the farmer
-- was last notified that it is down: at most once an hour.
CREATE TABLE node_alerts (
    node_id     INTEGER PRIMARY KEY REFERENCES nodes (id),
    is_down     INTEGER NOT NULL CONSTRAINT node_alert_down_is_flag CHECK (is_down IN (0, 1)),
    notified_at INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

-- What a farmer was notified of about a month's SLA commitment: each once.
CREATE TABLE sla_alerts (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    month      TEXT    NOT NULL,
    kind       TEXT    NOT NULL
               CONSTRAINT sla_alert_kind_is_known
               CHECK (kind IN ('sla-at-risk', 'sla-missed')),
    created_at INTEGER NOT NULL,
    -- How long the node may still be down this month.
    minutes_left INTEGER,
    PRIMARY KEY (node_id, month, kind)
) STRICT, WITHOUT ROWID;

-- The node up to which that job has come; 0 where it begins again. One row.
CREATE TABLE rank_cursor (
    id      INTEGER PRIMARY KEY CONSTRAINT rank_cursor_has_one_row CHECK (id = 1),
    node_id INTEGER NOT NULL
) STRICT;

INSERT INTO rank_cursor (id, node_id) VALUES (1, 0);
