-- Money: double entry, in whole micro-dollars, append-only.

-- Where money is. `owner_id` is an account for `wallet` and `earnings`, a rental for `escrow`, and
-- empty for `funding` (what came in from outside, so it is negative) and `platform` (the fees).
CREATE TABLE ledger_accounts (
    id             INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL
                   CHECK (kind IN ('funding', 'wallet', 'escrow', 'earnings', 'platform')),
    owner_id       TEXT    NOT NULL,
    balance_micros INTEGER NOT NULL DEFAULT 0
                   CONSTRAINT no_negative_balance CHECK (kind = 'funding' OR balance_micros >= 0),
    UNIQUE (kind, owner_id)
) STRICT;

-- Why money moved. `reference` makes each reason happen once: a rental's id, or the key of a
-- credit.
CREATE TABLE ledger_transactions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT    NOT NULL CHECK (kind IN ('credit', 'rental', 'settlement')),
    reference  TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, reference)
) STRICT;

-- How money moved: the entries of a transaction sum to zero.
CREATE TABLE ledger_entries (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    transaction_id       INTEGER NOT NULL REFERENCES ledger_transactions (id),
    amount_micros        INTEGER NOT NULL CHECK (amount_micros <> 0),
    balance_after_micros INTEGER NOT NULL,
    PRIMARY KEY (ledger_account_id, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id);

CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_entries_are_kept BEFORE DELETE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_transactions_stay BEFORE UPDATE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_transactions_are_kept BEFORE DELETE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- Command, used by the other commands: posts one entry of a transaction, and moves the balance.
CREATE VIEW post_entry AS
    SELECT t.kind AS transaction_kind, t.reference, a.kind, a.owner_id, e.amount_micros
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id;

CREATE TRIGGER post_entry_does INSTEAD OF INSERT ON post_entry BEGIN
    INSERT INTO ledger_accounts (kind, owner_id) VALUES (NEW.kind, NEW.owner_id)
        ON CONFLICT (kind, owner_id) DO NOTHING;
    UPDATE ledger_accounts SET balance_micros = balance_micros + NEW.amount_micros
     WHERE kind = NEW.kind AND owner_id = NEW.owner_id;
    INSERT INTO ledger_entries
           (ledger_account_id, transaction_id, amount_micros, balance_after_micros)
    SELECT a.id, t.id, NEW.amount_micros, a.balance_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.kind = NEW.kind AND a.owner_id = NEW.owner_id
       AND t.kind = NEW.transaction_kind AND t.reference = NEW.reference;
    SELECT RAISE(ABORT, 'no such transaction') WHERE changes() = 0;
END;

-- What happened, for people and programs that follow it. `renter_id` and `farmer_id` are who may
-- see it.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL CHECK (kind IN (
                     'wallet-credited', 'node-registered', 'node-published', 'node-paused',
                     'offer-changed', 'slice-rented', 'rental-ended')),
    renter_id    TEXT    REFERENCES accounts (id),
    farmer_id    TEXT    REFERENCES accounts (id),
    node_id      INTEGER,
    slice_number INTEGER,
    rental_id    TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX events_by_rental ON events (rental_id, id) WHERE rental_id IS NOT NULL;

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- Command: credits a wallet with money from outside. A second credit of the same key fails.
CREATE VIEW credit_wallet AS
    SELECT t.reference AS key, a.owner_id AS account_id, e.amount_micros, t.reason, t.created_at
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'credit'
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet';

CREATE TRIGGER credit_wallet_does INSTEAD OF INSERT ON credit_wallet BEGIN
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', NEW.key, NEW.reason, NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('credit', NEW.key, 'funding', '', -NEW.amount_micros),
           ('credit', NEW.key, 'wallet', NEW.account_id, NEW.amount_micros);
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.created_at);
END;
