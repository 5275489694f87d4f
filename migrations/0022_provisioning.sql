-- Provisioning: SSH keys, agents, and the jobs that make a machine on a slice and remove it.

INSERT INTO event_kinds (kind)
VALUES ('access-progress'), ('access-ready'), ('access-failed'), ('access-late'),
       ('rental-refunded'), ('removal-late'), ('slice-removed');

-- Public keys that an account has registered. The first one is taken where none is chosen.
CREATE TABLE ssh_keys (
    id          TEXT    PRIMARY KEY,
    account_id  TEXT    NOT NULL REFERENCES accounts (id),
    name        TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    key         TEXT    NOT NULL CHECK (length(key) BETWEEN 1 AND 4200),
    fingerprint TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (account_id, fingerprint)
) STRICT;

CREATE INDEX ssh_keys_by_account ON ssh_keys (account_id, id);

-- What a rental's machine starts with: copies, so that a key that is removed from an account stays
-- where it was put.
CREATE TABLE setups (
    rental_id        TEXT    PRIMARY KEY REFERENCES rentals (id),
    ssh_key          TEXT,
    template         TEXT,
    template_version INTEGER CHECK ((template_version IS NULL) = (template IS NULL)),
    -- The renter's own user data, encrypted.
    sealed           BLOB,
    CHECK (template IS NULL OR sealed IS NULL)
) STRICT;

-- Who asks for the jobs of a farm, by the farmer's token.
CREATE TABLE agents (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    -- When it last asked, to the minute.
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (account_id, farm_id, name)
) STRICT, WITHOUT ROWID;

-- What agents do: a machine is made on one slice of a rental, or removed. The states and what leads
-- from one to another are in `domain::provisioning`.
CREATE TABLE jobs (
    -- Such as `<rental>_32_7_create`: of the rental, the node, the slice and the kind.
    id           TEXT    PRIMARY KEY,
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    node_id      INTEGER NOT NULL,
    slice_number INTEGER NOT NULL,
    kind         TEXT    NOT NULL CHECK (kind IN ('create', 'remove')),
    state        TEXT    NOT NULL CHECK (state IN (
                     'needs-key', 'waiting', 'leased', 'done', 'failed', 'refunded', 'cancelled')),
    -- Whose farm it is done on.
    farmer_id    TEXT    NOT NULL REFERENCES accounts (id),
    farm_id      INTEGER NOT NULL,
    -- Counts its leases, and goes on from that of the job before it on the slice.
    fence        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0 CHECK (attempts <= fence),
    -- Who has it, or had it last.
    agent        TEXT,
    token_id     TEXT,
    -- When it can be leased next: once its pause or its lease is over.
    due_at       INTEGER NOT NULL,
    -- The last step of the present lease, and when each one was told: a JSON object.
    step         TEXT    CHECK (step IN ('accepted', 'disk', 'booting', 'reachable', 'checked')),
    steps        TEXT    NOT NULL DEFAULT '{}',
    -- Why it failed last, in the agent's words.
    reason       TEXT    CHECK (length(reason) <= 500),
    -- How the machine is reached, encrypted.
    sealed       BLOB    CHECK (sealed IS NULL OR kind = 'create'),
    -- When people are told that it is late, and when they were.
    late_at      INTEGER NOT NULL,
    told_at      INTEGER,
    -- When everything is paid back; a removal has none.
    refund_at    INTEGER CHECK ((refund_at IS NOT NULL) = (kind = 'create')),
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number),
    CHECK (kind = 'create' OR state NOT IN ('needs-key', 'refunded', 'cancelled')),
    CHECK (state NOT IN ('leased', 'done') OR attempts > 0 OR kind = 'remove'),
    CHECK (kind <> 'create' OR (state = 'done') = (sealed IS NOT NULL))
) STRICT;

CREATE INDEX jobs_by_due ON jobs (farmer_id, farm_id, due_at) WHERE state IN ('waiting', 'leased');

CREATE INDEX jobs_by_rental ON jobs (rental_id, slice_number);

CREATE INDEX jobs_by_node ON jobs (node_id) WHERE state NOT IN ('done', 'refunded', 'cancelled');

