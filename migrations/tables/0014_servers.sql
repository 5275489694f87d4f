-- Outages, and what of them was measured of a rental's months.

-- Whether a machine's farm is why it cannot be used.
ALTER TABLE machines ADD COLUMN is_outage
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT machine_is_outage_is_boolean CHECK (is_outage IN (0, 1));

-- When a node was down, or a machine could not be used through its farm's side. What follows for
-- money is in `domain::outage`.
CREATE TABLE outages (
    id          INTEGER PRIMARY KEY,
    node_id     INTEGER NOT NULL REFERENCES nodes (id),
    -- The machine, by the job that created it; NULL for the whole node.
    job_id      TEXT    REFERENCES jobs (id),
    from_at     INTEGER NOT NULL,
    -- NULL while it goes on.
    until_at    INTEGER CONSTRAINT outage_ends_after_start CHECK (until_at >= from_at),
    -- When the node was last seen to be down; NULL for a machine, which is down until the opposite
    -- is reported.
    seen_at     INTEGER
                CONSTRAINT outage_of_node_is_seen CHECK ((seen_at IS NULL) = (job_id IS NOT NULL)),
    -- When renter and farmer were notified that it has lasted for a day.
    notified_at INTEGER
) STRICT;

CREATE UNIQUE INDEX outages_one_open_per_node ON outages (node_id)
 WHERE until_at IS NULL AND job_id IS NULL;

CREATE UNIQUE INDEX outages_one_open_per_machine ON outages (job_id)
 WHERE until_at IS NULL AND job_id IS NOT NULL;

CREATE INDEX outages_by_node ON outages (node_id, from_at) WHERE job_id IS NULL;

CREATE INDEX outages_by_machine ON outages (job_id, from_at) WHERE job_id IS NOT NULL;

CREATE INDEX outages_by_notice ON outages (from_at) WHERE until_at IS NULL AND notified_at IS NULL;

CREATE INDEX outages_by_end ON outages (until_at) WHERE until_at IS NOT NULL;

-- How long the machines of a rental were its own in a month, without announced maintenance, and how
-- long of that they could not be used through the farm's side; NULL where it had none. Seconds.
ALTER TABLE sla_months ADD COLUMN machine_seconds
    INTEGER CONSTRAINT sla_month_machine_seconds_not_negative
    CHECK (machine_seconds >= 0);

ALTER TABLE sla_months ADD COLUMN machine_down_seconds
    INTEGER CONSTRAINT sla_month_machine_down_at_most_all
    CHECK (machine_down_seconds BETWEEN 0 AND machine_seconds);

INSERT INTO ledger_kinds (kind) VALUES ('outage-refund');
