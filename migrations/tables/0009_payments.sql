-- Money that comes in by card and leaves as payouts, and what farmers earn.

CREATE TABLE top_ups (
    id              TEXT    PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros   INTEGER NOT NULL
                    CONSTRAINT top_up_amount_in_whole_cents
                    CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    state           TEXT    NOT NULL DEFAULT 'pending'
                    CONSTRAINT top_up_state_is_known
                    CHECK (state IN ('pending', 'paid', 'expired', 'refused')),
    -- Who takes the payment, its id of the page to pay on, and where that is.
    provider        TEXT    NOT NULL
                    CONSTRAINT top_up_provider_is_known CHECK (provider IN ('stripe')),
    session_id      TEXT    UNIQUE,
    url             TEXT
                    CONSTRAINT top_up_session_has_url CHECK ((url IS NULL) = (session_id IS NULL)),
    -- Its id of the payment that paid; no payment pays twice.
    payment_id      TEXT    UNIQUE
                    CONSTRAINT top_up_paid_has_payment
                    CHECK ((payment_id IS NULL) = (state <> 'paid')),
    -- Marks the intention: a retry goes on with it while it has no response.
    idempotency_key TEXT,
    created_at      INTEGER NOT NULL,
    paid_at         INTEGER
                    CONSTRAINT top_up_paid_has_date CHECK ((paid_at IS NULL) = (state <> 'paid')),
    UNIQUE (account_id, idempotency_key)
) STRICT;

CREATE INDEX top_ups_by_account ON top_ups (account_id, id);

CREATE INDEX top_ups_waiting ON top_ups (account_id, created_at) WHERE state = 'pending';

-- Payments that have come in and that nothing was credited for: the operator gives them back, or
-- credits them by hand. Kept as the provider named them, for the top-up may not exist.
CREATE TABLE refused_payments (
    payment_id TEXT    NOT NULL,
    top_up_id  TEXT    NOT NULL,
    reason     TEXT    NOT NULL CONSTRAINT refused_payment_reason_is_known CHECK (reason IN (
                   'unknown-top-up', 'other-amount', 'other-currency', 'paid-twice', 'no-owner')),
    -- In the smallest unit of the currency.
    amount     INTEGER NOT NULL CONSTRAINT refused_payment_amount_not_negative CHECK (amount >= 0),
    currency   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, top_up_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_payments_by_time ON refused_payments (created_at, payment_id);

-- Earnings on their way to a farmer. While one is requested or approved, its amount is held in the
-- escrow of its id; once sent, it has left the ledger.
CREATE TABLE payouts (
    id            TEXT    PRIMARY KEY,
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros INTEGER NOT NULL
                  CONSTRAINT payout_amount_in_whole_cents
                  CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    -- Where it is paid to, as it was when it was requested.
    address       TEXT    NOT NULL
                  CONSTRAINT payout_address_length_in_range
                  CHECK (length(address) BETWEEN 1 AND 200),
    state         TEXT    NOT NULL DEFAULT 'requested'
                  CONSTRAINT payout_state_is_known
                  CHECK (state IN ('requested', 'approved', 'sent', 'done', 'failed',
                                   'canceled')),
    -- Counts the changes of state: who saves one names the version that it saw.
    version       INTEGER NOT NULL DEFAULT 1,
    -- What the operator calls the transfer.
    reference     TEXT
                  CONSTRAINT payout_sent_has_reference
                  CHECK (state NOT IN ('sent', 'done') OR reference IS NOT NULL),
    -- Why it failed.
    note          TEXT
                  CONSTRAINT payout_failed_has_note
                  CHECK ((note IS NOT NULL) = (state = 'failed')),
    requested_at  INTEGER NOT NULL,
    approved_at   INTEGER,
    sent_at       INTEGER
                  CONSTRAINT payout_sent_has_date
                  CHECK (state NOT IN ('sent', 'done') OR sent_at IS NOT NULL),
    finished_at   INTEGER
                  CONSTRAINT payout_finished_has_date
                  CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'canceled')))
) STRICT;

CREATE INDEX payouts_by_account ON payouts (account_id, id);

CREATE INDEX payouts_by_state ON payouts (state, id);

CREATE INDEX payouts_open ON payouts (account_id) WHERE state IN ('requested', 'approved', 'sent');

-- What a farmer has earned with a node in a month of UTC, such as `2026-11`, and what of it went to
-- renters for missed SLA commitments. Kept by a trigger in the statement that books.
CREATE TABLE farm_months (
    farmer_id       TEXT    NOT NULL REFERENCES accounts (id),
    month           TEXT    NOT NULL
                    CONSTRAINT farm_month_month_is_month
                    CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    node_id         INTEGER NOT NULL REFERENCES nodes (id),
    earned_micros   INTEGER NOT NULL
                    CONSTRAINT farm_month_earned_not_negative CHECK (earned_micros >= 0),
    credited_micros INTEGER NOT NULL
                    CONSTRAINT farm_month_credited_not_negative CHECK (credited_micros >= 0),
    PRIMARY KEY (farmer_id, month, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX farm_months_by_node ON farm_months (node_id, month);

-- What a farmer has earned on a day of UTC, such as `2026-11-22`, with all nodes.
CREATE TABLE farm_days (
    farmer_id     TEXT    NOT NULL REFERENCES accounts (id),
    day           TEXT    NOT NULL
                  CONSTRAINT farm_day_day_is_day
                  CHECK (day GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    earned_micros INTEGER NOT NULL
                  CONSTRAINT farm_day_earned_not_negative CHECK (earned_micros >= 0),
    PRIMARY KEY (farmer_id, day)
) STRICT, WITHOUT ROWID;
