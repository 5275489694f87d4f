-- Renting, from the quote to the last day.

-- What an account was quoted. The document is the quote, word for word.
CREATE TABLE quotes (
    id         TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    document   TEXT    NOT NULL,
    -- Over the document; NULL where the operator has set no key.
    signature  TEXT,
    -- What it is about, for the commands: a JSON array of objects with `node` and `slice`.
    items      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
               CONSTRAINT quote_expires_after_creation CHECK (expires_at > created_at),
    -- Until when it holds its slices; NULL where it holds none, or none any more.
    held_until INTEGER,
    used_at    INTEGER
               CONSTRAINT quote_used_holds_nothing CHECK (used_at IS NULL OR held_until IS NULL)
) STRICT;

CREATE INDEX quotes_by_account ON quotes (account_id, id);

CREATE INDEX quotes_by_hold ON quotes (held_until) WHERE held_until IS NOT NULL;

CREATE INDEX quotes_by_end ON quotes (expires_at) WHERE used_at IS NULL;

-- What an account asked for and paid: one rental or several, or an extension.
CREATE TABLE orders (
    id           TEXT    PRIMARY KEY,
    account_id   TEXT    NOT NULL REFERENCES accounts (id),
    kind         TEXT    NOT NULL
                 CONSTRAINT order_kind_is_known CHECK (kind IN ('rental', 'extension', 'import')),
    total_micros INTEGER NOT NULL CONSTRAINT order_total_not_negative CHECK (total_micros >= 0),
    -- The token that asked, where one did.
    token_id     TEXT,
    quote_id     TEXT    UNIQUE REFERENCES quotes (id),
    created_at   INTEGER NOT NULL
) STRICT;

-- Who holds which slice, since when and until when. A whole node is one rental of all its slices.
CREATE TABLE rentals (
    id                  TEXT    PRIMARY KEY,
    order_id            TEXT    NOT NULL REFERENCES orders (id),
    node_id             INTEGER NOT NULL REFERENCES nodes (id),
    -- NULL for the whole node.
    slice_number        INTEGER,
    -- How many slices are paid for.
    slices              INTEGER NOT NULL
                        CONSTRAINT rental_slices_in_range CHECK (slices BETWEEN 1 AND 512),
    renter_id           TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id           TEXT    NOT NULL REFERENCES accounts (id),
    -- `grace`: the term is over, and only the renter can take the slice again.
    state               TEXT    NOT NULL
                        CONSTRAINT rental_state_is_known
                        CHECK (state IN ('active', 'grace', 'ended')),
    -- Counts the changes of state, money and renter: who saves one names the version that it saw.
    version             INTEGER NOT NULL DEFAULT 1,
    -- Per slice and month, and until when an extension costs that.
    price_micros        INTEGER NOT NULL CONSTRAINT rental_price_positive CHECK (price_micros > 0),
    price_until         INTEGER NOT NULL,
    -- The SLA commitment as sold.
    min_uptime          INTEGER NOT NULL,
    min_bandwidth_mbps  INTEGER NOT NULL,
    started_at          INTEGER NOT NULL,
    ends_at             INTEGER NOT NULL
                        CONSTRAINT rental_ends_after_start CHECK (ends_at > started_at),
    ended_at            INTEGER
                        CONSTRAINT rental_ended_has_date
                        CHECK ((ended_at IS NOT NULL) = (state = 'ended')),
    -- When the next part of the escrow is earned; NULL where nothing is left.
    earns_at            INTEGER,
    -- The renter's own.
    name                TEXT    NOT NULL DEFAULT ''
                        CONSTRAINT rental_name_length_in_range CHECK (length(name) <= 80),
    labels              TEXT    NOT NULL DEFAULT '[]',
    -- For how many months it is extended by itself, NULL for not at all, and for at most how much
    -- per slice and month.
    renew_months        INTEGER
                        CONSTRAINT rental_renew_months_is_term
                        CHECK (renew_months IN (1, 3, 6, 12)),
    renew_max_micros    INTEGER
                        CONSTRAINT rental_renewal_has_maximum
                        CHECK ((renew_max_micros IS NULL) = (renew_months IS NULL)),
    CONSTRAINT rental_not_by_farmer CHECK (renter_id <> farmer_id),
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number)
) STRICT;

