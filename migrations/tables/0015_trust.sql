-- What nobody may lose by somebody else's mistake.

-- Since when the grid does not list a verified farm; NULL where it does.
ALTER TABLE farms ADD COLUMN missing_since INTEGER;

-- Farms that an account had verified, and that the grid said were another's or were gone. Where it
-- takes that back within 30 days, the account has them again.
CREATE TABLE lost_farms (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    twin_id      INTEGER NOT NULL,
    twin_account TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL REFERENCES accounts (id),
    verified_by  TEXT    NOT NULL,
    lost_at      INTEGER NOT NULL,
    -- When the grid was last asked whether it still says so.
    checked_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX lost_farms_by_check ON lost_farms (checked_at);

CREATE INDEX lost_farms_by_age ON lost_farms (lost_at);

CREATE INDEX lost_farms_by_owner ON lost_farms (owner_id);

-- Since when `payout_address` is what it is; NULL where it was set before this was noted. Payouts
-- wait for a while after that.
ALTER TABLE accounts ADD COLUMN payout_changed_at INTEGER;

-- Which looks at a rental's access are in the audit log: one of each hour is enough.
CREATE INDEX audit_by_view ON audit (account_id, subject, id) WHERE action = 'access-viewed';

-- What a renewal that a token with a ceiling has set counts against: the token, and what one
-- renewal costs at most. NULL where no ceiling binds whoever set it.
ALTER TABLE rentals ADD COLUMN renew_token_id TEXT
    CONSTRAINT rental_renew_token_renews
    CHECK (renew_token_id IS NULL OR renew_months IS NOT NULL);

ALTER TABLE rentals ADD COLUMN renew_most_micros INTEGER
    CONSTRAINT rental_renew_token_has_most
    CHECK ((renew_most_micros IS NULL) = (renew_token_id IS NULL));

CREATE INDEX rentals_by_renewal_token ON rentals (renew_token_id)
 WHERE renew_token_id IS NOT NULL AND state <> 'ended';

-- How often an account has held a slice of late.
CREATE INDEX quotes_unused ON quotes (account_id, expires_at) WHERE used_at IS NULL;

-- The token with a ceiling that made the offer: what is paid ahead counts against it once somebody
-- takes the rental.
ALTER TABLE transfers ADD COLUMN token_id TEXT;

-- A wallet can be below zero by a payment that was taken back, and of all money it is known until
-- when it may be. A CHECK is changed by a new table only.
PRAGMA defer_foreign_keys = 1;

CREATE TABLE ledger_accounts_before AS SELECT * FROM ledger_accounts;

DROP TABLE ledger_accounts;

-- Where money is. `owner_id` is an account for `wallet` and `earnings`, a rental for `escrow`, and
-- empty for `funding` (what came in from outside, so it is negative) and `platform` (the fees).
CREATE TABLE ledger_accounts (
    id             INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL
                   CONSTRAINT ledger_account_kind_is_known
                   CHECK (kind IN ('funding', 'wallet', 'escrow', 'earnings', 'platform')),
    owner_id       TEXT    NOT NULL,
    balance_micros INTEGER NOT NULL DEFAULT 0
                   CONSTRAINT balance_never_negative
                   CHECK (kind = 'funding' OR balance_micros >= -owed_micros),
    -- How far it is below zero, which only a payment by card that was taken back can make it.
    owed_micros    INTEGER NOT NULL DEFAULT 0
                   CONSTRAINT owed_by_wallets_only
                   CHECK (owed_micros >= 0 AND (owed_micros = 0 OR kind = 'wallet')),
    -- Until when some of it may be taken back, because it came by card; 0 where it never did.
    settles_at     INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, owner_id)
) STRICT;

INSERT INTO ledger_accounts (id, kind, owner_id, balance_micros)
SELECT id, kind, owner_id, balance_micros FROM ledger_accounts_before;

DROP TABLE ledger_accounts_before;

INSERT INTO ledger_kinds (kind) VALUES ('card-reversal');

-- What farmers have earned with money that may be taken back, by the moment until when.
CREATE TABLE unsettled_earnings (
    owner_id   TEXT    NOT NULL REFERENCES accounts (id),
    settles_at INTEGER NOT NULL,
    micros     INTEGER NOT NULL CONSTRAINT unsettled_earnings_positive CHECK (micros > 0),
    PRIMARY KEY (owner_id, settles_at)
) STRICT, WITHOUT ROWID;

-- What is gone of a top-up, because its payment was taken back.
CREATE TABLE top_up_reversals (
    top_up_id TEXT    PRIMARY KEY REFERENCES top_ups (id),
    -- How many bookings that has made.
    bookings  INTEGER NOT NULL
              CONSTRAINT top_up_reversal_is_booked CHECK (bookings > 0),
    micros    INTEGER NOT NULL
              CONSTRAINT top_up_reversal_not_negative CHECK (micros >= 0)
) STRICT, WITHOUT ROWID;

-- What a provider says was taken back of payments: of each by refunds in all, and by each dispute.
-- Kept as the provider named them, for the payment may be told of later.
CREATE TABLE card_reversals (
    payment_id  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL CONSTRAINT card_reversal_kind_is_known
                CHECK (kind IN ('refund', 'dispute')),
    -- How far it is: what is told with a lower one is of earlier.
    stage       INTEGER NOT NULL,
    -- What is gone by it, and of how much where that is told, in the smallest unit of the currency.
    amount      INTEGER NOT NULL
                CONSTRAINT card_reversal_amount_not_negative CHECK (amount >= 0),
    of_amount   INTEGER,
    currency    TEXT    NOT NULL,
    -- As the provider calls it.
    status      TEXT    NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX card_reversals_by_time ON card_reversals (reported_at, payment_id);
