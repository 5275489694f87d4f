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
    reported_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX machines_by_node ON machines (node_id, agent);

-- Machines from before there were reports are known once their agent has reported them.
INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
SELECT j.id, j.node_id, j.agent, 'running', j.changed_at, j.changed_at
  FROM jobs j JOIN rentals r ON r.id = j.rental_id
 WHERE j.kind = 'create' AND j.state = 'done' AND j.agent IS NOT NULL AND r.state <> 'ended'
   AND r.node_id = j.node_id AND coalesce(r.slice_number, j.slice_number) = j.slice_number;
