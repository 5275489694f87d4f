-- Accounts, the browsers they are signed in with, and their API tokens.

CREATE TABLE accounts (
    id            TEXT    PRIMARY KEY,
    email         TEXT    NOT NULL UNIQUE,
    -- An Argon2id hash in PHC form.
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    id         TEXT    PRIMARY KEY,
    -- SHA-256 of the cookie's value: who reads the database cannot sign in.
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT;

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE tokens (
    id         TEXT    PRIMARY KEY,
    -- SHA-256 of the token.
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    name       TEXT    NOT NULL,
    -- Names of scopes, separated by spaces.
    scopes     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT;

CREATE INDEX tokens_by_account ON tokens (account_id, id);
