-- What renters have of their machines while these run, and outages.
-- drops: guards/machine_actions.sql guards/machines.sql

-- Machines that are paused, because their server's disk is full. A CHECK is changed by a new table
-- only.
CREATE TABLE machines_before AS SELECT * FROM machines;

DROP TABLE machines;

CREATE TABLE machines (
    -- The job that created it.
    job_id       TEXT    PRIMARY KEY REFERENCES jobs (id),
    -- Who has it: the agent that created it, or whoever goes on under its name.
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    agent        TEXT    NOT NULL,
    state        TEXT    NOT NULL CONSTRAINT machine_state_is_known CHECK (state IN (
                     'running', 'starting', 'unreachable', 'paused', 'off', 'lost')),
    since        INTEGER NOT NULL,
    -- Since when its SSH port does not answer, before it is held to be unreachable.
    silent_since INTEGER
                 CONSTRAINT machine_silent_while_running
                 CHECK (silent_since IS NULL OR state = 'running'),
    reported_at  INTEGER NOT NULL,
    -- Whether its renter wants it to run: not after a shutdown that they asked for.
    should_run   INTEGER NOT NULL DEFAULT 1
                 CONSTRAINT machine_should_run_is_boolean CHECK (should_run IN (0, 1)),
    -- What can be done with it, as its agent last reported it: a JSON array of names, which are in
    -- `domain::capability`. Agents of earlier versions report nothing, and switch machines.
    can          TEXT    NOT NULL DEFAULT '["power"]'
                 CONSTRAINT machine_can_is_json CHECK (json_valid(can)),
    -- Whether its farm is why it cannot be used.
    is_outage    INTEGER NOT NULL DEFAULT 0
                 CONSTRAINT machine_is_outage_is_boolean CHECK (is_outage IN (0, 1))
) STRICT, WITHOUT ROWID;

INSERT INTO machines
       (job_id, node_id, agent, state, since, silent_since, reported_at, should_run)
SELECT job_id, node_id, agent, state, since, silent_since, reported_at, should_run
  FROM machines_before;

DROP TABLE machines_before;

CREATE INDEX machines_by_node ON machines (node_id, agent);

-- More kinds of actions.
CREATE TABLE machine_actions_before AS SELECT * FROM machine_actions;

DROP TABLE machine_actions;

