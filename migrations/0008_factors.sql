-- Second factors: passkeys, codes of an authenticator app, and codes for when both are lost.

CREATE TABLE passkeys (
    -- The credential's id, as the authenticator gave it.
    id         BLOB    PRIMARY KEY CHECK (length(id) BETWEEN 16 AND 1023),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- What its owner calls it.
    name       TEXT    NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
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

-- Command: recovery codes in place of those that were there; `hashes` is one behind another.
CREATE VIEW new_recovery_codes AS SELECT account_id, hash AS hashes FROM recovery_codes;

CREATE TRIGGER new_recovery_codes_does INSTEAD OF INSERT ON new_recovery_codes BEGIN
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
    INSERT INTO recovery_codes (account_id, hash)
    SELECT NEW.account_id, substr(NEW.hashes, 32 * place.column1 + 1, 32)
      FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) place
     WHERE 32 * place.column1 < length(NEW.hashes);
END;

-- Command: the first code proves that the app has the secret, and recovery codes come with it. It
-- aborts unless the secret is the one that the code was checked against, and not confirmed yet.
CREATE VIEW confirm_totp AS
    SELECT t.account_id, t.sealed, t.last_step, t.confirmed_at, c.hash AS hashes
      FROM totp_secrets t JOIN recovery_codes c USING (account_id);

CREATE TRIGGER confirm_totp_does INSTEAD OF INSERT ON confirm_totp BEGIN
    UPDATE totp_secrets SET confirmed_at = NEW.confirmed_at, last_step = NEW.last_step
     WHERE account_id = NEW.account_id AND sealed = NEW.sealed AND confirmed_at IS NULL;
    SELECT RAISE(ABORT, 'stale secret') WHERE changes() = 0;
    INSERT INTO new_recovery_codes (account_id, hashes) VALUES (NEW.account_id, NEW.hashes);
END;

-- With its last factor an account loses the codes that stand in for one, and none of its sessions
-- counts as one that has shown a factor.
CREATE TRIGGER last_passkey_takes_the_rest AFTER DELETE ON passkeys
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
 AND NOT EXISTS (SELECT 1 FROM totp_secrets
                  WHERE account_id = OLD.account_id AND confirmed_at IS NOT NULL)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;

CREATE TRIGGER last_app_takes_the_rest AFTER DELETE ON totp_secrets
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;
