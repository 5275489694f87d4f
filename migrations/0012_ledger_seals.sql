-- The seals of the ledger: who changes a booked amount would have to change every later seal.

-- The chain: SHA-256 over the seal before, the transaction and its entries, as in `audit_seals`.
-- The mailer's cron and whoever checks compute it.
CREATE TABLE ledger_seals (
    transaction_id INTEGER PRIMARY KEY REFERENCES ledger_transactions (id),
    hash           BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER ledger_seals_stay BEFORE UPDATE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_seals_are_kept BEFORE DELETE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;