CREATE INDEX jobs_by_lateness ON jobs (late_at)
 WHERE told_at IS NULL AND state IN ('waiting', 'leased', 'failed');

CREATE INDEX jobs_by_refund ON jobs (refund_at) WHERE state IN ('waiting', 'leased', 'failed');

CREATE TRIGGER jobs_are_kept BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'jobs are ended, not deleted');
END;

-- What still has the machine of an ended rental on it is not offered, and takes its place on the
-- node until the machine is gone.
ALTER TABLE slices ADD COLUMN removing_job TEXT REFERENCES jobs (id)
    CHECK (removing_job IS NULL OR state IN ('available', 'retired'));

CREATE INDEX slices_by_removal ON slices (removing_job) WHERE removing_job IS NOT NULL;

-- A slice that changes hands has the machine of its old rental removed, and one made for its new
-- one, where the farm has an agent. Rentals from before there were slices have theirs.
--
-- The spans are those of `domain::provisioning`; a test compares them.
CREATE TRIGGER slices_get_jobs AFTER UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT OLD.rental_id
BEGIN
    -- Whoever holds the lease is let finish first: two agents at once never have a slice.
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence, due_at,
            late_at, created_at, changed_at)
    SELECT j.rental_id || '_' || j.node_id || '_' || j.slice_number || '_remove',
           j.rental_id, j.node_id, j.slice_number, 'remove', 'waiting', n.farmer_id, n.farm_id,
           j.fence, max(ended.at, iif(j.state IN ('leased', 'refunded'), j.due_at, 0)),
           ended.at + 3600, ended.at, ended.at
      FROM jobs j
      JOIN nodes n ON n.id = j.node_id
      JOIN (SELECT coalesce(ended_at,
                            (SELECT max(created_at) FROM events WHERE rental_id = rentals.id)) AS at
              FROM rentals WHERE id = OLD.rental_id) ended
     WHERE j.rental_id = OLD.rental_id AND j.slice_number = OLD.number AND j.node_id = OLD.node_id
       AND j.kind = 'create' AND j.attempts > 0;
    UPDATE jobs
       SET state = 'cancelled',
           changed_at = coalesce((SELECT ended_at FROM rentals WHERE id = OLD.rental_id),
                                 (SELECT max(created_at) FROM events
                                   WHERE rental_id = OLD.rental_id
                                     AND kind = 'rental-moved-out'), changed_at)
     WHERE rental_id = OLD.rental_id AND slice_number = OLD.number AND node_id = OLD.node_id
       AND kind = 'create' AND state IN ('needs-key', 'waiting', 'leased', 'failed');
    UPDATE slices
       SET removing_job = (SELECT id FROM jobs
                            WHERE rental_id = OLD.rental_id AND slice_number = OLD.number
                              AND node_id = OLD.node_id AND kind = 'remove')
     WHERE node_id = OLD.node_id AND number = OLD.number AND OLD.rental_id IS NOT NULL
       AND NEW.rental_id IS NULL;
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, due_at, late_at,
            refund_at, created_at, changed_at)
    SELECT s.rental_id || '_' || n.id || '_' || NEW.number || '_create', s.rental_id, n.id,
           NEW.number, 'create', iif(s.ssh_key IS NULL, 'needs-key', 'waiting'), n.farmer_id,
           n.farm_id, began.at, began.at + 300,
           -- What was owed on the slice that it left is owed since then, and paid back as it would
           -- have been there. Where a machine was made, or none begun for want of a key, the
           -- promise is made anew.
           coalesce((SELECT iif(state = 'cancelled' AND s.ssh_key IS NOT NULL, refund_at, NULL)
                       FROM jobs WHERE rental_id = s.rental_id AND kind = 'create'
                      ORDER BY rowid DESC LIMIT 1), began.at + 85800),
           began.at, began.at
      FROM setups s
      JOIN nodes n ON n.id = NEW.node_id
      -- What comes from another slice begins here when it left that.
      JOIN (SELECT coalesce((SELECT max(created_at) FROM events
                              WHERE rental_id = rentals.id AND kind = 'rental-moved-out'),
                            started_at) AS at
              FROM rentals WHERE id = NEW.rental_id) began
     WHERE s.rental_id = NEW.rental_id
       AND EXISTS (SELECT 1 FROM agents
                    WHERE account_id = n.farmer_id AND farm_id = n.farm_id
                      AND seen_at > began.at - 2592000);
