-- What a farmer offers: slices to keep back, raises that wait, locks, maintenance, and a history of
-- every version.

INSERT INTO event_kinds (kind)
VALUES ('maintenance-announced'), ('maintenance-cancelled'), ('maintenance-due'), ('node-locked'),
       ('node-unlocked');

-- How many slices the farmer does not offer, of those that the node could carry.
ALTER TABLE nodes ADD COLUMN kept_slices INTEGER NOT NULL DEFAULT 0
    CHECK (kept_slices BETWEEN 0 AND 512);

-- The price from `pending_price_at` on: a raise waits while anything on the node is rented or held.
ALTER TABLE nodes ADD COLUMN pending_price_micros INTEGER
    CHECK (pending_price_micros > price_micros);

ALTER TABLE nodes ADD COLUMN pending_price_at INTEGER
    CHECK ((pending_price_at IS NULL) = (pending_price_micros IS NULL));

-- Who has locked the offer; NULL where it can be changed. The operator says why.
ALTER TABLE nodes ADD COLUMN locked_by TEXT CHECK (locked_by IN ('farmer', 'operator'));

ALTER TABLE nodes ADD COLUMN lock_reason TEXT
    CHECK (lock_reason IS NULL OR (locked_by IS 'operator' AND length(lock_reason) <= 200));

ALTER TABLE nodes ADD COLUMN lock_changed_at INTEGER NOT NULL DEFAULT 0;

CREATE INDEX nodes_by_raise ON nodes (pending_price_at) WHERE pending_price_at IS NOT NULL;

CREATE TRIGGER locks_are_told AFTER UPDATE OF locked_by ON nodes
  WHEN NEW.locked_by IS NOT OLD.locked_by
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.locked_by IS NULL THEN 'node-unlocked' ELSE 'node-locked' END,
            NEW.farmer_id, NEW.id, NEW.lock_changed_at);
END;

-- As before, and what else belongs to the offer by now.
DROP TRIGGER offer_changes;

CREATE TRIGGER offer_changes
 AFTER UPDATE OF price_micros, pending_price_micros, min_uptime, min_bandwidth_mbps, terms,
                 kept_slices ON nodes
  WHEN NEW.price_micros IS NOT OLD.price_micros
    OR NEW.pending_price_micros IS NOT OLD.pending_price_micros
    OR NEW.min_uptime <> OLD.min_uptime
    OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
    OR NEW.terms <> OLD.terms
    OR NEW.kept_slices <> OLD.kept_slices
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at);
END;

-- As before, but for the slices that are kept back: what is offered is what the node can carry
-- without them. `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
DROP TRIGGER slices_follow_capacity;

CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND max(0, NEW.capacity - NEW.kept_slices)
       <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'retired'
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices - NEW.available_slices
                         - NEW.reserved_slices - NEW.allocated_slices));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices WHERE node_id = NEW.id AND state <> 'retired'));
END;

-- Every version of every offer, written by the statement that made it.
CREATE TABLE offer_history (
    node_id              INTEGER NOT NULL REFERENCES nodes (id),
    version              INTEGER NOT NULL,
    changed_at           INTEGER NOT NULL,
    name                 TEXT    NOT NULL,
    price_micros         INTEGER,
    pending_price_micros INTEGER,
    pending_price_at     INTEGER,
    min_uptime           INTEGER NOT NULL,
    min_bandwidth_mbps   INTEGER NOT NULL,
    terms                INTEGER NOT NULL,
    kept_slices          INTEGER NOT NULL,
    listing              TEXT    NOT NULL,
    PRIMARY KEY (node_id, version)
) STRICT, WITHOUT ROWID;

-- What stood before there was a history begins it.
INSERT INTO offer_history
       (node_id, version, changed_at, name, price_micros, min_uptime, min_bandwidth_mbps, terms,
        kept_slices, listing)
SELECT id, offer_version, offer_changed_at, name, price_micros, min_uptime, min_bandwidth_mbps,
       terms, kept_slices, listing
  FROM nodes;

CREATE TRIGGER offers_begin_their_history AFTER INSERT ON nodes BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offers_have_a_history AFTER UPDATE OF offer_version ON nodes
  WHEN NEW.offer_version <> OLD.offer_version
BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offer_history_stays BEFORE UPDATE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'the history of offers is append-only');
END;

CREATE TRIGGER offer_history_is_kept BEFORE DELETE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'the history of offers is append-only');
END;

-- When a node is worked on: announced a day ahead, for eight hours at most.
CREATE TABLE maintenance (
    id           TEXT    PRIMARY KEY,
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    starts_at    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL CHECK (ends_at - starts_at BETWEEN 60 AND 28800),
    note         TEXT    NOT NULL CHECK (length(note) <= 200),
    announced_at INTEGER NOT NULL CHECK (starts_at - announced_at >= 86400),
    cancelled_at INTEGER,
    -- When farmer and renters were reminded of it.
    reminded_at  INTEGER
) STRICT;

CREATE INDEX maintenance_by_node ON maintenance (node_id, starts_at, id);

CREATE INDEX maintenance_by_reminder ON maintenance (starts_at)
 WHERE cancelled_at IS NULL AND reminded_at IS NULL;

CREATE TRIGGER maintenance_is_apart BEFORE INSERT ON maintenance BEGIN
    SELECT RAISE(ABORT, 'stale maintenance: windows overlap')
     WHERE EXISTS (SELECT 1 FROM maintenance
                    WHERE node_id = NEW.node_id AND cancelled_at IS NULL
                      AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);
    SELECT RAISE(ABORT, 'stale maintenance: too many windows')
     WHERE (SELECT count(*) FROM maintenance
             WHERE node_id = NEW.node_id AND cancelled_at IS NULL
               AND ends_at > NEW.announced_at) >= 4;
END;

CREATE TRIGGER maintenance_is_kept BEFORE DELETE ON maintenance BEGIN
    SELECT RAISE(ABORT, 'maintenance is cancelled, not deleted');
END;

-- Command, used by the triggers below: tells a farmer, and who rents something on the node, of a
-- window. Each rental has an event of its own.
CREATE VIEW tell_of_maintenance AS
    SELECT '' AS kind, id, node_id, announced_at AS told_at FROM maintenance;

CREATE TRIGGER tell_of_maintenance_does INSTEAD OF INSERT ON tell_of_maintenance BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id, NEW.id, NEW.told_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT NEW.kind, renter_id, node_id, slice_number, id, NEW.id, NEW.told_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended'
     ORDER BY id;
END;

CREATE TRIGGER maintenance_is_announced AFTER INSERT ON maintenance BEGIN
    INSERT INTO tell_of_maintenance (kind, id, node_id, told_at)
    VALUES ('maintenance-announced', NEW.id, NEW.node_id, NEW.announced_at);
END;

CREATE TRIGGER maintenance_is_cancelled AFTER UPDATE OF cancelled_at ON maintenance
  WHEN OLD.cancelled_at IS NULL AND NEW.cancelled_at IS NOT NULL
BEGIN
    INSERT INTO tell_of_maintenance (kind, id, node_id, told_at)
    VALUES ('maintenance-cancelled', NEW.id, NEW.node_id, NEW.cancelled_at);
END;

-- Nobody is reminded of what is over.
CREATE TRIGGER maintenance_is_due AFTER UPDATE OF reminded_at ON maintenance
  WHEN OLD.reminded_at IS NULL AND NEW.reminded_at < NEW.ends_at
BEGIN
    INSERT INTO tell_of_maintenance (kind, id, node_id, told_at)
    VALUES ('maintenance-due', NEW.id, NEW.node_id, NEW.reminded_at);
END;
