-- Accounts, and how people get into them: sessions, API tokens, challenges and second factors.

CREATE TABLE accounts (
    id              TEXT    PRIMARY KEY,
    email           TEXT    NOT NULL UNIQUE,
    -- An Argon2id hash in PHC form.
    password_hash   TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    -- Operators are named by operators; the first one by a command on the machine.
    is_operator     INTEGER NOT NULL DEFAULT 0
                    CONSTRAINT account_operator_is_flag CHECK (is_operator IN (0, 1)),
    -- Since when the account is suspended: nobody signs in to it, and nothing of it changes.
    disabled_at     INTEGER,
    -- When its owner deleted it. The row stays for the money it moved, without personal data.
    deleted_at      INTEGER,
    -- Where a farmer is paid to.
    payout_address  TEXT,
    -- How farmers see this renter; NULL for the email address.
    display_name    TEXT
                    CONSTRAINT account_display_name_fits
                    CHECK (display_name IS NULL OR length(display_name) BETWEEN 1 AND 80),
    -- The last event whose notification the account has read.
    notices_read_id INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The browsers that an account is signed in with.
CREATE TABLE sessions (
    id          TEXT    PRIMARY KEY,
    -- SHA-256 of the cookie's value: who reads the database cannot sign in.
    hash        BLOB    NOT NULL UNIQUE CONSTRAINT session_hash_is_sha256 CHECK (length(hash) = 32),
    account_id  TEXT    NOT NULL REFERENCES accounts (id),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
                CONSTRAINT session_expires_after_creation CHECK (expires_at > created_at),
    -- When the session was last seen, to the hour.
    seen_at     INTEGER NOT NULL DEFAULT 0,
    -- When its holder last verified who they are.
    verified_at INTEGER NOT NULL DEFAULT 0,
    -- Whether that was with a second factor.
    is_strong   INTEGER NOT NULL DEFAULT 0
                CONSTRAINT session_strong_is_flag CHECK (is_strong IN (0, 1)),
    -- From where and with what it was opened, for its owner to recognize it by.
    address     TEXT    NOT NULL DEFAULT '',
    user_agent  TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE INDEX sessions_by_account ON sessions (account_id, id);

-- API tokens.
CREATE TABLE tokens (
    id             TEXT    PRIMARY KEY,
    -- SHA-256 of the token.
    hash           BLOB    NOT NULL UNIQUE
                   CONSTRAINT token_hash_is_sha256 CHECK (length(hash) = 32),
    account_id     TEXT    NOT NULL REFERENCES accounts (id),
    name           TEXT    NOT NULL,
    -- Names of scopes, separated by spaces.
    scopes         TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL
                   CONSTRAINT token_expires_after_creation CHECK (expires_at > created_at),
    -- The beginning of the token, for its owner to recognize it by.
    hint           TEXT    NOT NULL DEFAULT '',
    -- When it was last used, to the minute.
    used_at        INTEGER,
    -- The only farm that it may touch, by the grid's number.
    farm_id        INTEGER,
    -- What it may spend in all, and what it has spent.
    ceiling_micros INTEGER CONSTRAINT token_ceiling_not_negative CHECK (ceiling_micros >= 0),
    spent_micros   INTEGER NOT NULL DEFAULT 0
                   CONSTRAINT token_within_ceiling
                   CHECK (ceiling_micros IS NULL OR spent_micros <= ceiling_micros)
) STRICT;

CREATE INDEX tokens_by_account ON tokens (account_id, id);

CREATE INDEX tokens_by_end ON tokens (expires_at);

-- A secret that is good for one thing, once, and for minutes: the code in a mail, the question that
-- an authenticator signs, the pause between a password and the second factor, the message that the
-- owner of a farm signs.
CREATE TABLE challenges (
    -- SHA-256 of the secret.
    hash       BLOB    PRIMARY KEY CONSTRAINT challenge_hash_is_sha256 CHECK (length(hash) = 32),
    kind       TEXT    NOT NULL CONSTRAINT challenge_kind_is_known CHECK (kind IN (
                   'sign-up', 'email-change', 'password-reset', 'second-factor',
                   'passkey-new', 'passkey-sign-in', 'farm-claim')),
    -- Whose it is; empty where there is no account yet.
    account_id TEXT    REFERENCES accounts (id),
    -- What to go on with, in the form that its kind has.
    payload    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
               CONSTRAINT challenge_expires_after_creation CHECK (expires_at > created_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_by_end ON challenges (expires_at);

CREATE INDEX challenges_by_account ON challenges (account_id, kind);

CREATE TABLE passkeys (
    -- The credential's id, as the authenticator gave it.
    id         BLOB    PRIMARY KEY
               CONSTRAINT passkey_id_length_in_range CHECK (length(id) BETWEEN 16 AND 1023),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- What its owner calls it.
    name       TEXT    NOT NULL
               CONSTRAINT passkey_name_length_in_range CHECK (length(name) BETWEEN 1 AND 80),
    -- The public key and what never changes, as the crate `factors` writes it.
    fixed      BLOB    NOT NULL,
    -- The counter and what changes with each use, as the crate `factors` writes it.
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
    -- When the first code showed that the app has it; it counts from then on.
    confirmed_at INTEGER,
    -- The time step of the last code that was taken: each one counts once.
    last_step    INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each gets its owner in once.
CREATE TABLE recovery_codes (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- SHA-256 of the code: it has 80 random bits.
    hash       BLOB    NOT NULL CONSTRAINT recovery_code_hash_is_sha256 CHECK (length(hash) = 32),
    PRIMARY KEY (account_id, hash)
) STRICT, WITHOUT ROWID;

-- Public keys that an account has registered. The first one is taken where none is chosen.
CREATE TABLE ssh_keys (
    id          TEXT    PRIMARY KEY,
    account_id  TEXT    NOT NULL REFERENCES accounts (id),
    name        TEXT    NOT NULL
                CONSTRAINT ssh_key_name_length_in_range CHECK (length(name) BETWEEN 1 AND 80),
    key         TEXT    NOT NULL
                CONSTRAINT ssh_key_key_length_in_range CHECK (length(key) BETWEEN 1 AND 4200),
    fingerprint TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (account_id, fingerprint)
) STRICT;

CREATE INDEX ssh_keys_by_account ON ssh_keys (account_id, id);

-- How much of a limit is used (generic cell rate algorithm): when the bucket will be empty again,
-- in milliseconds since 1970, and how many milliseconds it holds.
CREATE TABLE rate_limits (
    policy   TEXT    NOT NULL,
    -- Whom it limits, as a digest: an address, an account, a token.
    key      TEXT    NOT NULL,
    span     INTEGER NOT NULL CONSTRAINT rate_limit_span_positive CHECK (span > 0),
    empty_at INTEGER NOT NULL,
    PRIMARY KEY (policy, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX rate_limits_by_end ON rate_limits (empty_at);

-- The responses to requests with an idempotency key, each written by the statement that acted. What
-- acts in several steps takes the key with the first one, and has no response until the last one.
CREATE TABLE responses (
    -- The account; empty for the operator's token of the configuration.
    owner_id        TEXT    NOT NULL,
    -- Kept forever: it has one effect, whatever the operation.
    idempotency_key TEXT    NOT NULL,
    -- Method and path.
    operation       TEXT    NOT NULL,
    -- SHA-256 of the operation and what was asked for: tells a retry from another request.
    fingerprint     BLOB    NOT NULL
                    CONSTRAINT response_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
    status          INTEGER
                    CONSTRAINT response_is_success CHECK (status BETWEEN 200 AND 303),
    -- Where the result can be looked up.
    location        TEXT    NOT NULL,
    -- As it was sent; NULL once it was deleted.
    body            TEXT
                    CONSTRAINT response_body_has_status
                    CHECK (body IS NULL OR status IS NOT NULL),
    created_at      INTEGER NOT NULL,
    PRIMARY KEY (owner_id, idempotency_key)
) STRICT;

CREATE INDEX responses_by_age ON responses (created_at) WHERE body IS NOT NULL;