END;

-- A rental has one job of a kind on a slice: it does not come back to one that it left.
CREATE TRIGGER slices_are_not_come_back_to BEFORE UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT NULL AND NEW.rental_id IS NOT OLD.rental_id
   AND EXISTS (SELECT 1 FROM jobs
                WHERE rental_id = NEW.rental_id AND slice_number = NEW.number
                  AND node_id = NEW.node_id)
BEGIN
    SELECT RAISE(ABORT, 'stale slice');
END;

-- Moving, made anew: a rental goes on with another slice also where access to it is overdue, even
-- on the same node. `is_owed` is whether access was owed when it was decided: a machine that came
-- meanwhile, or is owed only since, lets it be decided again. What is owed goes where a machine is
-- made, and never back to a slice that the rental left.

DROP TRIGGER move_rental_does;

DROP VIEW move_rental;

CREATE VIEW move_rental AS
    SELECT r.id, r.version, r.node_id, r.slice_number, n.offer_version, r.price_micros,
           r.min_uptime, r.min_bandwidth_mbps, r.earns_at, '[]' AS periods, '[]' AS bookings,
           0 AS is_owed, r.started_at AS moved_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER move_rental_does INSTEAD OF INSERT ON move_rental BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.moved_at FROM quotes WHERE held_until <= NEW.moved_at;
    SELECT RAISE(ABORT, 'stale rental')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND r.version = NEW.version AND r.state = 'active'
                          AND r.slice_number IS NOT NULL
                          AND (n.leaves_at IS NOT NULL
                               OR EXISTS (SELECT 1 FROM jobs
                                           WHERE rental_id = NEW.id AND kind = 'create'
                                             AND (state = 'failed'
                                                  OR (state IN ('waiting', 'leased')
                                                      AND (told_at IS NOT NULL
                                                           OR late_at <= NEW.moved_at))))));
    SELECT RAISE(ABORT, 'stale job')
     WHERE NEW.is_owed <> EXISTS (SELECT 1 FROM jobs
                                   WHERE rental_id = NEW.id AND kind = 'create'
                                     AND state IN ('waiting', 'leased', 'failed'));
    SELECT RAISE(ABORT, 'stale offer')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND listing = 'published'
                          AND offer_version = NEW.offer_version
                          AND price_micros = NEW.price_micros
                          AND min_uptime = NEW.min_uptime
                          AND min_bandwidth_mbps = NEW.min_bandwidth_mbps
                          AND whole_rental_id IS NULL
                          AND capacity >= available_slices + reserved_slices + allocated_slices);
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-out', farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
    UPDATE slices SET state = 'available', rental_id = NULL WHERE rental_id = NEW.id;
    UPDATE nodes SET capacity = capacity
     WHERE id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND state = 'available'
       AND number = coalesce(NEW.slice_number,
                             (SELECT min(number) FROM slices s
                               WHERE node_id = NEW.node_id AND state = 'available'
                                 AND NOT EXISTS (SELECT 1 FROM jobs
                                                  WHERE rental_id = NEW.id
                                                    AND slice_number = s.number
                                                    AND node_id = s.node_id)));
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'stale agent')
     WHERE NEW.is_owed AND NOT EXISTS (SELECT 1 FROM jobs
                                        WHERE rental_id = NEW.id AND kind = 'create'
                                          AND state = 'waiting');
    -- While it is still there: what was earned is of that node.
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.moved_at FROM json_each(NEW.bookings);
    UPDATE rentals
       SET version = version + 1, node_id = NEW.node_id, price_micros = NEW.price_micros,
           slice_number = (SELECT number FROM slices WHERE rental_id = NEW.id),
           farmer_id = (SELECT farmer_id FROM nodes WHERE id = NEW.node_id),
           min_uptime = NEW.min_uptime, min_bandwidth_mbps = NEW.min_bandwidth_mbps,
           earns_at = NEW.earns_at
     WHERE id = NEW.id;
    UPDATE rental_periods
       SET earned_micros = (SELECT value ->> 'earned' FROM json_each(NEW.periods)
                             WHERE value ->> 'number' = rental_periods.number)
     WHERE rental_id = NEW.id
       AND number IN (SELECT value ->> 'number' FROM json_each(NEW.periods));
    DELETE FROM reminders WHERE rental_id = NEW.id AND days < 0;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-in', renter_id, farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