CREATE TABLE machine_actions (
    id           TEXT    PRIMARY KEY,
    -- The machine, by the job that created it, and its rental.
    job_id       TEXT    NOT NULL REFERENCES jobs (id),
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    kind         TEXT    NOT NULL CONSTRAINT machine_action_kind_is_known CHECK (kind IN (
                     'start', 'shutdown', 'restart', 'reset', 'set-keys', 'rebuild',
                     'set-password', 'set-ports')),
    state        TEXT    NOT NULL CONSTRAINT machine_action_state_is_known
                 CHECK (state IN ('waiting', 'leased', 'done', 'failed', 'canceled')),
    -- Who asked; NULL for the market.
    requested_by TEXT    REFERENCES accounts (id),
    -- Counts its leases.
    fence        INTEGER NOT NULL DEFAULT 0,
    -- When it can be leased next: once its pause or its lease is over.
    due_at       INTEGER NOT NULL,
    -- When it has failed, unless it is done.
    expires_at   INTEGER NOT NULL,
    -- Why it failed last, in the agent's words.
    reason       TEXT    CONSTRAINT machine_action_reason_length_in_range
                 CHECK (length(reason) <= 500),
    -- What a console password comes to by crypt(3), until the action is over.
    password_hash TEXT   CONSTRAINT machine_action_password_of_its_kind
                 CHECK (password_hash IS NULL OR kind = 'set-password'),
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

INSERT INTO machine_actions
       (id, job_id, rental_id, kind, state, requested_by, fence, due_at, expires_at, reason,
        created_at, changed_at)
SELECT id, job_id, rental_id, kind, state, requested_by, fence, due_at, expires_at, reason,
       created_at, changed_at
  FROM machine_actions_before;

DROP TABLE machine_actions_before;

-- One at a time.
CREATE UNIQUE INDEX machine_actions_one_open ON machine_actions (job_id)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_job ON machine_actions (job_id, id);

CREATE INDEX machine_actions_by_rental ON machine_actions (rental_id, id);

CREATE INDEX machine_actions_by_account ON machine_actions (requested_by)
 WHERE requested_by IS NOT NULL;

CREATE INDEX machine_actions_by_due ON machine_actions (due_at)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_expiry ON machine_actions (expires_at)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_age ON machine_actions (changed_at)
 WHERE state IN ('done', 'failed', 'canceled');

-- The ports that are to be reachable beside that of SSH, of each machine of a rental.
CREATE TABLE rental_ports (
    rental_id TEXT    NOT NULL REFERENCES rentals (id),
    transport TEXT    NOT NULL
              CONSTRAINT rental_port_transport_is_known CHECK (transport IN ('tcp', 'udp')),
    number    INTEGER NOT NULL
              CONSTRAINT rental_port_number_in_range CHECK (number BETWEEN 1 AND 65535),
    PRIMARY KEY (rental_id, transport, number)
) STRICT, WITHOUT ROWID;

-- The end of what the setup of a machine said, where the job failed for that.
ALTER TABLE jobs ADD COLUMN log
    TEXT
    CONSTRAINT job_log_length_in_range CHECK (length(log) <= 3000);

-- Whether its farmer does it by hand and says so: the farm has no agent, or, of a removal, no agent
-- made the machine. An agent that comes later takes over what is to be made, and nothing else.
ALTER TABLE jobs ADD COLUMN is_by_hand
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT job_is_by_hand_is_boolean CHECK (is_by_hand IN (0, 1));

-- What each machine uses of its server, as its agent last reported it.
ALTER TABLE machines ADD COLUMN cpu_percent
    INTEGER
    CONSTRAINT machine_cpu_not_negative CHECK (cpu_percent >= 0);

ALTER TABLE machines ADD COLUMN memory_bytes
    INTEGER
    CONSTRAINT machine_memory_not_negative CHECK (memory_bytes >= 0);

ALTER TABLE machines ADD COLUMN disk_bytes
    INTEGER
    CONSTRAINT machine_disk_not_negative CHECK (disk_bytes >= 0);

-- What went through each machine's network since its start, as it says itself and as its agent
-- reported it last.
ALTER TABLE machines ADD COLUMN network_in_bytes
    INTEGER
    CONSTRAINT machine_network_in_not_negative
    CHECK (network_in_bytes >= 0);

ALTER TABLE machines ADD COLUMN network_out_bytes
    INTEGER
    CONSTRAINT machine_network_out_not_negative
    CHECK (network_out_bytes >= 0);

-- How full each machine's fullest file system is, as it says itself, and whether it was almost full
-- when its renter was notified, or there was room again: `domain::disk` decides.
ALTER TABLE machines ADD COLUMN file_system_bytes
    INTEGER
    CONSTRAINT machine_file_system_not_negative
    CHECK (file_system_bytes >= 0);

ALTER TABLE machines ADD COLUMN file_system_used_bytes
    INTEGER
    CONSTRAINT machine_file_system_used_not_negative
    CHECK (file_system_used_bytes >= 0);

ALTER TABLE machines ADD COLUMN is_disk_filling
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT machine_is_disk_filling_is_boolean
    CHECK (is_disk_filling IN (0, 1));

-- The disk of an agent's server, on which its machines' disks grow, as it was reported last: its
-- size, what is free of it, and whether that was low when its farmer was notified, or there was
-- room again.
ALTER TABLE agents ADD COLUMN disk_bytes
    INTEGER
    CONSTRAINT agent_disk_not_negative CHECK (disk_bytes >= 0);

ALTER TABLE agents ADD COLUMN disk_free_bytes
    INTEGER
    CONSTRAINT agent_disk_free_not_negative
    CHECK (disk_free_bytes >= 0);

ALTER TABLE agents ADD COLUMN disk_reported_at
    INTEGER;

ALTER TABLE agents ADD COLUMN is_disk_low
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT agent_is_disk_low_is_boolean CHECK (is_disk_low IN (0, 1));

-- What a rental's machines start with: copies, so that a key that is removed from an account stays
-- on them until their renter changes that. Several keys, where there was one.
CREATE TABLE setups_before AS SELECT * FROM setups;

DROP TABLE setups;

CREATE TABLE setups (
    rental_id        TEXT    PRIMARY KEY REFERENCES rentals (id),
    -- The public keys that get in, a JSON array of lines; an empty one while there is none.
    ssh_keys         TEXT    NOT NULL DEFAULT '[]'
                     CONSTRAINT setup_ssh_keys_are_json CHECK (json_valid(ssh_keys)),
    template         TEXT,
    template_version INTEGER
                     CONSTRAINT setup_template_has_version
                     CHECK ((template_version IS NULL) = (template IS NULL)),
    -- The renter's own user data, encrypted.
    sealed           BLOB,
    CONSTRAINT setup_template_or_user_data CHECK (template IS NULL OR sealed IS NULL)
) STRICT;

INSERT INTO setups (rental_id, ssh_keys, template, template_version, sealed)
SELECT rental_id, iif(ssh_key IS NULL, '[]', json_array(ssh_key)), template, template_version,
       sealed
  FROM setups_before;

DROP TABLE setups_before;

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

CREATE INDEX outages_by_node ON outages (node_id, from_at);

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
