-- Second factors: passkeys, codes of an authenticator app, and codes for when both are lost.

CREATE TABLE passkeys (
    -- The credential's id, as the authenticator gave it.
    id         BLOB    PRIMARY KEY CHECK (length(id) BETWEEN 16 AND 1023),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- What its owner calls it.
    name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    -- The public key and what never changes, as the library writes it.
    fixed      BLOB    NOT NULL,
    -- The counter and what changes with each use, as the library writes it.
    moving     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX passkeys_by_account ON passkeys (account_id, created_at);

-- The secret that an account shares with its authenticator app (RFC 6238).
CREATE TABLE totp_secrets (
    account_id   TEXT    PRIMARY KEY REFERENCES accounts (id),
    -- The secret, encrypted.
    sealed       BLOB    NOT NULL,
    -- When the first code proved that the app has it; it counts from then on.
    confirmed_at INTEGER,
    -- The time step of the last code that was taken: each one counts once.
    last_step    INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each gets its owner in once.
CREATE TABLE recovery_codes (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- SHA-256 of the code: it has 80 random bits.
    hash       BLOB    NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (account_id, hash)
) STRICT, WITHOUT ROWID;