END;

-- A node that goes to another farm or farmer takes its open jobs with it.
CREATE TRIGGER jobs_follow_their_node AFTER UPDATE OF farm_id, farmer_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id OR NEW.farmer_id <> OLD.farmer_id
BEGIN
    UPDATE jobs SET farm_id = NEW.farm_id, farmer_id = NEW.farmer_id
     WHERE node_id = NEW.id AND state NOT IN ('done', 'refunded', 'cancelled');
END;

-- The first key of an account goes to the machines that wait for one; their clocks begin.
CREATE TRIGGER ssh_keys_are_waited_for AFTER INSERT ON ssh_keys BEGIN
    UPDATE setups SET ssh_key = NEW.key
     WHERE ssh_key IS NULL AND rental_id IN (
           SELECT r.id FROM rentals r JOIN jobs j ON j.rental_id = r.id
            WHERE r.renter_id = NEW.account_id AND r.state = 'active' AND j.state = 'needs-key');
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.created_at, late_at = NEW.created_at + 300,
           refund_at = NEW.created_at + 85800, changed_at = NEW.created_at
     WHERE state = 'needs-key' AND rental_id IN (
           SELECT id FROM rentals WHERE renter_id = NEW.account_id AND state = 'active');
END;

CREATE TRIGGER ssh_keys_go_with_their_account AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM ssh_keys WHERE account_id = NEW.id;
    DELETE FROM agents WHERE account_id = NEW.id;
END;

CREATE TRIGGER jobs_tell_their_steps AFTER UPDATE OF step ON jobs
  WHEN NEW.kind = 'create' AND NEW.step IS NOT NULL AND NEW.step IS NOT OLD.step
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'access-progress', renter_id, farmer_id, NEW.node_id, NEW.slice_number, id, NEW.step,
           NEW.changed_at
      FROM rentals WHERE id = NEW.rental_id;
END;

CREATE TRIGGER jobs_tell_their_end AFTER UPDATE OF state ON jobs
  WHEN NEW.state <> OLD.state AND NEW.state IN ('done', 'failed')
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.kind = 'remove' THEN 'slice-removed'
                WHEN NEW.state = 'done' THEN 'access-ready' ELSE 'access-failed' END,
           iif(NEW.kind = 'create', renter_id, NULL), farmer_id, NEW.node_id, NEW.slice_number,
           iif(NEW.kind = 'create', id, NULL), NEW.changed_at
      FROM rentals WHERE id = NEW.rental_id AND (NEW.kind = 'create' OR NEW.state = 'done');
    UPDATE slices SET removing_job = NULL
     WHERE NEW.kind = 'remove' AND NEW.state = 'done' AND removing_job = NEW.id;
    UPDATE nodes SET capacity = capacity
     WHERE NEW.kind = 'remove' AND NEW.state = 'done' AND id = NEW.node_id;
END;

-- Command: people are told, once, that a job is late: by an event, and by the mails in `mails`, a
-- JSON array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal.
CREATE VIEW tell_late AS SELECT id AS job_id, '[]' AS mails, told_at FROM jobs;

CREATE TRIGGER tell_late_does INSTEAD OF INSERT ON tell_late BEGIN
    UPDATE jobs SET told_at = NEW.told_at
     WHERE id = NEW.job_id AND told_at IS NULL AND state IN ('waiting', 'leased', 'failed');
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT iif(j.kind = 'create', 'access-late', 'removal-late'),
           iif(j.kind = 'create', r.renter_id, NULL), r.farmer_id, j.node_id, j.slice_number,
           iif(j.kind = 'create', r.id, NULL), NEW.told_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT value ->> 'id', value ->> 'account', value ->> 'kind', unhex(value ->> 'sealed'),
           NEW.told_at, NEW.told_at
      FROM json_each(NEW.mails);
