-- Farms, nodes and the slices that they are cut into.

-- The farms whose owner is verified: one owner each. Without verification there is no row.
CREATE TABLE farms (
    -- The grid's number.
    id           INTEGER PRIMARY KEY
                 CONSTRAINT farm_id_in_range CHECK (id BETWEEN 1 AND 4294967295),
    name         TEXT    NOT NULL CONSTRAINT farm_name_length_in_range CHECK (length(name) <= 80),
    -- Whose it is on the grid: the twin, and the account of the chain that the twin belongs to.
    twin_id      INTEGER NOT NULL
                 CONSTRAINT farm_twin_id_in_range CHECK (twin_id BETWEEN 1 AND 4294967295),
    twin_account TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL REFERENCES accounts (id),
    -- By a signature of that account, or by the operator's word.
    verified_by  TEXT    NOT NULL
                 CONSTRAINT farm_verification_is_known
                 CHECK (verified_by IN ('signature', 'operator')),
    verified_at  INTEGER NOT NULL,
    -- When the grid was last asked whether it still belongs to that twin.
    checked_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX farms_by_owner ON farms (owner_id, id);

CREATE INDEX farms_by_twin ON farms (twin_id);

CREATE INDEX farms_by_check ON farms (checked_at);

-- Who asks for the jobs of a farm, by the farmer's token.
CREATE TABLE agents (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    name       TEXT    NOT NULL
               CONSTRAINT agent_name_length_in_range CHECK (length(name) BETWEEN 1 AND 64),
    -- When it last asked, to the minute.
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (account_id, farm_id, name)
) STRICT, WITHOUT ROWID;

-- Nodes: what their farmers offer, and what the grid reports of them.
CREATE TABLE nodes (
    -- The grid's number.
    id                 INTEGER PRIMARY KEY
                       CONSTRAINT node_id_in_range CHECK (id BETWEEN 1 AND 4294967295),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    name               TEXT    NOT NULL
                       CONSTRAINT node_name_length_in_range CHECK (length(name) BETWEEN 1 AND 80),
    created_at         INTEGER NOT NULL,

    -- The offer. Each change of it counts `offer_version` up.
    listing            TEXT    NOT NULL DEFAULT 'draft'
                       CONSTRAINT node_listing_is_known
                       CHECK (listing IN ('draft', 'published', 'paused')),
    offer_version      INTEGER NOT NULL DEFAULT 1,
    offer_changed_at   INTEGER NOT NULL,
    -- Per slice and month.
    price_micros       INTEGER CONSTRAINT node_price_positive CHECK (price_micros > 0),
    -- The SLA commitment: hundredths of a percent, and Mbit/s.
    min_uptime         INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_min_uptime_in_range CHECK (min_uptime BETWEEN 0 AND 10000),
    min_bandwidth_mbps INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_min_bandwidth_mbps_not_negative
                       CHECK (min_bandwidth_mbps >= 0),

    -- The grid's last report.
    farm_id            INTEGER NOT NULL,
    farm_name          TEXT    NOT NULL,
    country            TEXT    NOT NULL COLLATE NOCASE,
    city               TEXT    NOT NULL,
    status             TEXT    NOT NULL
                       CONSTRAINT node_status_is_known CHECK (status IN ('up', 'down', 'standby')),
    healthy            INTEGER CONSTRAINT node_healthy_is_flag CHECK (healthy IN (0, 1)),
    certified          INTEGER NOT NULL
                       CONSTRAINT node_certified_is_flag CHECK (certified IN (0, 1)),
    upload_mbps        INTEGER,
    download_mbps      INTEGER,
    reported_at        INTEGER NOT NULL,
    synced_at          INTEGER NOT NULL,

    -- What the report allows: slices in all and by each resource, and the reason where it is none.
    capacity           INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_capacity_in_range CHECK (capacity BETWEEN 0 AND 512),
    by_cpu             INTEGER NOT NULL,
    by_memory          INTEGER NOT NULL,
    by_ssd             INTEGER NOT NULL,
    refusal            TEXT,

    -- Measured uptime: the number of observations, and of those that found the node up.
    observed           INTEGER NOT NULL DEFAULT 0,
    observed_up        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_observed_up_at_most_observed CHECK (observed_up <= observed),

    -- Counts of its slices, kept by the triggers on `slices`.
    available_slices   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_available_slices_not_negative CHECK (available_slices >= 0),
    allocated_slices   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_allocated_slices_not_negative CHECK (allocated_slices >= 0),
    -- Slices that a quote holds.
    reserved_slices    INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_reserved_slices_not_negative CHECK (reserved_slices >= 0),

    -- The rental of the whole node.
    whole_rental_id    TEXT,
    -- The terms that are offered: a sum of 1 for a month, 2 for three, 4 for six and 8 for twelve.
    terms              INTEGER NOT NULL DEFAULT 15
                       CONSTRAINT node_terms_in_range CHECK (terms BETWEEN 1 AND 15),
    -- How many slices the farmer does not offer, of those that the node could carry.
    kept_slices        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_kept_slices_in_range CHECK (kept_slices BETWEEN 0 AND 512),
    -- The price from `pending_price_at` on: a raise waits while anything on the node is rented or
    -- held.
    pending_price_micros INTEGER
                         CONSTRAINT node_pending_price_is_raise
                         CHECK (pending_price_micros > price_micros),
    pending_price_at   INTEGER
                       CONSTRAINT node_pending_price_has_date
                       CHECK ((pending_price_at IS NULL) = (pending_price_micros IS NULL)),
    -- Who has locked the offer; NULL where it can be changed. The operator says why.
    locked_by          TEXT
                       CONSTRAINT node_locked_by_is_known
                       CHECK (locked_by IN ('farmer', 'operator')),
    lock_reason        TEXT
                       CONSTRAINT node_lock_reason_from_operator CHECK (lock_reason IS NULL
                              OR (locked_by IS 'operator' AND length(lock_reason) <= 200)),
    lock_changed_at    INTEGER NOT NULL DEFAULT 0,
    -- When the node leaves the market; NULL where it stays. It is off the market from the notice
    -- on.
    leaves_at          INTEGER
                       CONSTRAINT node_leaving_not_published
                       CHECK (leaves_at IS NULL OR listing <> 'published'),
    -- When it has left: nothing of it is rented, held or free any more.
    left_at            INTEGER
                       CONSTRAINT node_left_after_notice CHECK (left_at IS NULL
                              OR (leaves_at IS NOT NULL AND left_at >= leaves_at)),
    -- How many slices more are rented than the node can carry, by its last report.
    oversold           INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_oversold_in_range CHECK (oversold BETWEEN 0 AND 512),
    -- The uptime that the node has at least, by everything that was observed, in hundredths of a
    -- percent: the lower bound of `domain::confidence`. A job updates it, a page of nodes at a
    -- time.
    proven_uptime      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_proven_uptime_in_range
                       CHECK (proven_uptime BETWEEN 0 AND 10000),
    -- The sort key of the market: lower bound of the uptime and, among equals, committed uptime.
    uptime_rank        INTEGER
                       GENERATED ALWAYS AS (proven_uptime * 10001 + min_uptime) VIRTUAL,

    CONSTRAINT node_published_with_price CHECK (listing = 'draft' OR price_micros IS NOT NULL)
) STRICT;

CREATE INDEX nodes_by_farmer ON nodes (farmer_id, id);

-- The market reads one row for each node that has something to offer.
CREATE INDEX nodes_by_price ON nodes (price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_country ON nodes (country, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_farm ON nodes (farm_id, id);

CREATE INDEX nodes_by_raise ON nodes (pending_price_at) WHERE pending_price_at IS NOT NULL;

CREATE INDEX nodes_by_leaving ON nodes (leaves_at)
 WHERE leaves_at IS NOT NULL AND left_at IS NULL;

-- A comparison reads the nodes that are on the market or rented, by certification and place.
CREATE INDEX nodes_by_kind ON nodes (certified, country, id)
 WHERE price_micros IS NOT NULL AND (listing = 'published' OR allocated_slices > 0);

CREATE INDEX nodes_by_oversold ON nodes (id) WHERE oversold > 0;

CREATE INDEX nodes_by_uptime ON nodes (uptime_rank DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

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

-- When a node is worked on: announced a day ahead, for eight hours at most.
CREATE TABLE maintenance (
    id           TEXT    PRIMARY KEY,
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    starts_at    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL
                 CONSTRAINT maintenance_length_in_range
                 CHECK (ends_at - starts_at BETWEEN 60 AND 28800),
    note         TEXT    NOT NULL
                 CONSTRAINT maintenance_note_length_in_range CHECK (length(note) <= 200),
    announced_at INTEGER NOT NULL
                 CONSTRAINT maintenance_announced_ahead CHECK (starts_at - announced_at >= 86400),
    canceled_at INTEGER,
    -- When farmer and renters were reminded of it.
    reminded_at  INTEGER
) STRICT;

CREATE INDEX maintenance_by_node ON maintenance (node_id, starts_at, id);

CREATE INDEX maintenance_by_reminder ON maintenance (starts_at)
 WHERE canceled_at IS NULL AND reminded_at IS NULL;

-- A slice is what at most one rental or one quote holds: it points to its holder.
CREATE TABLE slices (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    number     INTEGER NOT NULL CONSTRAINT slice_number_in_range CHECK (number BETWEEN 1 AND 512),
    state      TEXT    NOT NULL
               CONSTRAINT slice_state_is_known
               CHECK (state IN ('available', 'reserved', 'allocated', 'retired')),
    rental_id  TEXT    REFERENCES rentals (id),
    quote_id   TEXT    REFERENCES quotes (id),
    -- A slice that still has the machine of an ended rental on it is not offered, and takes its
    -- place on the node until the machine is gone.
    removing_job TEXT  REFERENCES jobs (id)
               CONSTRAINT slice_removal_only_without_holder
               CHECK (removing_job IS NULL OR state IN ('available', 'retired')),
    PRIMARY KEY (node_id, number),
    CONSTRAINT slice_allocated_to_rental CHECK ((state = 'allocated') = (rental_id IS NOT NULL)),
    CONSTRAINT slice_reserved_by_quote CHECK ((state = 'reserved') = (quote_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX slices_by_state ON slices (node_id, state, number);

CREATE INDEX slices_by_rental ON slices (rental_id) WHERE rental_id IS NOT NULL;

CREATE INDEX slices_by_quote ON slices (quote_id) WHERE quote_id IS NOT NULL;

CREATE INDEX slices_by_removal ON slices (removing_job) WHERE removing_job IS NOT NULL;

-- The numbers 1 to 512, from which new slices are made.
CREATE TABLE slice_numbers (number INTEGER PRIMARY KEY) STRICT;

INSERT INTO slice_numbers
WITH RECURSIVE n (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < 512)
SELECT number FROM n;
