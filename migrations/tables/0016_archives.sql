-- Rows of closed years that are in files of the operator's.

-- Which rows of a chain are in a file: those from `first_id` to `until_id`. They follow those of
-- the file before, and only they may be removed.
CREATE TABLE archives (
    chain       TEXT    NOT NULL
                CONSTRAINT archive_chain_is_known
                CHECK (chain IN ('audit', 'events', 'ledger')),
    first_id    INTEGER NOT NULL CONSTRAINT archive_first_id_positive CHECK (first_id > 0),
    until_id    INTEGER NOT NULL
                CONSTRAINT archive_until_follows_first CHECK (until_id >= first_id),
    -- Every row of the file is from before then: the first second of a year.
    closed_at   INTEGER NOT NULL,
    row_count   INTEGER NOT NULL CONSTRAINT archive_row_count_positive CHECK (row_count > 0),
    -- The seal of the last row. The events have seals in their files only.
    seal        BLOB    NOT NULL CONSTRAINT archive_seal_is_sha256 CHECK (length(seal) = 32),
    -- The file's name, and SHA-256 of all of it.
    file        TEXT    NOT NULL,
    file_hash   BLOB    NOT NULL
                CONSTRAINT archive_file_hash_is_sha256 CHECK (length(file_hash) = 32),
    archived_at INTEGER NOT NULL,
    PRIMARY KEY (chain, until_id)
) STRICT, WITHOUT ROWID;

-- What a ledger account held after the last of its entries that was removed, so that those that
-- are left run on from there.
CREATE TABLE ledger_openings (
    ledger_account_id INTEGER PRIMARY KEY REFERENCES ledger_accounts (id),
    transaction_id    INTEGER NOT NULL,
    balance_micros    INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_openings_by_transaction ON ledger_openings (transaction_id);