END;

-- Command: a rental that has no access is paid back in full, and ends. The columns are those of
-- `change_rental`, and those of a mail that tells of it, where there is one. It aborts unless
-- access is owed.
CREATE VIEW refund_rental AS
    SELECT id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
           bookings, changed_at, '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental;

CREATE TRIGGER refund_rental_does INSTEAD OF INSERT ON refund_rental BEGIN
    SELECT RAISE(ABORT, 'stale job: access is not owed')
     WHERE NOT EXISTS (SELECT 1 FROM jobs
                        WHERE rental_id = NEW.id AND kind = 'create'
                          AND state IN ('waiting', 'leased', 'failed'));
    -- Whoever holds the lease keeps it until it is over: the removal waits for that.
    UPDATE jobs
       SET state = 'refunded', changed_at = NEW.changed_at,
           due_at = iif(state = 'leased', due_at, NEW.changed_at)
     WHERE rental_id = NEW.id AND kind = 'create' AND state IN ('waiting', 'leased', 'failed');
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-refunded', renter_id, farmer_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, order_id, idempotency_key, request_hash, total_micros, token_id,
            changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, 'rental-ended', NULL, NULL,
            NULL, NULL, NULL, NEW.changed_at);
END;

-- Slices follow capacity, made anew: a slice whose machine is being removed is not offered and not
-- restored, and counts as one that is there.

DROP TRIGGER slices_follow_capacity;

CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND (max(0, NEW.capacity - NEW.kept_slices)
        <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
        OR EXISTS (SELECT 1 FROM slices WHERE node_id = NEW.id AND removing_job IS NOT NULL))
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND state = 'available' AND removing_job IS NOT NULL;
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, (SELECT count(*) FROM slices
                           WHERE node_id = NEW.id
                             AND (state <> 'retired' OR removing_job IS NOT NULL))
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices
            WHERE node_id = NEW.id AND state = 'retired' AND removing_job IS NULL
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices
                         - (SELECT count(*) FROM slices
                             WHERE node_id = NEW.id
                               AND (state <> 'retired' OR removing_job IS NOT NULL))));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices
                      WHERE node_id = NEW.id
                        AND (state <> 'retired' OR removing_job IS NOT NULL)));
END;

-- Renting, made anew: an item also has `ssh_key`, the text of a key, or NULL for the account's
-- first one; `template` and `template_version`, or `user_data`, encrypted and in hexadecimal, or
-- neither.

DROP TRIGGER rent_does;

