-- Who somebody is and what they may do: roles, sessions, tokens, and secrets that are used once.

-- Operators are named by operators; the first one by a command on the machine.
ALTER TABLE accounts ADD COLUMN is_operator INTEGER NOT NULL DEFAULT 0
    CHECK (is_operator IN (0, 1));

-- Until when the operator has shut it out: nobody gets in, and nothing of it changes.
ALTER TABLE accounts ADD COLUMN disabled_at INTEGER;

-- When its owner deleted it. The row stays for what money it moved; the person is gone from it.
ALTER TABLE accounts ADD COLUMN deleted_at INTEGER;

-- Where a farmer is paid to.
ALTER TABLE accounts ADD COLUMN payout_address TEXT;

-- When the session was last seen, to the hour.
ALTER TABLE sessions ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;

-- When its holder last proved who they are.
ALTER TABLE sessions ADD COLUMN proved_at INTEGER NOT NULL DEFAULT 0;

-- Whether a second factor was shown.
ALTER TABLE sessions ADD COLUMN is_strong INTEGER NOT NULL DEFAULT 0 CHECK (is_strong IN (0, 1));

-- From where and with what it was opened, for its owner to know it by.
ALTER TABLE sessions ADD COLUMN address TEXT NOT NULL DEFAULT '';

ALTER TABLE sessions ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';

-- Who is signed in stays so.
UPDATE sessions SET seen_at = created_at, proved_at = created_at;

CREATE INDEX sessions_by_account ON sessions (account_id, id);

-- The beginning of the token, for its owner to know it by.
ALTER TABLE tokens ADD COLUMN hint TEXT NOT NULL DEFAULT '';

-- When it was last used, to the minute.
ALTER TABLE tokens ADD COLUMN used_at INTEGER;

-- The only farm that it may touch, by the grid's number.
ALTER TABLE tokens ADD COLUMN farm_id INTEGER;

-- What it may spend in all.
ALTER TABLE tokens ADD COLUMN ceiling_micros INTEGER CHECK (ceiling_micros >= 0);

ALTER TABLE tokens ADD COLUMN spent_micros INTEGER NOT NULL DEFAULT 0
    CONSTRAINT within_ceiling CHECK (ceiling_micros IS NULL OR spent_micros <= ceiling_micros);

CREATE INDEX tokens_by_end ON tokens (expires_at);

-- A secret that is good for one thing, once, and for minutes: the code in a mail, the question that
-- an authenticator signs, the pause between a password and the second factor.
CREATE TABLE challenges (
    -- SHA-256 of the secret.
    hash       BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    kind       TEXT    NOT NULL CHECK (kind IN (
                   'sign-up', 'email-change', 'password-reset', 'second-factor',
                   'passkey-new', 'passkey-sign-in')),
    -- Whose it is; empty where there is no account yet.
    account_id TEXT    REFERENCES accounts (id),
    -- What to go on with, in the form that its kind has.
    payload    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_by_end ON challenges (expires_at);

CREATE INDEX challenges_by_account ON challenges (account_id, kind);

-- How much of a limit is used (generic cell rate algorithm): when the bucket will be empty again,
-- in milliseconds since 1970, and how many milliseconds it holds.
CREATE TABLE rate_limits (
    policy   TEXT    NOT NULL,
    -- Whom it limits, as a digest: an address, an account, a token.
    key      TEXT    NOT NULL,
    span     INTEGER NOT NULL CHECK (span > 0),
    empty_at INTEGER NOT NULL,
    PRIMARY KEY (policy, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX rate_limits_by_end ON rate_limits (empty_at);
