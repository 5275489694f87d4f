-- Machines after they were set up.

-- How each machine is, as its farm's agent last reported it. A machine is here from the end of the
-- job that created it until its rental leaves the slice.
CREATE TABLE machines (
    -- The job that created it.
    job_id       TEXT    PRIMARY KEY REFERENCES jobs (id),
    -- Who has it: the agent that created it, or whoever goes on under its name.
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    agent        TEXT    NOT NULL,
    state        TEXT    NOT NULL CONSTRAINT machine_state_is_known CHECK (state IN (
                     'running', 'starting', 'unreachable', 'off', 'lost')),
    since        INTEGER NOT NULL,
    -- Since when its SSH port does not answer, before it is held to be unreachable.
    silent_since INTEGER
                 CONSTRAINT machine_silent_while_running
                 CHECK (silent_since IS NULL OR state = 'running'),
    reported_at  INTEGER NOT NULL,
    -- Whether its renter wants it to run: not after a shutdown that they asked for.
    should_run   INTEGER NOT NULL DEFAULT 1
                 CONSTRAINT machine_should_run_is_boolean CHECK (should_run IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX machines_by_node ON machines (node_id, agent);

-- Whether a machine that was shut down inside is started again.
ALTER TABLE rentals ADD COLUMN auto_start
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT rental_auto_start_is_boolean CHECK (auto_start IN (0, 1));

-- What is done with machines: for their renters, or by the market, which starts one again. The
-- states and what leads from one to another are in `domain::machine_action`.
CREATE TABLE machine_actions (
    id           TEXT    PRIMARY KEY,
    -- The machine, by the job that created it, and its rental.
    job_id       TEXT    NOT NULL REFERENCES jobs (id),
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    kind         TEXT    NOT NULL CONSTRAINT machine_action_kind_is_known
                 CHECK (kind IN ('start', 'shutdown', 'restart', 'reset')),
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
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

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

-- Machines from before there were reports are known once their agent has reported them.
INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
SELECT j.id, j.node_id, j.agent, 'running', j.changed_at, j.changed_at
  FROM jobs j JOIN rentals r ON r.id = j.rental_id
 WHERE j.kind = 'create' AND j.state = 'done' AND j.agent IS NOT NULL AND r.state <> 'ended'
   AND r.node_id = j.node_id AND coalesce(r.slice_number, j.slice_number) = j.slice_number;