-- A slice is held by one renter at a time, whatever the code above does.
CREATE UNIQUE INDEX rentals_one_live_per_slice ON rentals (node_id, slice_number)
 WHERE state <> 'ended';

CREATE UNIQUE INDEX rentals_one_live_per_whole_node ON rentals (node_id)
 WHERE state <> 'ended' AND slice_number IS NULL;

CREATE INDEX rentals_by_node ON rentals (node_id, id);

CREATE INDEX rentals_by_order ON rentals (order_id, id);

CREATE INDEX rentals_by_renter ON rentals (renter_id, id);

CREATE INDEX rentals_live_by_renter ON rentals (renter_id) WHERE state <> 'ended';

CREATE INDEX rentals_by_farmer ON rentals (farmer_id) WHERE state <> 'ended';

CREATE INDEX rentals_by_end ON rentals (state, ends_at) WHERE state <> 'ended';

CREATE INDEX rentals_by_earning ON rentals (earns_at) WHERE earns_at IS NOT NULL;

CREATE INDEX rentals_by_renewal ON rentals (ends_at)
 WHERE renew_months IS NOT NULL AND state <> 'ended';

CREATE INDEX rentals_ended_by_slice ON rentals (node_id, slice_number, ended_at)
 WHERE state = 'ended';

-- The terms of a rental, one after the other, each paid in advance.
CREATE TABLE rental_periods (
    rental_id       TEXT    NOT NULL REFERENCES rentals (id),
    number          INTEGER NOT NULL CONSTRAINT rental_period_number_positive CHECK (number >= 1),
    order_id        TEXT    NOT NULL REFERENCES orders (id),
    payer_id        TEXT    NOT NULL REFERENCES accounts (id),
    months          INTEGER NOT NULL
                    CONSTRAINT rental_period_months_in_range CHECK (months BETWEEN 1 AND 120),
    -- Per slice and month.
    price_micros    INTEGER NOT NULL
                    CONSTRAINT rental_period_price_positive CHECK (price_micros > 0),
    -- What was charged, what of it the platform keeps once all is earned, and what became of it.
    -- Nothing is charged for what was rented before there were slices.
    total_micros    INTEGER NOT NULL
                    CONSTRAINT rental_period_total_not_negative CHECK (total_micros >= 0),
    fee_micros      INTEGER NOT NULL
                    CONSTRAINT rental_period_fee_at_most_total
                    CHECK (fee_micros BETWEEN 0 AND total_micros),
    earned_micros   INTEGER NOT NULL DEFAULT 0
                    CONSTRAINT rental_period_earned_not_negative CHECK (earned_micros >= 0),
    refunded_micros INTEGER NOT NULL DEFAULT 0
                    CONSTRAINT rental_period_refunded_not_negative CHECK (refunded_micros >= 0),
    starts_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL
                    CONSTRAINT rental_period_ends_after_start CHECK (ends_at > starts_at),
    PRIMARY KEY (rental_id, number),
    CONSTRAINT rental_period_pays_out_at_most_total
        CHECK (earned_micros + refunded_micros <= total_micros)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_periods_by_order ON rental_periods (order_id);

-- An offer to somebody else to take a rental over.
CREATE TABLE transfers (
    rental_id  TEXT    PRIMARY KEY REFERENCES rentals (id),
    -- Whoever has this address may take it.
    email      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
               CONSTRAINT transfer_expires_after_creation CHECK (expires_at > created_at)
) STRICT;

CREATE INDEX transfers_by_email ON transfers (email, rental_id);

-- What the renter was reminded of: each once for each end.
CREATE TABLE reminders (
    rental_id TEXT    NOT NULL REFERENCES rentals (id),
    ends_at   INTEGER NOT NULL,
    -- How many days before the end.
    days      INTEGER NOT NULL,
    sent_at   INTEGER NOT NULL,
    PRIMARY KEY (rental_id, ends_at, days)
) STRICT, WITHOUT ROWID;

-- What a rental's machine starts with: copies, so that a key that is removed from an account stays
-- where it was put.
CREATE TABLE setups (
    rental_id        TEXT    PRIMARY KEY REFERENCES rentals (id),
    ssh_key          TEXT,
    template         TEXT,
    template_version INTEGER
                     CONSTRAINT setup_template_has_version
                     CHECK ((template_version IS NULL) = (template IS NULL)),
    -- The renter's own user data, encrypted.
    sealed           BLOB,
    CONSTRAINT setup_template_or_user_data CHECK (template IS NULL OR sealed IS NULL)
) STRICT;

-- What agents do: a machine is made on one slice of a rental, or removed. The states and what leads
-- from one to another are in `domain::provisioning`.
CREATE TABLE jobs (
    -- Such as `<rental>_32_7_create`: of the rental, the node, the slice and the kind.
    id           TEXT    PRIMARY KEY,
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    node_id      INTEGER NOT NULL,
    slice_number INTEGER NOT NULL,
    kind         TEXT    NOT NULL CONSTRAINT job_kind_is_known CHECK (kind IN ('create', 'remove')),
    state        TEXT    NOT NULL CONSTRAINT job_state_is_known CHECK (state IN (
                     'needs-key', 'waiting', 'leased', 'done', 'failed', 'refunded', 'canceled')),
    -- Whose farm it is done on.
    farmer_id    TEXT    NOT NULL REFERENCES accounts (id),
    farm_id      INTEGER NOT NULL,
    -- Counts its leases, and goes on from that of the job before it on the slice.
    fence        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0
                 CONSTRAINT job_attempts_at_most_fence CHECK (attempts <= fence),
    -- Who has it, or had it last.
    agent        TEXT,
    token_id     TEXT,
    -- When it can be leased next: once its pause or its lease is over.
    due_at       INTEGER NOT NULL,
    -- The last step of the present lease, and when each one was reported: a JSON object.
    step         TEXT
                 CONSTRAINT job_step_is_known
                 CHECK (step IN ('accepted', 'disk', 'booting', 'reachable', 'checked')),
    steps        TEXT    NOT NULL DEFAULT '{}',
    -- Why it failed last, in the agent's words.
    reason       TEXT    CONSTRAINT job_reason_length_in_range CHECK (length(reason) <= 500),
    -- How the machine is reached, encrypted.
    sealed       BLOB
                 CONSTRAINT job_access_only_of_creation CHECK (sealed IS NULL OR kind = 'create'),
    -- When people are notified that it is late, and when they were.
    late_at      INTEGER NOT NULL,
    notified_at  INTEGER,
    -- When everything is refunded; a removal has none.
    refund_at    INTEGER
                 CONSTRAINT job_refund_only_of_creation
                 CHECK ((refund_at IS NOT NULL) = (kind = 'create')),
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number),
    CONSTRAINT job_state_fits_kind
        CHECK (kind = 'create' OR state NOT IN ('needs-key', 'refunded', 'canceled')),
    CONSTRAINT job_leased_has_attempt
        CHECK (state NOT IN ('leased', 'done') OR attempts > 0 OR kind = 'remove'),
    CONSTRAINT job_done_has_access
        CHECK (kind <> 'create' OR (state = 'done') = (sealed IS NOT NULL))
) STRICT;

CREATE INDEX jobs_by_due ON jobs (farmer_id, farm_id, due_at) WHERE state IN ('waiting', 'leased');

CREATE INDEX jobs_by_rental ON jobs (rental_id, slice_number);

CREATE INDEX jobs_by_node ON jobs (node_id) WHERE state NOT IN ('done', 'refunded', 'canceled');

CREATE INDEX jobs_by_lateness ON jobs (late_at)
 WHERE notified_at IS NULL AND state IN ('waiting', 'leased', 'failed');

CREATE INDEX jobs_by_refund ON jobs (refund_at) WHERE state IN ('waiting', 'leased', 'failed');