CREATE TRIGGER rent_does INSTEAD OF INSERT ON rent BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    -- What a quote holds has its price, whatever the offer is by now.
    SELECT RAISE(ABORT, 'stale offer')
      FROM json_each(NEW.items) i
      LEFT JOIN nodes n ON n.id = i.value ->> 'node'
     WHERE n.id IS NULL OR n.whole_rental_id IS NOT NULL
        OR n.capacity < n.available_slices + n.allocated_slices + n.reserved_slices
        OR NOT (EXISTS (SELECT 1 FROM quotes WHERE id = NEW.quote_id AND held_until IS NOT NULL)
                OR (n.listing = 'published' AND n.offer_version = i.value ->> 'version'
                    AND n.price_micros = i.value ->> 'price'));
    UPDATE quotes SET used_at = NEW.created_at, held_until = NULL
     WHERE id = NEW.quote_id AND account_id = NEW.account_id AND used_at IS NULL
       AND expires_at > NEW.created_at;
    SELECT RAISE(ABORT, 'stale quote') WHERE NEW.quote_id IS NOT NULL AND changes() = 0;
    -- Free for this order alone.
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    INSERT INTO orders
           (id, account_id, kind, idempotency_key, request_hash, total_micros, token_id, quote_id,
            created_at)
    VALUES (NEW.id, NEW.account_id, 'rental', NEW.idempotency_key, NEW.request_hash,
            NEW.total_micros, NEW.token_id, NEW.quote_id, NEW.created_at);
    INSERT INTO rentals
           (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state, price_micros,
            price_until, min_uptime, min_bandwidth_mbps, started_at, ends_at, earns_at)
    SELECT i.item ->> 'rental', NEW.id, n.id, s.number, coalesce(i.item ->> 'whole', 1),
           NEW.account_id, n.farmer_id, 'active', i.item ->> 'price', i.item ->> 'price_until',
           i.item ->> 'min_uptime', i.item ->> 'min_bandwidth', NEW.created_at,
           i.item ->> 'ends_at', i.item ->> 'earns_at'
      FROM (SELECT value AS item,
                   row_number() OVER (PARTITION BY value ->> 'node' ORDER BY key) AS nth
              FROM json_each(NEW.items)) i
      JOIN nodes n ON n.id = i.item ->> 'node'
      LEFT JOIN (SELECT node_id, number,
                        row_number() OVER (PARTITION BY node_id ORDER BY number) AS nth
                   FROM slices
                  WHERE state = 'available'
                    AND node_id IN (SELECT value ->> 'node' FROM json_each(NEW.items))) s
        ON s.node_id = n.id AND i.item ->> 'whole' IS NULL
       AND s.number = coalesce(i.item ->> 'slice', s.number)
       AND (i.item ->> 'slice' IS NOT NULL OR s.nth = i.nth)
     WHERE CASE WHEN i.item ->> 'whole' IS NULL THEN s.number IS NOT NULL
                ELSE n.available_slices = i.item ->> 'whole'
                     AND n.allocated_slices = 0 AND n.reserved_slices = 0 END;
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() <> json_array_length(NEW.items);
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    SELECT value ->> 'rental', 1, NEW.id, NEW.account_id, value ->> 'months', value ->> 'price',
           value ->> 'total', value ->> 'fee', NEW.created_at, value ->> 'ends_at'
      FROM json_each(NEW.items);
    -- Before the slices change hands: their jobs are made of it.
    INSERT INTO setups (rental_id, ssh_key, template, template_version, sealed)
    SELECT i.value ->> 'rental',
           coalesce(i.value ->> 'ssh_key',
                    (SELECT key FROM ssh_keys WHERE account_id = NEW.account_id
                      ORDER BY id LIMIT 1)),
           i.value ->> 'template', i.value ->> 'template_version',
           unhex(i.value ->> 'user_data')
      FROM json_each(NEW.items) i;
    UPDATE slices
       SET state = 'allocated',
           rental_id = (SELECT id FROM rentals
                         WHERE order_id = NEW.id AND node_id = slices.node_id
                           AND coalesce(slice_number, slices.number) = slices.number)
     WHERE state = 'available'
       AND node_id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id)
       AND EXISTS (SELECT 1 FROM rentals
                    WHERE order_id = NEW.id AND node_id = slices.node_id
                      AND coalesce(slice_number, slices.number) = slices.number);
    UPDATE nodes
       SET whole_rental_id = (SELECT id FROM rentals
                               WHERE order_id = NEW.id AND node_id = nodes.id)
     WHERE id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id AND slice_number IS NULL);
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    SELECT 'rental', id, id,
           'Rental of node' || node_id || coalesce('_slice_' || slice_number, ', the whole node'),
           NEW.created_at
      FROM rentals WHERE order_id = NEW.id ORDER BY id;
    -- In the order of the transactions, so that balances run on.
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'wallet', payer_id, -total_micros
      FROM rental_periods WHERE order_id = NEW.id ORDER BY rental_id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'escrow', rental_id, total_micros
      FROM rental_periods WHERE order_id = NEW.id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN slice_number IS NULL THEN 'node-rented' ELSE 'slice-rented' END, renter_id,
           farmer_id, node_id, slice_number, id, NEW.created_at
      FROM rentals WHERE order_id = NEW.id;
    SELECT RAISE(ABORT, 'stale total')
     WHERE NEW.total_micros <> (SELECT sum(total_micros) FROM rental_periods
                                 WHERE order_id = NEW.id);
    SELECT RAISE(ABORT, 'stale count of slices')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended') > NEW.slices_max;
END;
