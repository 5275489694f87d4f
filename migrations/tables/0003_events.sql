-- What happened, and who did what: append-only.

-- Every kind of event, and whom it may concern. The rows are those of `EventKind`: each upgrade
-- writes them.
CREATE TABLE event_kinds (
    kind       TEXT    PRIMARY KEY,
    for_renter INTEGER NOT NULL
               CONSTRAINT event_kind_for_renter_is_flag CHECK (for_renter IN (0, 1)),
    for_farmer INTEGER NOT NULL
               CONSTRAINT event_kind_for_farmer_is_flag CHECK (for_farmer IN (0, 1))
) STRICT, WITHOUT ROWID;

-- What happened, for people and programs that follow it. `renter_id` and `farmer_id` are who may
-- see it.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL REFERENCES event_kinds (kind),
    renter_id    TEXT    REFERENCES accounts (id),
    farmer_id    TEXT    REFERENCES accounts (id),
    node_id      INTEGER,
    slice_number INTEGER,
    rental_id    TEXT,
    created_at   INTEGER NOT NULL,
    -- What else it is about: a farm, a payout, a maintenance window.
    subject      TEXT
) STRICT;

CREATE INDEX events_by_rental ON events (rental_id, id) WHERE rental_id IS NOT NULL;

CREATE INDEX events_by_renter ON events (renter_id, id) WHERE renter_id IS NOT NULL;

CREATE INDEX events_by_farmer ON events (farmer_id, id) WHERE farmer_id IS NOT NULL;

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What was done, such as `sign-in` or `slice-rented`.
    action     TEXT    NOT NULL,
    -- How it was asked for.
    actor      TEXT    NOT NULL CONSTRAINT audit_entry_actor_is_known CHECK (actor IN (
                   'visitor', 'account', 'token', 'operator', 'market')),
    -- The account or token that asked; empty for a visitor and the bootstrap operator.
    actor_id   TEXT    NOT NULL DEFAULT '',
    -- Whom it concerns, and who may read it.
    account_id TEXT,
    -- What it was done to, such as a rental's id.
    subject    TEXT    NOT NULL DEFAULT '',
    -- From where.
    address    TEXT    NOT NULL DEFAULT '',
    request_id TEXT    NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_by_account ON audit (account_id, id);

-- The chain: SHA-256 over the seal before and the row. SQL has no such function, so that a
-- job of `clock` and whoever checks compute it.
CREATE TABLE audit_seals (
    audit_id INTEGER PRIMARY KEY REFERENCES audit (id),
    hash     BLOB    NOT NULL CONSTRAINT audit_seal_hash_is_sha256 CHECK (length(hash) = 32)
) STRICT;
