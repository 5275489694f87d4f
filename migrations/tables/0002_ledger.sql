-- Money: double entry, in whole micro-dollars, append-only and chained by hashes.

CREATE TABLE ledger_kinds (kind TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

INSERT INTO ledger_kinds (kind)
VALUES ('credit'), ('rental'), ('extension'), ('earning'), ('refund'), ('settlement'),
       ('sla-credit'), ('payout-request'), ('payout-send'), ('payout-return'), ('sla-correction');

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
                   CHECK (kind = 'funding' OR balance_micros >= 0),
    UNIQUE (kind, owner_id)
) STRICT;

-- Why money moved. `reference` makes each reason happen once: a rental's id, an order's, or the key
-- of a credit. `rental_id` is the rental that it was about.
CREATE TABLE ledger_transactions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL REFERENCES ledger_kinds (kind),
    reference  TEXT    NOT NULL,
    rental_id  TEXT,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, reference)
) STRICT;

CREATE INDEX ledger_transactions_by_rental ON ledger_transactions (rental_id, id)
 WHERE rental_id IS NOT NULL;

CREATE TABLE ledger_entries (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    transaction_id       INTEGER NOT NULL REFERENCES ledger_transactions (id),
    amount_micros        INTEGER NOT NULL
                         CONSTRAINT ledger_entry_moves_money CHECK (amount_micros <> 0),
    balance_after_micros INTEGER NOT NULL,
    PRIMARY KEY (ledger_account_id, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id);

-- The chain: SHA-256 over the seal before, the transaction and its entries, as in `audit_seals`.
-- A job of `clock` and whoever checks compute it.
CREATE TABLE ledger_seals (
    transaction_id INTEGER PRIMARY KEY REFERENCES ledger_transactions (id),
    hash           BLOB    NOT NULL CONSTRAINT ledger_seal_hash_is_sha256 CHECK (length(hash) = 32)
) STRICT;

-- The first entry of each month that has one. A month holds the transactions from its first to the
-- one before the next month's first, so that statements join whatever a clock has said: an entry
-- of a clock that lags behind is in the month that had begun already. Months are of UTC, such as
-- `2026-11`.
CREATE TABLE ledger_months (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    month                TEXT    NOT NULL
                         CONSTRAINT ledger_month_month_is_month
                         CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    first_transaction_id INTEGER NOT NULL REFERENCES ledger_transactions (id),
    PRIMARY KEY (ledger_account_id, month)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_months_by_transaction ON ledger_months (first_transaction_id);
