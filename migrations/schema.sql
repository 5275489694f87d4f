-- The whole database, in reading order. Generated from the other files: change
-- those, and run the tests of `store` with UPDATE_EXPECT=1.

-- tables/0001_accounts.sql
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
, payout_changed_at INTEGER) STRICT;

-- What holds on `accounts`, and what follows from a change of it.

-- A deleted account owns no farm. Its nodes are off the market already.
CREATE TRIGGER deleted_account_owns_no_farm AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM farms WHERE owner_id = NEW.id;
    DELETE FROM lost_farms WHERE owner_id = NEW.id;
END;

-- Who waits for a payout cannot be deleted: what fails would return to nobody.
CREATE TRIGGER account_with_open_payout_never_deleted BEFORE UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'refused: account_has_open_payout')
     WHERE EXISTS (SELECT 1 FROM payouts
                    WHERE account_id = NEW.id AND state IN ('requested', 'approved', 'sent'));
END;

-- The name of a person goes with the person. The payout keeps where it went: that is
-- the record of money that has left.
CREATE TRIGGER deleted_account_has_no_name AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    UPDATE accounts SET display_name = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER deleted_account_gets_no_notifications AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM webhooks WHERE account_id = NEW.id;
    DELETE FROM notification_settings WHERE account_id = NEW.id;
END;

CREATE TRIGGER deleted_account_has_no_ssh_keys AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM ssh_keys WHERE account_id = NEW.id;
    DELETE FROM agents WHERE account_id = NEW.id;
END;

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

-- What holds on `passkeys`, and what follows from a change of it.

-- With its last factor an account loses the codes that stand in for one, and none of its sessions
-- counts as one that has shown a factor.
CREATE TRIGGER last_passkey_deletes_recovery_codes AFTER DELETE ON passkeys
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
 AND NOT EXISTS (SELECT 1 FROM totp_secrets
                  WHERE account_id = OLD.account_id AND confirmed_at IS NOT NULL)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;

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

-- What holds on `totp_secrets`, and what follows from a change of it.

CREATE TRIGGER last_app_deletes_recovery_codes AFTER DELETE ON totp_secrets
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;

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

-- tables/0002_ledger.sql
-- Money: double entry, in whole micro-dollars, append-only and chained by hashes.

CREATE TABLE ledger_kinds (kind TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

INSERT INTO ledger_kinds (kind)
VALUES ('credit'), ('rental'), ('extension'), ('earning'), ('refund'), ('settlement'),
       ('sla-credit'), ('payout-request'), ('payout-send'), ('payout-return'), ('sla-correction');

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

-- What holds on `ledger_transactions`, and what follows from a change of it.

CREATE TRIGGER ledger_transactions_never_updated BEFORE UPDATE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_transactions_never_deleted BEFORE DELETE ON ledger_transactions
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

CREATE TABLE ledger_entries (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    transaction_id       INTEGER NOT NULL REFERENCES ledger_transactions (id),
    amount_micros        INTEGER NOT NULL
                         CONSTRAINT ledger_entry_moves_money CHECK (amount_micros <> 0),
    balance_after_micros INTEGER NOT NULL,
    PRIMARY KEY (ledger_account_id, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id);

-- What holds on `ledger_entries`, and what follows from a change of it.

CREATE TRIGGER ledger_entries_never_updated BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_entries_never_deleted BEFORE DELETE ON ledger_entries
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is left of an account's entries runs on from the last one that was removed.
CREATE TRIGGER removed_entry_becomes_opening AFTER DELETE ON ledger_entries BEGIN
    INSERT INTO ledger_openings (ledger_account_id, transaction_id, balance_micros)
    VALUES (OLD.ledger_account_id, OLD.transaction_id, OLD.balance_after_micros)
        ON CONFLICT (ledger_account_id) DO UPDATE
       SET transaction_id = excluded.transaction_id, balance_micros = excluded.balance_micros
     WHERE excluded.transaction_id > ledger_openings.transaction_id;
END;

-- The first entry of a month begins it, in the statement that books the entry.
CREATE TRIGGER entry_begins_ledger_month AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO ledger_months (ledger_account_id, month, first_transaction_id)
    SELECT a.id, strftime('%Y-%m', t.created_at, 'unixepoch'), t.id
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.id = NEW.ledger_account_id AND a.kind IN ('wallet', 'earnings')
       AND t.id = NEW.transaction_id
       AND NOT EXISTS (SELECT 1 FROM ledger_months m
                        WHERE m.ledger_account_id = a.id
                          AND m.month >= strftime('%Y-%m', t.created_at, 'unixepoch'));
END;

-- What comes to somebody's earnings because of a rental was earned; what leaves them because of one
-- was credited. Payouts are about no rental, and count for neither.
CREATE TRIGGER entry_counts_for_farm_month AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO farm_months (farmer_id, month, node_id, earned_micros, credited_micros)
    SELECT a.owner_id, strftime('%Y-%m', t.created_at, 'unixepoch'), r.node_id,
           max(NEW.amount_micros, 0), max(-NEW.amount_micros, 0)
      FROM ledger_accounts a, ledger_transactions t, rentals r
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings'
       AND t.id = NEW.transaction_id AND r.id = t.rental_id
        ON CONFLICT (farmer_id, month, node_id) DO UPDATE
       SET earned_micros = earned_micros + excluded.earned_micros,
           credited_micros = credited_micros + excluded.credited_micros;
    INSERT INTO farm_days (farmer_id, day, earned_micros)
    SELECT a.owner_id, strftime('%Y-%m-%d', t.created_at, 'unixepoch'), NEW.amount_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings'
       AND t.id = NEW.transaction_id AND t.rental_id IS NOT NULL AND NEW.amount_micros > 0
        ON CONFLICT (farmer_id, day) DO UPDATE
       SET earned_micros = earned_micros + excluded.earned_micros;
END;

-- A rental's last tenure earns: earnings of a move are booked before the next tenure begins.
CREATE TRIGGER entry_counts_for_tenure AFTER INSERT ON ledger_entries
  WHEN NEW.amount_micros > 0
BEGIN
    UPDATE tenures SET earned_micros = earned_micros + NEW.amount_micros
     WHERE (rental_id, number) IN (
           SELECT s.rental_id, s.number
             FROM ledger_transactions t
             JOIN ledger_accounts a ON a.id = NEW.ledger_account_id
                                   AND a.kind IN ('earnings', 'platform')
             JOIN tenures s ON s.rental_id = t.rental_id
            WHERE t.id = NEW.transaction_id AND t.kind = 'earning'
            ORDER BY s.number DESC LIMIT 1);
END;

-- What comes to a wallet or an escrow may be taken back as long as what it comes from, which is
-- posted first. What is earned is noted while it is not to be paid out. A renter who has ended has
-- not kept the machine: the days that count are those after which the rental goes on.
CREATE TRIGGER entry_settles_with_its_source AFTER INSERT ON ledger_entries
  WHEN NEW.amount_micros > 0
BEGIN
    UPDATE ledger_accounts
       SET settles_at = max(settles_at, (
               SELECT coalesce(max(s.settles_at), 0)
                 FROM ledger_entries e JOIN ledger_accounts s ON s.id = e.ledger_account_id
                WHERE e.transaction_id = NEW.transaction_id AND e.amount_micros < 0))
     WHERE id = NEW.ledger_account_id AND kind IN ('wallet', 'escrow');
    INSERT INTO hold_earning (owner_id, farm_id, micros, settles_at, is_used, earned_at)
    SELECT a.owner_id, n.farm_id, NEW.amount_micros,
           (SELECT coalesce(max(s.settles_at), 0)
              FROM ledger_entries e JOIN ledger_accounts s ON s.id = e.ledger_account_id
             WHERE e.transaction_id = NEW.transaction_id AND e.amount_micros < 0),
           t.kind = 'earning' AND r.state <> 'ended', t.created_at
      FROM ledger_accounts a
      JOIN ledger_transactions t ON t.id = NEW.transaction_id
      LEFT JOIN rentals r ON r.id = t.rental_id
      LEFT JOIN nodes n ON n.id = r.node_id
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings';
END;

-- The chain: SHA-256 over the seal before, the transaction and its entries, as in `audit_seals`.
-- A job of `clock` and whoever checks compute it.
CREATE TABLE ledger_seals (
    transaction_id INTEGER PRIMARY KEY REFERENCES ledger_transactions (id),
    hash           BLOB    NOT NULL CONSTRAINT ledger_seal_hash_is_sha256 CHECK (length(hash) = 32)
) STRICT;

-- What holds on `ledger_seals`, and what follows from a change of it.

CREATE TRIGGER ledger_seals_never_updated BEFORE UPDATE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_seals_never_deleted BEFORE DELETE ON ledger_seals
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

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

-- What holds on `ledger_months`, and what follows from a change of it.

CREATE TRIGGER ledger_months_never_updated BEFORE UPDATE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_months_never_deleted BEFORE DELETE ON ledger_months
  WHEN NOT EXISTS (SELECT 1 FROM archives
                    WHERE chain = 'ledger' AND until_id >= OLD.first_transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- tables/0003_events.sql
-- What happened, and who did what: append-only.

-- Every kind of event, and whom it may concern. The rows are those of `EventKind`: each upgrade
-- writes them.
CREATE TABLE event_kinds (
    kind       TEXT    PRIMARY KEY,
    for_renter INTEGER NOT NULL
               CONSTRAINT event_kind_for_renter_is_flag CHECK (for_renter IN (0, 1)),
    for_farmer INTEGER NOT NULL
               CONSTRAINT event_kind_for_farmer_is_flag CHECK (for_farmer IN (0, 1))
) STRICT, WITHOUT ROWID;

INSERT INTO event_kinds (kind, for_renter, for_farmer)
VALUES ('access-changed', 1, 0),
       ('access-failed', 1, 1),
       ('access-late', 1, 1),
       ('access-progress', 1, 1),
       ('access-ready', 1, 1),
       ('agent-token-expiring', 0, 1),
       ('card-payment-returned', 1, 0),
       ('card-payment-reversed', 1, 0),
       ('farm-lost', 0, 1),
       ('farm-moved', 0, 1),
       ('farm-revoked', 0, 1),
       ('farm-verified', 0, 1),
       ('farmer-changed', 1, 1),
       ('machine-action-done', 1, 1),
       ('machine-action-failed', 1, 1),
       ('machine-disk-filling', 1, 0),
       ('machine-down', 1, 1),
       ('machine-up', 1, 1),
       ('maintenance-announced', 1, 1),
       ('maintenance-canceled', 1, 1),
       ('maintenance-due', 1, 1),
       ('manual-removal', 0, 1),
       ('manual-setup', 0, 1),
       ('node-claimed', 0, 1),
       ('node-down', 1, 1),
       ('node-leaving', 1, 1),
       ('node-leaving-canceled', 1, 1),
       ('node-left', 0, 1),
       ('node-locked', 0, 1),
       ('node-lost', 0, 1),
       ('node-moved', 0, 1),
       ('node-oversold', 0, 1),
       ('node-oversold-resolved', 0, 1),
       ('node-paused', 0, 1),
       ('node-published', 0, 1),
       ('node-recovered', 1, 1),
       ('node-registered', 0, 1),
       ('node-rental-imported', 1, 1),
       ('node-rented', 1, 1),
       ('node-taken-over', 0, 1),
       ('node-unlocked', 0, 1),
       ('offer-changed', 0, 1),
       ('payout-approved', 0, 1),
       ('payout-canceled', 0, 1),
       ('payout-done', 0, 1),
       ('payout-failed', 0, 1),
       ('payout-requested', 0, 1),
       ('payout-sent', 0, 1),
       ('price-suggested', 0, 1),
       ('removal-late', 0, 1),
       ('renewal-failed', 1, 0),
       ('rental-down', 1, 1),
       ('rental-ended', 1, 1),
       ('rental-expired', 1, 1),
       ('rental-extended', 1, 1),
       ('rental-moved-in', 1, 1),
       ('rental-moved-out', 0, 1),
       ('rental-received', 1, 0),
       ('rental-refunded', 1, 1),
       ('rental-reminded', 1, 0),
       ('rental-renewed', 1, 1),
       ('rental-transferred', 1, 1),
       ('saved-search-found', 1, 0),
       ('server-disk-low', 0, 1),
       ('sla-at-risk', 0, 1),
       ('sla-credited', 1, 1),
       ('sla-dispute-decided', 1, 1),
       ('sla-disputed', 1, 1),
       ('sla-missed', 0, 1),
       ('slice-removed', 0, 1),
       ('slice-rented', 1, 1),
       ('waitlist-offered', 1, 0),
       ('waitlist-passed', 1, 0),
       ('wallet-credited', 1, 0),
       ('webhook-disabled', 0, 1);

-- What happened, for people and programs that follow it. `renter_id` and `farmer_id` are who may
-- see it.
CREATE TABLE events (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT    NOT NULL REFERENCES event_kinds (kind),
    renter_id    TEXT    REFERENCES accounts (id),
    farmer_id    TEXT    REFERENCES accounts (id),
    node_id      INTEGER,
    slice_number INTEGER,
    rental_id    TEXT,
    created_at   INTEGER NOT NULL,
    -- What else it is about: a farm, a payout, a maintenance window.
    subject      TEXT
) STRICT;

CREATE INDEX events_by_rental ON events (rental_id, id) WHERE rental_id IS NOT NULL;

CREATE INDEX events_by_renter ON events (renter_id, id) WHERE renter_id IS NOT NULL;

CREATE INDEX events_by_farmer ON events (farmer_id, id) WHERE farmer_id IS NOT NULL;

-- What holds on `events`, and what follows from a change of it.

CREATE TRIGGER event_audience_matches_kind BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM event_kinds
              WHERE kind = NEW.kind
                AND (for_renter < (NEW.renter_id IS NOT NULL)
                     OR for_farmer < (NEW.farmer_id IS NOT NULL)))
BEGIN
    SELECT RAISE(ABORT, 'refused: event_audience_matches_kind');
END;

CREATE TRIGGER events_never_updated BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'events' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER event_enters_audit_log AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, NEW.subject, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What was done, such as `sign-in` or `slice-rented`.
    action     TEXT    NOT NULL,
    -- How it was asked for.
    actor      TEXT    NOT NULL CONSTRAINT audit_entry_actor_is_known CHECK (actor IN (
                   'visitor', 'account', 'token', 'operator', 'market')),
    -- The account or token that asked; empty for a visitor and the bootstrap operator.
    actor_id   TEXT    NOT NULL DEFAULT '',
    -- Whom it concerns, and who may read it.
    account_id TEXT,
    -- What it was done to, such as a rental's id.
    subject    TEXT    NOT NULL DEFAULT '',
    -- From where.
    address    TEXT    NOT NULL DEFAULT '',
    request_id TEXT    NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_by_account ON audit (account_id, id);

-- What holds on `audit`, and what follows from a change of it.

CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'audit' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- The chain: SHA-256 over the seal before and the row. SQL has no such function, so that a
-- job of `clock` and whoever checks compute it.
CREATE TABLE audit_seals (
    audit_id INTEGER PRIMARY KEY REFERENCES audit (id),
    hash     BLOB    NOT NULL CONSTRAINT audit_seal_hash_is_sha256 CHECK (length(hash) = 32)
) STRICT;

-- What holds on `audit_seals`, and what follows from a change of it.

CREATE TRIGGER audit_seals_never_updated BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER audit_seals_never_deleted BEFORE DELETE ON audit_seals
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'audit' AND until_id >= OLD.audit_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- tables/0004_nodes.sql
-- Farms, nodes and the slices that they are cut into.

-- The farms whose owner is verified: one owner each. Without verification there is no row.
CREATE TABLE farms (
    -- The grid's number.
    id           INTEGER PRIMARY KEY
                 CONSTRAINT farm_id_in_range CHECK (id BETWEEN 1 AND 4294967295),
    name         TEXT    NOT NULL CONSTRAINT farm_name_length_in_range CHECK (length(name) <= 80),
    -- Whose it is on the grid: the twin, and the account of the chain that the twin belongs to.
    twin_id      INTEGER NOT NULL
                 CONSTRAINT farm_twin_id_in_range CHECK (twin_id BETWEEN 1 AND 4294967295),
    twin_account TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL REFERENCES accounts (id),
    -- By a signature of that account, or by the operator's word.
    verified_by  TEXT    NOT NULL
                 CONSTRAINT farm_verification_is_known
                 CHECK (verified_by IN ('signature', 'operator')),
    verified_at  INTEGER NOT NULL,
    -- When the grid was last asked whether it still belongs to that twin.
    checked_at   INTEGER NOT NULL
, missing_since INTEGER) STRICT;

CREATE INDEX farms_by_owner ON farms (owner_id, id);

CREATE INDEX farms_by_twin ON farms (twin_id);

CREATE INDEX farms_by_check ON farms (checked_at);

-- What follows from a change of `farms`.

-- What was earned with a farm before it was verified can be paid out from then on.
CREATE TRIGGER verified_farm_releases_earnings AFTER INSERT ON farms BEGIN
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    VALUES (NEW.owner_id, NEW.id, NEW.verified_at);
END;

CREATE TRIGGER farm_verified_anew_releases_earnings AFTER UPDATE OF owner_id ON farms
  WHEN NEW.owner_id <> OLD.owner_id
BEGIN
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    VALUES (NEW.owner_id, NEW.id, NEW.verified_at);
END;

-- Who asks for the jobs of a farm, by the farmer's token.
CREATE TABLE agents (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    name       TEXT    NOT NULL
               CONSTRAINT agent_name_length_in_range CHECK (length(name) BETWEEN 1 AND 64),
    -- When it last asked, to the minute.
    seen_at    INTEGER NOT NULL, disk_bytes
    INTEGER
    CONSTRAINT agent_disk_not_negative CHECK (disk_bytes >= 0), disk_free_bytes
    INTEGER
    CONSTRAINT agent_disk_free_not_negative
    CHECK (disk_free_bytes >= 0), disk_reported_at
    INTEGER, is_disk_low
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT agent_is_disk_low_is_boolean CHECK (is_disk_low IN (0, 1)),
    PRIMARY KEY (account_id, farm_id, name)
) STRICT, WITHOUT ROWID;

-- What follows from a change of `agents`.

-- Once, until there was room again. The farm's first node has a page that shows its agents.
CREATE TRIGGER agent_disk_low_emits_event AFTER UPDATE OF is_disk_low ON agents
  WHEN NEW.is_disk_low = 1 AND OLD.is_disk_low = 0
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'server-disk-low', NEW.account_id, min(id),
           printf('%s: %d GB', NEW.name, NEW.disk_free_bytes >> 30), NEW.disk_reported_at
      FROM nodes WHERE farmer_id = NEW.account_id AND farm_id = NEW.farm_id;
END;

-- Nodes: what their farmers offer, and what the grid reports of them.
CREATE TABLE nodes (
    -- The grid's number.
    id                 INTEGER PRIMARY KEY
                       CONSTRAINT node_id_in_range CHECK (id BETWEEN 1 AND 4294967295),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    name               TEXT    NOT NULL
                       CONSTRAINT node_name_length_in_range CHECK (length(name) BETWEEN 1 AND 80),
    created_at         INTEGER NOT NULL,

    -- The offer. Each change of it counts `offer_version` up.
    listing            TEXT    NOT NULL DEFAULT 'draft'
                       CONSTRAINT node_listing_is_known
                       CHECK (listing IN ('draft', 'published', 'paused')),
    offer_version      INTEGER NOT NULL DEFAULT 1,
    offer_changed_at   INTEGER NOT NULL,
    -- Per slice and month.
    price_micros       INTEGER CONSTRAINT node_price_positive CHECK (price_micros > 0),
    -- The SLA commitment: hundredths of a percent, and Mbit/s.
    min_uptime         INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_min_uptime_in_range CHECK (min_uptime BETWEEN 0 AND 10000),
    min_bandwidth_mbps INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_min_bandwidth_mbps_not_negative
                       CHECK (min_bandwidth_mbps >= 0),

    -- The grid's last report.
    farm_id            INTEGER NOT NULL,
    farm_name          TEXT    NOT NULL,
    country            TEXT    NOT NULL COLLATE NOCASE,
    city               TEXT    NOT NULL,
    status             TEXT    NOT NULL
                       CONSTRAINT node_status_is_known CHECK (status IN ('up', 'down', 'standby')),
    healthy            INTEGER CONSTRAINT node_healthy_is_flag CHECK (healthy IN (0, 1)),
    certified          INTEGER NOT NULL
                       CONSTRAINT node_certified_is_flag CHECK (certified IN (0, 1)),
    upload_mbps        INTEGER,
    download_mbps      INTEGER,
    reported_at        INTEGER NOT NULL,
    synced_at          INTEGER NOT NULL,

    -- What the report allows: slices in all and by each resource, and the reason where it is none.
    capacity           INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_capacity_in_range CHECK (capacity BETWEEN 0 AND 512),
    by_cpu             INTEGER NOT NULL,
    by_memory          INTEGER NOT NULL,
    by_ssd             INTEGER NOT NULL,
    refusal            TEXT,

    -- Measured uptime: the number of observations, and of those that found the node up.
    observed           INTEGER NOT NULL DEFAULT 0,
    observed_up        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_observed_up_at_most_observed CHECK (observed_up <= observed),

    -- Counts of its slices, kept by the triggers on `slices`.
    available_slices   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_available_slices_not_negative CHECK (available_slices >= 0),
    allocated_slices   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_allocated_slices_not_negative CHECK (allocated_slices >= 0),
    -- Slices that a quote holds.
    reserved_slices    INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_reserved_slices_not_negative CHECK (reserved_slices >= 0),

    -- The rental of the whole node.
    whole_rental_id    TEXT,
    -- The terms that are offered: a sum of 1 for a month, 2 for three, 4 for six and 8 for twelve.
    terms              INTEGER NOT NULL DEFAULT 15
                       CONSTRAINT node_terms_in_range CHECK (terms BETWEEN 1 AND 15),
    -- How many slices the farmer does not offer, of those that the node could carry.
    kept_slices        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_kept_slices_in_range CHECK (kept_slices BETWEEN 0 AND 512),
    -- The price from `pending_price_at` on: a raise waits while anything on the node is rented or
    -- held.
    pending_price_micros INTEGER
                         CONSTRAINT node_pending_price_is_raise
                         CHECK (pending_price_micros > price_micros),
    pending_price_at   INTEGER
                       CONSTRAINT node_pending_price_has_date
                       CHECK ((pending_price_at IS NULL) = (pending_price_micros IS NULL)),
    -- Who has locked the offer; NULL where it can be changed. The operator says why.
    locked_by          TEXT
                       CONSTRAINT node_locked_by_is_known
                       CHECK (locked_by IN ('farmer', 'operator')),
    lock_reason        TEXT
                       CONSTRAINT node_lock_reason_from_operator CHECK (lock_reason IS NULL
                              OR (locked_by IS 'operator' AND length(lock_reason) <= 200)),
    lock_changed_at    INTEGER NOT NULL DEFAULT 0,
    -- When the node leaves the market; NULL where it stays. It is off the market from the notice
    -- on.
    leaves_at          INTEGER
                       CONSTRAINT node_leaving_not_published
                       CHECK (leaves_at IS NULL OR listing <> 'published'),
    -- When it has left: nothing of it is rented, held or free any more.
    left_at            INTEGER
                       CONSTRAINT node_left_after_notice CHECK (left_at IS NULL
                              OR (leaves_at IS NOT NULL AND left_at >= leaves_at)),
    -- How many slices more are rented than the node can carry, by its last report.
    oversold           INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_oversold_in_range CHECK (oversold BETWEEN 0 AND 512),
    -- The uptime that the node has at least, by everything that was observed, in hundredths of a
    -- percent: the lower bound of `domain::confidence`. A job updates it, a page of nodes at a
    -- time.
    proven_uptime      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_proven_uptime_in_range
                       CHECK (proven_uptime BETWEEN 0 AND 10000),
    -- The sort key of the market: lower bound of the uptime and, among equals, committed uptime.
    uptime_rank        INTEGER
                       GENERATED ALWAYS AS (proven_uptime * 10001 + min_uptime) VIRTUAL, waiting
                       INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_waiting_not_negative CHECK (waiting >= 0),

    CONSTRAINT node_published_with_price CHECK (listing = 'draft' OR price_micros IS NOT NULL)
) STRICT;

CREATE INDEX nodes_by_farmer ON nodes (farmer_id, id);

-- The market reads one row for each node that has something to offer.
CREATE INDEX nodes_by_price ON nodes (price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_country ON nodes (country, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_farm ON nodes (farm_id, id);

CREATE INDEX nodes_by_raise ON nodes (pending_price_at) WHERE pending_price_at IS NOT NULL;

CREATE INDEX nodes_by_leaving ON nodes (leaves_at)
 WHERE leaves_at IS NOT NULL AND left_at IS NULL;

-- A comparison reads the nodes that are on the market or rented, by certification and place.
CREATE INDEX nodes_by_kind ON nodes (certified, country, id)
 WHERE price_micros IS NOT NULL AND (listing = 'published' OR allocated_slices > 0);

CREATE INDEX nodes_by_oversold ON nodes (id) WHERE oversold > 0;

CREATE INDEX nodes_by_uptime ON nodes (uptime_rank DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

-- A node of a farm with a verified owner is registered and published by nobody else, whatever
-- the code above does.
CREATE TRIGGER node_registered_by_farm_owner BEFORE INSERT ON nodes
  WHEN EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER node_published_by_farm_owner BEFORE UPDATE OF listing ON nodes
  WHEN NEW.listing = 'published'
   AND EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER lock_change_emits_event AFTER UPDATE OF locked_by ON nodes
  WHEN NEW.locked_by IS NOT OLD.locked_by
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.locked_by IS NULL THEN 'node-unlocked' ELSE 'node-locked' END,
            NEW.farmer_id, NEW.id, NEW.lock_changed_at);
END;

CREATE TRIGGER new_offer_enters_history AFTER INSERT ON nodes BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offer_change_enters_history AFTER UPDATE OF offer_version ON nodes
  WHEN NEW.offer_version <> OLD.offer_version
BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

-- A node that has left has no free slices, whatever the grid reports of it.
CREATE TRIGGER left_node_retires_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NOT NULL AND OLD.left_at IS NULL
BEGIN
    UPDATE slices SET state = 'retired' WHERE node_id = NEW.id AND state = 'available';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-left', NEW.farmer_id, NEW.id, NEW.left_at);
END;

-- A node that comes back has the slices that its last report allows.
CREATE TRIGGER returning_node_restores_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NULL AND OLD.left_at IS NOT NULL
BEGIN
    UPDATE nodes SET capacity = capacity WHERE id = NEW.id;
END;

CREATE TRIGGER listing_change_updates_market_node AFTER UPDATE OF listing ON nodes
  WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO market_nodes (node_id, offered_since, checked_at)
    SELECT NEW.id, NEW.offer_changed_at, NEW.offer_changed_at WHERE NEW.listing = 'published'
        ON CONFLICT (node_id) DO UPDATE
       SET offered_since = excluded.offered_since, checked_at = excluded.checked_at;
    UPDATE market_nodes SET checked_at = NULL
     WHERE node_id = NEW.id AND NEW.listing <> 'published';
END;

-- Each observation of a node counts for its month.
CREATE TRIGGER observation_counts_for_month AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO node_months (node_id, month, observed, observed_up)
    VALUES (NEW.id, strftime('%Y-%m', NEW.synced_at, 'unixepoch'), NEW.observed - OLD.observed,
            NEW.observed_up - OLD.observed_up)
        ON CONFLICT (node_id, month) DO UPDATE
       SET observed = observed + excluded.observed,
           observed_up = observed_up + excluded.observed_up;
END;

-- A node that goes to another farm or farmer takes its open jobs with it.
CREATE TRIGGER open_jobs_follow_node AFTER UPDATE OF farm_id, farmer_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id OR NEW.farmer_id <> OLD.farmer_id
BEGIN
    UPDATE jobs SET farm_id = NEW.farm_id, farmer_id = NEW.farmer_id
     WHERE node_id = NEW.id AND state NOT IN ('done', 'refunded', 'canceled');
END;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and missing ones are created. Reserved and allocated ones stay,
-- and nothing changes while the whole node is rented. What is offered is what the node can carry
-- without the slices that are kept back. A slice whose machine is being removed is not offered and
-- not restored, and counts as one that is there.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND (max(0, NEW.capacity - NEW.kept_slices)
        <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
        OR EXISTS (SELECT 1 FROM slices WHERE node_id = NEW.id AND removing_job IS NOT NULL))
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND state = 'available' AND removing_job IS NOT NULL;
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, (SELECT count(*) FROM slices
                           WHERE node_id = NEW.id
                             AND (state <> 'retired' OR removing_job IS NOT NULL))
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices
            WHERE node_id = NEW.id AND state = 'retired' AND removing_job IS NULL
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices
                         - (SELECT count(*) FROM slices
                             WHERE node_id = NEW.id
                               AND (state <> 'retired' OR removing_job IS NOT NULL))));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices
                      WHERE node_id = NEW.id
                        AND (state <> 'retired' OR removing_job IS NOT NULL)));
END;

CREATE TRIGGER observation_is_recorded AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO observation_times (at) VALUES (NEW.synced_at) ON CONFLICT (at) DO NOTHING;
    INSERT INTO observations (at, node_id, status, is_up, healthy, upload_mbps, download_mbps)
    SELECT NEW.synced_at, NEW.id, NEW.status, up, NEW.healthy, iif(up, NEW.upload_mbps, NULL),
           iif(up, NEW.download_mbps, NULL)
      FROM (SELECT NEW.observed_up > OLD.observed_up AS up)
     WHERE true
        ON CONFLICT (at, node_id) DO NOTHING;
END;

-- The events of an offer have one order: whether the node leaves, what the offer is, and whether it
-- is on the market. Everybody who rents something of a node is notified that it leaves, and
-- what was decided on one of its rentals before is decided again: each gets another version.
CREATE TRIGGER offer_change_emits_events
 AFTER UPDATE OF leaves_at, price_micros, pending_price_micros, min_uptime, min_bandwidth_mbps,
                 terms, kept_slices, listing ON nodes
BEGIN
    UPDATE rentals SET version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           renter_id,
           node_id, slice_number, id, NEW.offer_changed_at
      FROM rentals
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at
     ORDER BY id;
    -- Of another notice they are notified again.
    DELETE FROM reminders
     WHERE NEW.leaves_at IS NOT OLD.leaves_at AND days < 0
       AND rental_id IN (SELECT id FROM rentals WHERE node_id = NEW.id AND state <> 'ended');
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.price_micros IS NOT OLD.price_micros
        OR NEW.pending_price_micros IS NOT OLD.pending_price_micros
        OR NEW.min_uptime <> OLD.min_uptime
        OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
        OR NEW.terms <> OLD.terms
        OR NEW.kept_slices <> OLD.kept_slices;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-' || NEW.listing, NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.listing <> OLD.listing;
END;

-- The events of a report have one order. A node that the grid moves to another farm goes off the
-- market, unless its farmer is the verified owner of that one, too. Rentals run on. A document that
-- does not say of which farm a node is moves nothing.
CREATE TRIGGER report_change_emits_events AFTER UPDATE OF oversold, farm_id ON nodes BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.oversold > 0 THEN 'node-oversold' ELSE 'node-oversold-resolved' END,
           NEW.farmer_id,
           NEW.id, NEW.synced_at
     WHERE (NEW.oversold > 0) <> (OLD.oversold > 0);
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-moved', who.account_id, NEW.id, 'farm' || NEW.farm_id, NEW.synced_at
      FROM (SELECT NEW.farmer_id AS account_id
             UNION ALL SELECT owner_id FROM farms WHERE id = NEW.farm_id) who
     WHERE NEW.farm_id <> OLD.farm_id AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.synced_at
     WHERE id = NEW.id AND listing = 'published' AND NEW.farm_id <> OLD.farm_id
       AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
END;

-- What was put on the market, has changed or has more free slices is new to saved searches.
CREATE TRIGGER better_offer_is_news
 AFTER UPDATE OF listing, available_slices, offer_version ON nodes
  WHEN NEW.listing = 'published' AND NEW.available_slices > 0
   AND (OLD.listing <> 'published' OR NEW.available_slices > OLD.available_slices
        OR NEW.offer_version <> OLD.offer_version)
BEGIN
    DELETE FROM offer_news WHERE node_id = NEW.id;
    INSERT INTO offer_news (node_id) VALUES (NEW.id);
END;

-- Every version of every offer, written by the statement that made it.
CREATE TABLE offer_history (
    node_id              INTEGER NOT NULL REFERENCES nodes (id),
    version              INTEGER NOT NULL,
    changed_at           INTEGER NOT NULL,
    name                 TEXT    NOT NULL,
    price_micros         INTEGER,
    pending_price_micros INTEGER,
    pending_price_at     INTEGER,
    min_uptime           INTEGER NOT NULL,
    min_bandwidth_mbps   INTEGER NOT NULL,
    terms                INTEGER NOT NULL,
    kept_slices          INTEGER NOT NULL,
    listing              TEXT    NOT NULL,
    PRIMARY KEY (node_id, version)
) STRICT, WITHOUT ROWID;

-- What holds on `offer_history`, and what follows from a change of it.

CREATE TRIGGER offer_history_never_updated BEFORE UPDATE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'refused: offer_history_append_only');
END;

CREATE TRIGGER offer_history_never_deleted BEFORE DELETE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'refused: offer_history_append_only');
END;

-- When a node is worked on: announced a day ahead, for eight hours at most.
CREATE TABLE maintenance (
    id           TEXT    PRIMARY KEY,
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    starts_at    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL
                 CONSTRAINT maintenance_length_in_range
                 CHECK (ends_at - starts_at BETWEEN 60 AND 28800),
    note         TEXT    NOT NULL
                 CONSTRAINT maintenance_note_length_in_range CHECK (length(note) <= 200),
    announced_at INTEGER NOT NULL
                 CONSTRAINT maintenance_announced_ahead CHECK (starts_at - announced_at >= 86400),
    canceled_at INTEGER,
    -- When farmer and renters were reminded of it.
    reminded_at  INTEGER
) STRICT;

CREATE INDEX maintenance_by_node ON maintenance (node_id, starts_at, id);

CREATE INDEX maintenance_by_reminder ON maintenance (starts_at)
 WHERE canceled_at IS NULL AND reminded_at IS NULL;

-- What holds on `maintenance`, and what follows from a change of it.

CREATE TRIGGER maintenance_never_overlaps BEFORE INSERT ON maintenance BEGIN
    SELECT RAISE(ABORT, 'refused: maintenance_overlaps')
     WHERE EXISTS (SELECT 1 FROM maintenance
                    WHERE node_id = NEW.node_id AND canceled_at IS NULL
                      AND starts_at < NEW.ends_at AND ends_at > NEW.starts_at);
END;

CREATE TRIGGER maintenance_never_deleted BEFORE DELETE ON maintenance BEGIN
    SELECT RAISE(ABORT, 'refused: maintenance_never_deleted');
END;

CREATE TRIGGER new_maintenance_notifies AFTER INSERT ON maintenance BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-announced', NEW.id, NEW.node_id, NEW.announced_at);
END;

CREATE TRIGGER canceled_maintenance_notifies AFTER UPDATE OF canceled_at ON maintenance
  WHEN OLD.canceled_at IS NULL AND NEW.canceled_at IS NOT NULL
BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-canceled', NEW.id, NEW.node_id, NEW.canceled_at);
END;

-- Nobody is reminded of what is over.
CREATE TRIGGER due_maintenance_notifies AFTER UPDATE OF reminded_at ON maintenance
  WHEN OLD.reminded_at IS NULL AND NEW.reminded_at < NEW.ends_at
BEGIN
    INSERT INTO notify_maintenance (kind, id, node_id, notified_at)
    VALUES ('maintenance-due', NEW.id, NEW.node_id, NEW.reminded_at);
END;

-- A slice is what at most one rental or one quote holds: it points to its holder.
CREATE TABLE slices (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    number     INTEGER NOT NULL CONSTRAINT slice_number_in_range CHECK (number BETWEEN 1 AND 512),
    state      TEXT    NOT NULL
               CONSTRAINT slice_state_is_known
               CHECK (state IN ('available', 'reserved', 'allocated', 'retired')),
    rental_id  TEXT    REFERENCES rentals (id),
    quote_id   TEXT    REFERENCES quotes (id),
    -- A slice that still has the machine of an ended rental on it is not offered, and takes its
    -- place on the node until the machine is gone.
    removing_job TEXT  REFERENCES jobs (id)
               CONSTRAINT slice_removal_only_without_holder
               CHECK (removing_job IS NULL OR state IN ('available', 'retired')),
    PRIMARY KEY (node_id, number),
    CONSTRAINT slice_allocated_to_rental CHECK ((state = 'allocated') = (rental_id IS NOT NULL)),
    CONSTRAINT slice_reserved_by_quote CHECK ((state = 'reserved') = (quote_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX slices_by_state ON slices (node_id, state, number);

CREATE INDEX slices_by_rental ON slices (rental_id) WHERE rental_id IS NOT NULL;

CREATE INDEX slices_by_quote ON slices (quote_id) WHERE quote_id IS NOT NULL;

CREATE INDEX slices_by_removal ON slices (removing_job) WHERE removing_job IS NOT NULL;

-- What holds on `slices`, and what follows from a change of it.

CREATE TRIGGER node_counts_new_slices AFTER INSERT ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices + (NEW.state = 'available'),
           reserved_slices = reserved_slices + (NEW.state = 'reserved'),
           allocated_slices = allocated_slices + (NEW.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER node_counts_slice_states AFTER UPDATE OF state ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices
               + (NEW.state = 'available') - (OLD.state = 'available'),
           reserved_slices = reserved_slices
               + (NEW.state = 'reserved') - (OLD.state = 'reserved'),
           allocated_slices = allocated_slices
               + (NEW.state = 'allocated') - (OLD.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_never_deleted BEFORE DELETE ON slices BEGIN
    SELECT RAISE(ABORT, 'refused: slices_never_deleted');
END;

-- A node that has left has no free slices: the two below keep it so.
CREATE TRIGGER left_node_keeps_slices_retired BEFORE UPDATE OF state ON slices
  WHEN NEW.state <> 'retired'
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER left_node_gets_no_slices BEFORE INSERT ON slices
  WHEN (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

-- A rental has one job of a kind on a slice: it does not come back to one that it left.
CREATE TRIGGER rental_never_returns_to_slice BEFORE UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT NULL AND NEW.rental_id IS NOT OLD.rental_id
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NULL
   AND EXISTS (SELECT 1 FROM jobs
                WHERE rental_id = NEW.rental_id AND slice_number = NEW.number
                  AND node_id = NEW.node_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_never_returns_to_slice');
END;

-- The numbers 1 to 512, from which new slices are made.
CREATE TABLE slice_numbers (number INTEGER PRIMARY KEY) STRICT;

INSERT INTO slice_numbers
WITH RECURSIVE n (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM n WHERE number < 512)
SELECT number FROM n;

-- tables/0005_rentals.sql
-- Renting, from the quote to the last day.

-- What an account was quoted. The document is the quote, word for word.
CREATE TABLE quotes (
    id         TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    document   TEXT    NOT NULL,
    -- Over the document; NULL where the operator has set no key.
    signature  TEXT,
    -- What it is about, for the commands: a JSON array of objects with `node` and `slice`.
    items      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
               CONSTRAINT quote_expires_after_creation CHECK (expires_at > created_at),
    -- Until when it holds its slices; NULL where it holds none, or none any more.
    held_until INTEGER,
    used_at    INTEGER
               CONSTRAINT quote_used_holds_nothing CHECK (used_at IS NULL OR held_until IS NULL)
) STRICT;

CREATE INDEX quotes_by_account ON quotes (account_id, id);

CREATE INDEX quotes_by_hold ON quotes (held_until) WHERE held_until IS NOT NULL;

CREATE INDEX quotes_by_end ON quotes (expires_at) WHERE used_at IS NULL;

-- What follows from a change of `quotes`.

-- A turn of the waitlist is over with the hold: used, given back or lapsed.
CREATE TRIGGER hold_over_ends_turn AFTER UPDATE OF held_until ON quotes
  WHEN OLD.held_until IS NOT NULL AND NEW.held_until IS NULL
BEGIN
    DELETE FROM waitlist WHERE quote_id = NEW.id;
END;

-- What an account asked for and paid: one rental or several, or an extension.
CREATE TABLE orders (
    id           TEXT    PRIMARY KEY,
    account_id   TEXT    NOT NULL REFERENCES accounts (id),
    kind         TEXT    NOT NULL
                 CONSTRAINT order_kind_is_known CHECK (kind IN ('rental', 'extension', 'import')),
    total_micros INTEGER NOT NULL CONSTRAINT order_total_not_negative CHECK (total_micros >= 0),
    -- The token that asked, where one did.
    token_id     TEXT,
    quote_id     TEXT    UNIQUE REFERENCES quotes (id),
    created_at   INTEGER NOT NULL
) STRICT;

-- What holds on `orders`, and what follows from a change of it.

-- A token spends no more than its ceiling: `within_ceiling` refuses the order otherwise.
CREATE TRIGGER order_counts_for_token AFTER INSERT ON orders WHEN NEW.token_id IS NOT NULL BEGIN
    UPDATE tokens SET spent_micros = spent_micros + NEW.total_micros WHERE id = NEW.token_id;
    SELECT RAISE(ABORT, 'refused: token_gone') WHERE changes() = 0;
END;

-- Who holds which slice, since when and until when. A whole node is one rental of all its slices.
CREATE TABLE rentals (
    id                  TEXT    PRIMARY KEY,
    order_id            TEXT    NOT NULL REFERENCES orders (id),
    node_id             INTEGER NOT NULL REFERENCES nodes (id),
    -- NULL for the whole node.
    slice_number        INTEGER,
    -- How many slices are paid for.
    slices              INTEGER NOT NULL
                        CONSTRAINT rental_slices_in_range CHECK (slices BETWEEN 1 AND 512),
    renter_id           TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id           TEXT    NOT NULL REFERENCES accounts (id),
    -- `grace`: the term is over, and only the renter can take the slice again.
    state               TEXT    NOT NULL
                        CONSTRAINT rental_state_is_known
                        CHECK (state IN ('active', 'grace', 'ended')),
    -- Counts the changes of state, money and renter: who saves one names the version that it saw.
    version             INTEGER NOT NULL DEFAULT 1,
    -- Per slice and month, and until when an extension costs that.
    price_micros        INTEGER NOT NULL CONSTRAINT rental_price_positive CHECK (price_micros > 0),
    price_until         INTEGER NOT NULL,
    -- The SLA commitment as sold.
    min_uptime          INTEGER NOT NULL,
    min_bandwidth_mbps  INTEGER NOT NULL,
    started_at          INTEGER NOT NULL,
    ends_at             INTEGER NOT NULL
                        CONSTRAINT rental_ends_after_start CHECK (ends_at > started_at),
    ended_at            INTEGER
                        CONSTRAINT rental_ended_has_date
                        CHECK ((ended_at IS NOT NULL) = (state = 'ended')),
    -- When the next part of the escrow is earned; NULL where nothing is left.
    earns_at            INTEGER,
    -- The renter's own.
    name                TEXT    NOT NULL DEFAULT ''
                        CONSTRAINT rental_name_length_in_range CHECK (length(name) <= 80),
    labels              TEXT    NOT NULL DEFAULT '[]',
    -- For how many months it is extended by itself, NULL for not at all, and for at most how much
    -- per slice and month.
    renew_months        INTEGER
                        CONSTRAINT rental_renew_months_is_term
                        CHECK (renew_months IN (1, 3, 6, 12)),
    renew_max_micros    INTEGER
                        CONSTRAINT rental_renewal_has_maximum
                        CHECK ((renew_max_micros IS NULL) = (renew_months IS NULL)), auto_start
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT rental_auto_start_is_boolean CHECK (auto_start IN (0, 1)), renew_token_id TEXT
    CONSTRAINT rental_renew_token_renews
    CHECK (renew_token_id IS NULL OR renew_months IS NOT NULL), renew_most_micros INTEGER
    CONSTRAINT rental_renew_token_has_most
    CHECK ((renew_most_micros IS NULL) = (renew_token_id IS NULL)),
    CONSTRAINT rental_not_by_farmer CHECK (renter_id <> farmer_id),
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number)
) STRICT;

-- A slice is held by one renter at a time, whatever the code above does.
CREATE UNIQUE INDEX rentals_one_live_per_slice ON rentals (node_id, slice_number)
 WHERE state <> 'ended';

CREATE UNIQUE INDEX rentals_one_live_per_whole_node ON rentals (node_id)
 WHERE state <> 'ended' AND slice_number IS NULL;

CREATE INDEX rentals_by_node ON rentals (node_id, id);

CREATE INDEX rentals_by_order ON rentals (order_id, id);

CREATE INDEX rentals_by_renter ON rentals (renter_id, id);

CREATE INDEX rentals_live_by_renter ON rentals (renter_id) WHERE state <> 'ended';

CREATE INDEX rentals_by_farmer ON rentals (farmer_id) WHERE state <> 'ended';

CREATE INDEX rentals_by_end ON rentals (state, ends_at) WHERE state <> 'ended';

CREATE INDEX rentals_by_earning ON rentals (earns_at) WHERE earns_at IS NOT NULL;

CREATE INDEX rentals_by_renewal ON rentals (ends_at)
 WHERE renew_months IS NOT NULL AND state <> 'ended';

CREATE INDEX rentals_ended_by_slice ON rentals (node_id, slice_number, ended_at)
 WHERE state = 'ended';

-- What holds on `rentals`, and what follows from a change of it.

CREATE TRIGGER rentals_never_deleted BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'refused: rentals_never_deleted');
END;

CREATE TRIGGER rental_ends_once BEFORE UPDATE ON rentals WHEN OLD.state = 'ended'
  AND (NEW.state <> 'ended' OR NEW.ended_at <> OLD.ended_at)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_ends_once');
END;

CREATE TRIGGER rental_start_records_wait AFTER INSERT ON rentals
  WHEN NEW.slice_number IS NOT NULL
   AND (SELECT kind FROM orders WHERE id = NEW.order_id) = 'rental'
BEGIN
    INSERT INTO rentals_begun (rental_id, node_id, began_at, waited_seconds)
    SELECT NEW.id, NEW.node_id, NEW.started_at,
           max(0, NEW.started_at - max(
               m.offered_since,
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number = NEW.slice_number
                            AND state = 'ended'), 0),
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number IS NULL
                            AND state = 'ended'), 0)))
      FROM market_nodes m WHERE m.node_id = NEW.node_id;
END;

CREATE TRIGGER rental_end_ends_tenure AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    UPDATE tenures
       SET ended_at = max(started_at, evaluated_until, NEW.ended_at),
           evaluate_at = max(started_at, evaluated_until, NEW.ended_at)
     WHERE rental_id = NEW.id AND ended_at IS NULL;
END;

CREATE TRIGGER rental_end_closes_ports AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    DELETE FROM rental_ports WHERE rental_id = NEW.id;
END;

-- The terms of a rental, one after the other, each paid in advance.
CREATE TABLE rental_periods (
    rental_id       TEXT    NOT NULL REFERENCES rentals (id),
    number          INTEGER NOT NULL CONSTRAINT rental_period_number_positive CHECK (number >= 1),
    order_id        TEXT    NOT NULL REFERENCES orders (id),
    payer_id        TEXT    NOT NULL REFERENCES accounts (id),
    months          INTEGER NOT NULL
                    CONSTRAINT rental_period_months_in_range CHECK (months BETWEEN 1 AND 120),
    -- Per slice and month.
    price_micros    INTEGER NOT NULL
                    CONSTRAINT rental_period_price_positive CHECK (price_micros > 0),
    -- What was charged, what of it the platform keeps once all is earned, and what became of it.
    -- Nothing is charged for what was rented before there were slices.
    total_micros    INTEGER NOT NULL
                    CONSTRAINT rental_period_total_not_negative CHECK (total_micros >= 0),
    fee_micros      INTEGER NOT NULL
                    CONSTRAINT rental_period_fee_at_most_total
                    CHECK (fee_micros BETWEEN 0 AND total_micros),
    earned_micros   INTEGER NOT NULL DEFAULT 0
                    CONSTRAINT rental_period_earned_not_negative CHECK (earned_micros >= 0),
    refunded_micros INTEGER NOT NULL DEFAULT 0
                    CONSTRAINT rental_period_refunded_not_negative CHECK (refunded_micros >= 0),
    starts_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL
                    CONSTRAINT rental_period_ends_after_start CHECK (ends_at > starts_at),
    PRIMARY KEY (rental_id, number),
    CONSTRAINT rental_period_pays_out_at_most_total
        CHECK (earned_micros + refunded_micros <= total_micros)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_periods_by_order ON rental_periods (order_id);

-- An offer to somebody else to take a rental over.
CREATE TABLE transfers (
    rental_id  TEXT    PRIMARY KEY REFERENCES rentals (id),
    -- Whoever has this address may take it.
    email      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
               CONSTRAINT transfer_expires_after_creation CHECK (expires_at > created_at)
, token_id TEXT) STRICT;

CREATE INDEX transfers_by_email ON transfers (email, rental_id);

-- What the renter was reminded of: each once for each end.
CREATE TABLE reminders (
    rental_id TEXT    NOT NULL REFERENCES rentals (id),
    ends_at   INTEGER NOT NULL,
    -- How many days before the end.
    days      INTEGER NOT NULL,
    sent_at   INTEGER NOT NULL,
    PRIMARY KEY (rental_id, ends_at, days)
) STRICT, WITHOUT ROWID;

-- What agents do: a machine is made on one slice of a rental, or removed. The states and what leads
-- from one to another are in `domain::provisioning`.
CREATE TABLE jobs (
    -- Such as `<rental>_32_7_create`: of the rental, the node, the slice and the kind.
    id           TEXT    PRIMARY KEY,
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    node_id      INTEGER NOT NULL,
    slice_number INTEGER NOT NULL,
    kind         TEXT    NOT NULL CONSTRAINT job_kind_is_known CHECK (kind IN ('create', 'remove')),
    state        TEXT    NOT NULL CONSTRAINT job_state_is_known CHECK (state IN (
                     'needs-key', 'waiting', 'leased', 'done', 'failed', 'refunded', 'canceled')),
    -- Whose farm it is done on.
    farmer_id    TEXT    NOT NULL REFERENCES accounts (id),
    farm_id      INTEGER NOT NULL,
    -- Counts its leases, and goes on from that of the job before it on the slice.
    fence        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0
                 CONSTRAINT job_attempts_at_most_fence CHECK (attempts <= fence),
    -- Who has it, or had it last.
    agent        TEXT,
    token_id     TEXT,
    -- When it can be leased next: once its pause or its lease is over.
    due_at       INTEGER NOT NULL,
    -- The last step of the present lease, and when each one was reported: a JSON object.
    step         TEXT
                 CONSTRAINT job_step_is_known
                 CHECK (step IN ('accepted', 'disk', 'booting', 'reachable', 'checked')),
    steps        TEXT    NOT NULL DEFAULT '{}',
    -- Why it failed last, in the agent's words.
    reason       TEXT    CONSTRAINT job_reason_length_in_range CHECK (length(reason) <= 500),
    -- How the machine is reached, encrypted.
    sealed       BLOB
                 CONSTRAINT job_access_only_of_creation CHECK (sealed IS NULL OR kind = 'create'),
    -- When people are notified that it is late, and when they were.
    late_at      INTEGER NOT NULL,
    notified_at  INTEGER,
    -- When everything is refunded; a removal has none.
    refund_at    INTEGER
                 CONSTRAINT job_refund_only_of_creation
                 CHECK ((refund_at IS NOT NULL) = (kind = 'create')),
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL, log
    TEXT
    CONSTRAINT job_log_length_in_range CHECK (length(log) <= 3000), is_by_hand
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT job_is_by_hand_is_boolean CHECK (is_by_hand IN (0, 1)),
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number),
    CONSTRAINT job_state_fits_kind
        CHECK (kind = 'create' OR state NOT IN ('needs-key', 'refunded', 'canceled')),
    CONSTRAINT job_leased_has_attempt
        CHECK (state NOT IN ('leased', 'done') OR attempts > 0 OR kind = 'remove'),
    CONSTRAINT job_done_has_access
        CHECK (kind <> 'create' OR (state = 'done') = (sealed IS NOT NULL))
) STRICT;

CREATE INDEX jobs_by_due ON jobs (farmer_id, farm_id, due_at) WHERE state IN ('waiting', 'leased');

CREATE INDEX jobs_by_rental ON jobs (rental_id, slice_number);

CREATE INDEX jobs_by_node ON jobs (node_id) WHERE state NOT IN ('done', 'refunded', 'canceled');

CREATE INDEX jobs_by_lateness ON jobs (late_at)
 WHERE notified_at IS NULL AND state IN ('waiting', 'leased', 'failed');

CREATE INDEX jobs_by_refund ON jobs (refund_at) WHERE state IN ('waiting', 'leased', 'failed');

-- What holds on `jobs`, and what follows from a change of it.

CREATE TRIGGER jobs_never_deleted BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'refused: jobs_never_deleted');
END;

-- The events of a job have one order: its end, and the step that it has reached.
CREATE TRIGGER job_change_emits_events AFTER UPDATE OF state, step ON jobs BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.kind = 'remove' THEN 'slice-removed'
                WHEN NEW.state = 'done' THEN 'access-ready' ELSE 'access-failed' END,
           iif(NEW.kind = 'create', renter_id, NULL), farmer_id, NEW.node_id, NEW.slice_number,
           iif(NEW.kind = 'create', id, NULL), NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.state <> OLD.state
       AND (NEW.state = 'done' OR (NEW.state = 'failed' AND NEW.kind = 'create'));
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'access-progress', renter_id, farmer_id, NEW.node_id, NEW.slice_number, id, NEW.step,
           NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.kind = 'create' AND NEW.step IS NOT NULL
       AND NEW.step IS NOT OLD.step;
END;

-- A slice whose machine is removed is free again, where the node can carry it.
CREATE TRIGGER finished_removal_frees_slice AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'remove' AND NEW.state = 'done' AND OLD.state <> 'done'
BEGIN
    UPDATE slices SET removing_job = NULL WHERE removing_job = NEW.id;
    UPDATE nodes SET capacity = capacity WHERE id = NEW.node_id;
END;

-- A machine that an agent created is watched from then on.
CREATE TRIGGER created_machine_is_watched AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'create' AND NEW.state = 'done' AND OLD.state <> 'done' AND NEW.is_by_hand = 0
BEGIN
    INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
    VALUES (NEW.id, NEW.node_id, NEW.agent, 'running', NEW.changed_at, NEW.changed_at);
END;

-- What a farmer has to do by hand, they are notified of: at once, or once there is an SSH key.
CREATE TRIGGER job_by_hand_emits_event AFTER INSERT ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES (iif(NEW.kind = 'create', 'manual-setup', 'manual-removal'), NEW.farmer_id, NEW.node_id,
            NEW.slice_number, iif(NEW.kind = 'create', NEW.rental_id, NULL), NEW.created_at);
END;

CREATE TRIGGER job_by_hand_with_key_emits_event AFTER UPDATE OF state ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting' AND OLD.state = 'needs-key'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES ('manual-setup', NEW.farmer_id, NEW.node_id, NEW.slice_number, NEW.rental_id,
            NEW.changed_at);
END;

-- tables/0006_sync.sql
-- What the sync knows of the grid.

-- Who may sync, and how far it came. Each run counts `fence` up; what carries another one is
-- refused.
CREATE TABLE sync_state (
    id           INTEGER PRIMARY KEY CONSTRAINT sync_state_has_one_row CHECK (id = 1),
    fence        INTEGER NOT NULL,
    -- When the last run began.
    begun_at     INTEGER NOT NULL,
    -- Nobody else begins a run before.
    leased_until INTEGER NOT NULL,
    -- The node behind which the next run begins; 0 for the first.
    behind       INTEGER NOT NULL
) STRICT;

INSERT INTO sync_state (id, fence, begun_at, leased_until, behind) VALUES (1, 0, 0, 0, 0);

-- The grid's servers that a run has asked. One that fails again and again is left alone.
CREATE TABLE sync_upstreams (
    base         TEXT    PRIMARY KEY
                 CONSTRAINT sync_upstream_base_length_in_range CHECK (length(base) <= 200),
    -- In a row.
    failures     INTEGER NOT NULL
                 CONSTRAINT sync_upstream_failures_not_negative CHECK (failures >= 0),
    -- It is not asked before.
    open_until   INTEGER NOT NULL,
    succeeded_at INTEGER,
    failed_at    INTEGER,
    -- What went wrong last.
    failure      TEXT
                 CONSTRAINT sync_upstream_failure_length_in_range CHECK (length(failure) <= 500)
) STRICT, WITHOUT ROWID;

-- Each run of the sync.
CREATE TABLE sync_runs (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER NOT NULL,
    -- The base URL that answered last; NULL where none did.
    upstream    TEXT,
    updated     INTEGER NOT NULL,
    missing     INTEGER NOT NULL,
    refused     INTEGER NOT NULL,
    -- What went wrong; NULL for a whole run.
    failure     TEXT,
    -- Nodes of which something else is known now than before.
    changed     INTEGER NOT NULL DEFAULT 0,
    -- How many requests were sent; for how long their answers were waited for and read, and for how
    -- long the database was written.
    requests    INTEGER NOT NULL DEFAULT 0,
    waited_ms   INTEGER NOT NULL DEFAULT 0,
    read_ms     INTEGER NOT NULL DEFAULT 0,
    wrote_ms    INTEGER NOT NULL DEFAULT 0,
    -- The run's own fence, and the node behind which the next run begins: 0 after a full scan.
    fence       INTEGER,
    behind      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sync_runs_by_end ON sync_runs (finished_at);

-- What holds on `sync_runs`, and what follows from a change of it.

-- A run that is recorded is over: another one may begin, where this one stopped.
CREATE TRIGGER finished_sync_run_releases_lease AFTER INSERT ON sync_runs
  WHEN NEW.fence IS NOT NULL
BEGIN
    UPDATE sync_state SET leased_until = 0, behind = NEW.behind
     WHERE id = 1 AND fence = NEW.fence;
END;

-- Quarantine: documents of registered nodes that could not be used, until they can be again.
CREATE TABLE refused_documents (
    node_id INTEGER PRIMARY KEY REFERENCES nodes (id),
    reason  TEXT    NOT NULL,
    excerpt TEXT    NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;

CREATE INDEX refused_documents_by_age ON refused_documents (seen_at);

-- tables/0007_uptime.sql
-- What the sync has seen of each node.

-- The instants of observations. An instant that is not here was observed by nobody.
CREATE TABLE observation_times (at INTEGER PRIMARY KEY) STRICT;

-- One observation of a node, kept for 90 days. Where the node was not seen there is no row: that is
-- neither up nor down. In the order of time, so that a run writes to one place, and what is old
-- goes from one place; a node's own are found by `observation_times`. Nodes are never deleted.
CREATE TABLE observations (
    at            INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    is_up         INTEGER NOT NULL CONSTRAINT observation_up_is_flag CHECK (is_up IN (0, 1)),
    healthy       INTEGER CONSTRAINT observation_healthy_is_flag CHECK (healthy IN (0, 1)),
    -- As the grid has measured it; NULL where it has not, or the node was not up.
    upload_mbps   INTEGER,
    download_mbps INTEGER,
    PRIMARY KEY (at, node_id)
) STRICT, WITHOUT ROWID;

-- What holds on `observations`, and what follows from a change of it.

CREATE TRIGGER observation_counts_for_day AFTER INSERT ON observations BEGIN
    INSERT INTO observation_days
           (day, node_id, observed, observed_up, healthy, unhealthy, measured, upload_mbps,
            download_mbps)
    SELECT NEW.at / 86400, NEW.node_id, 1, NEW.is_up, NEW.healthy IS 1, NEW.healthy IS 0,
           is_measured, iif(is_measured, NEW.upload_mbps, 0),
           iif(is_measured, NEW.download_mbps, 0)
      FROM (SELECT NEW.upload_mbps IS NOT NULL AND NEW.download_mbps IS NOT NULL AS is_measured)
     WHERE true
        ON CONFLICT (day, node_id) DO UPDATE
       SET observed = observed + 1, observed_up = observed_up + excluded.observed_up,
           healthy = healthy + excluded.healthy, unhealthy = unhealthy + excluded.unhealthy,
           measured = measured + excluded.measured,
           upload_mbps = upload_mbps + excluded.upload_mbps,
           download_mbps = download_mbps + excluded.download_mbps;
END;

-- The observations of a node on a day, which are kept for good.
CREATE TABLE observation_days (
    -- Days since 1970, in UTC.
    day           INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    observed      INTEGER NOT NULL,
    observed_up   INTEGER NOT NULL
                  CONSTRAINT observation_day_up_at_most_observed
                  CHECK (observed_up BETWEEN 0 AND observed),
    healthy       INTEGER NOT NULL,
    unhealthy     INTEGER NOT NULL,
    -- How many observations knew both speeds, and their sums.
    measured      INTEGER NOT NULL,
    upload_mbps   INTEGER NOT NULL,
    download_mbps INTEGER NOT NULL,
    PRIMARY KEY (day, node_id)
) STRICT, WITHOUT ROWID;

-- What the sync saw of a node in a month of UTC.
CREATE TABLE node_months (
    node_id        INTEGER NOT NULL REFERENCES nodes (id),
    -- Such as `2026-11`.
    month          TEXT    NOT NULL,
    observed       INTEGER NOT NULL,
    observed_up    INTEGER NOT NULL
                   CONSTRAINT node_month_up_at_most_observed
                   CHECK (observed_up BETWEEN 0 AND observed),
    -- How often it had been down when its SLA commitment was last evaluated.
    evaluated_down INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node_id, month)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_months_to_evaluate ON node_months (month, node_id)
 WHERE evaluated_down <> observed - observed_up;

-- Nodes that have been down: whether their farmer knows them to be down now, and when the farmer
-- was last notified that it is down: at most once an hour.
CREATE TABLE node_alerts (
    node_id     INTEGER PRIMARY KEY REFERENCES nodes (id),
    is_down     INTEGER NOT NULL CONSTRAINT node_alert_down_is_flag CHECK (is_down IN (0, 1)),
    notified_at INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;

-- What holds on `node_alerts`, and what follows from a change of it.

CREATE TRIGGER new_node_alert_emits_event AFTER INSERT ON node_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-down', farmer_id, id, NEW.changed_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-down', renter_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended';
END;

CREATE TRIGGER node_alert_change_emits_event AFTER UPDATE OF is_down ON node_alerts
  WHEN NEW.is_down <> OLD.is_down
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.is_down THEN 'node-down' ELSE 'node-recovered' END, farmer_id, id,
           NEW.changed_at
      FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT iif(NEW.is_down, 'node-down', 'node-recovered'), renter_id, node_id, slice_number, id,
           NEW.changed_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended';
END;

-- What a farmer was notified of about a month's SLA commitment: each once.
CREATE TABLE sla_alerts (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    month      TEXT    NOT NULL,
    kind       TEXT    NOT NULL
               CONSTRAINT sla_alert_kind_is_known
               CHECK (kind IN ('sla-at-risk', 'sla-missed')),
    created_at INTEGER NOT NULL,
    -- How long the node may still be down this month.
    minutes_left INTEGER,
    PRIMARY KEY (node_id, month, kind)
) STRICT, WITHOUT ROWID;

-- What holds on `sla_alerts`, and what follows from a change of it.

CREATE TRIGGER new_sla_alert_emits_event AFTER INSERT ON sla_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id,
           NEW.month || iif(NEW.minutes_left IS NULL, '', printf(': %d min', NEW.minutes_left)),
           NEW.created_at
      FROM nodes WHERE id = NEW.node_id;
END;

-- The node up to which that job has come; 0 where it begins again. One row.
CREATE TABLE rank_cursor (
    id      INTEGER PRIMARY KEY CONSTRAINT rank_cursor_has_one_row CHECK (id = 1),
    node_id INTEGER NOT NULL
) STRICT;

INSERT INTO rank_cursor (id, node_id) VALUES (1, 0);

-- tables/0008_sla.sql
-- SLA commitments of rentals, what was measured, and the credits that follow.

-- A rental has a tenure for each node, farmer and SLA commitment that it had, one after the other.
CREATE TABLE tenures (
    rental_id          TEXT    NOT NULL REFERENCES rentals (id),
    number             INTEGER NOT NULL CONSTRAINT tenure_number_positive CHECK (number >= 1),
    node_id            INTEGER NOT NULL,
    -- Where it began; NULL for the whole node.
    slice_number       INTEGER,
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The SLA commitment as sold.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER CONSTRAINT tenure_ends_after_start CHECK (ended_at >= started_at),
    -- Up to when it was compared with what was measured, and when that is done next: two days after
    -- the month, when all of it is earned, or at once where the tenure is over; NULL once all is
    -- done.
    evaluated_until    INTEGER NOT NULL,
    evaluate_at        INTEGER
                       CONSTRAINT tenure_evaluated_until_end
                       CHECK (evaluate_at IS NOT NULL OR ended_at IS NOT NULL),
    -- What was earned during it, the platform's part and all, and what of that was evaluated. Of
    -- the rest, a part may still go back to the renter.
    earned_micros      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_earned_not_negative CHECK (earned_micros >= 0),
    evaluated_micros   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_evaluated_not_negative CHECK (evaluated_micros >= 0),
    PRIMARY KEY (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenures_by_evaluation ON tenures (evaluate_at, node_id, evaluated_until)
 WHERE evaluate_at IS NOT NULL;

CREATE INDEX tenures_by_farmer ON tenures (farmer_id, earned_micros, evaluated_micros)
 WHERE evaluate_at IS NOT NULL;

-- What was measured of a tenure in a month against its SLA commitment: the evidence, and what
-- follows. One for each tenure and month.
CREATE TABLE sla_months (
    rental_id          TEXT    NOT NULL,
    -- Such as `2026-11`.
    month              TEXT    NOT NULL
                       CONSTRAINT sla_month_month_is_month
                       CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    tenure             INTEGER NOT NULL,
    node_id            INTEGER NOT NULL,
    renter_id          TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The part of the month that it lived and was paid for.
    from_at            INTEGER NOT NULL,
    until_at           INTEGER NOT NULL
                       CONSTRAINT sla_month_ends_after_start CHECK (until_at > from_at),
    -- The SLA commitment.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    -- The observations that count, and how often it was up then; those that were left out because
    -- of announced maintenance; and those that knew its speed.
    observed           INTEGER NOT NULL
                       CONSTRAINT sla_month_observed_not_negative CHECK (observed >= 0),
    observed_up        INTEGER NOT NULL
                       CONSTRAINT sla_month_observed_up_at_most_observed
                       CHECK (observed_up BETWEEN 0 AND observed),
    excused            INTEGER NOT NULL
                       CONSTRAINT sla_month_excused_not_negative CHECK (excused >= 0),
    measured           INTEGER NOT NULL
                       CONSTRAINT sla_month_measured_at_most_observed
                       CHECK (measured BETWEEN 0 AND observed),
    -- NULL where too little was seen to say.
    measured_uptime    INTEGER
                       CONSTRAINT sla_month_measured_uptime_in_range
                       CHECK (measured_uptime BETWEEN 0 AND 10000),
    measured_mbps      INTEGER
                       CONSTRAINT sla_month_measured_mbps_not_negative CHECK (measured_mbps >= 0),
    -- What that part of the month costs, what of it is credited by the published scale, and that
    -- in money.
    base_micros        INTEGER NOT NULL
                       CONSTRAINT sla_month_base_not_negative CHECK (base_micros >= 0),
    percent            INTEGER NOT NULL
                       CONSTRAINT sla_month_percent_in_range CHECK (percent BETWEEN 0 AND 100),
    credit_micros      INTEGER NOT NULL
                       CONSTRAINT sla_month_credit_at_most_base
                       CHECK (credit_micros BETWEEN 0 AND base_micros),
    evaluated_at       INTEGER NOT NULL,
    -- What the renter has of it by now: less while it is owed, and something else where a dispute
    -- was decided.
    paid_micros        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT sla_month_paid_at_most_base
                       CHECK (paid_micros BETWEEN 0 AND base_micros),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at            INTEGER, machine_seconds
    INTEGER CONSTRAINT sla_month_machine_seconds_not_negative
    CHECK (machine_seconds >= 0), machine_down_seconds
    INTEGER CONSTRAINT sla_month_machine_down_at_most_all
    CHECK (machine_down_seconds BETWEEN 0 AND machine_seconds),
    PRIMARY KEY (rental_id, month, tenure),
    FOREIGN KEY (rental_id, tenure) REFERENCES tenures (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sla_months_owed ON sla_months (owed_at) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_owed_by_farmer ON sla_months (farmer_id) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_by_farmer ON sla_months (farmer_id, evaluated_at, rental_id, month, tenure)
 WHERE credit_micros > 0;

-- What holds on `sla_months`, and what follows from a change of it.

CREATE TRIGGER sla_evidence_never_updated
BEFORE UPDATE OF rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at,
                 min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                 measured_uptime, measured_mbps, base_micros, percent, credit_micros, evaluated_at
    ON sla_months
BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

CREATE TRIGGER sla_evidence_never_deleted BEFORE DELETE ON sla_months BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

-- Somebody says that an evaluation is wrong; the operator decides. Each side does so once.
CREATE TABLE sla_disputes (
    id            TEXT    PRIMARY KEY,
    rental_id     TEXT    NOT NULL,
    month         TEXT    NOT NULL,
    tenure        INTEGER NOT NULL,
    side          TEXT    NOT NULL
                  CONSTRAINT sla_dispute_side_is_known CHECK (side IN ('renter', 'farmer')),
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    words         TEXT    NOT NULL
                  CONSTRAINT sla_dispute_words_length_in_range
                  CHECK (length(words) BETWEEN 1 AND 1000),
    created_at    INTEGER NOT NULL,
    decided_at    INTEGER,
    -- What the operator says to it, and what the renter has of the month then.
    answer        TEXT
                  CONSTRAINT sla_dispute_decided_has_answer
                  CHECK ((answer IS NULL) = (decided_at IS NULL)
                                 AND length(answer) BETWEEN 1 AND 1000),
    credit_micros INTEGER
                  CONSTRAINT sla_dispute_decided_has_credit
                  CHECK ((credit_micros IS NULL) = (decided_at IS NULL)),
    UNIQUE (rental_id, month, tenure, side),
    FOREIGN KEY (rental_id, month, tenure) REFERENCES sla_months (rental_id, month, tenure)
) STRICT;

CREATE INDEX sla_disputes_open ON sla_disputes (id) WHERE decided_at IS NULL;

CREATE INDEX sla_disputes_by_account ON sla_disputes (account_id, id);

-- What holds on `sla_disputes`, and what follows from a change of it.

CREATE TRIGGER disputes_never_deleted BEFORE DELETE ON sla_disputes BEGIN
    SELECT RAISE(ABORT, 'refused: disputes_never_deleted');
END;

CREATE TRIGGER dispute_decided_once BEFORE UPDATE ON sla_disputes
  WHEN OLD.decided_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'refused: dispute_decided');
END;

-- Both sides are notified.
CREATE TRIGGER new_dispute_emits_event AFTER INSERT ON sla_disputes BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-disputed', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           m.month, NEW.created_at
      FROM sla_months m
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.tenure = NEW.tenure;
END;

-- tables/0009_payments.sql
-- Money that comes in by card and leaves as payouts, and what farmers earn.

CREATE TABLE top_ups (
    id              TEXT    PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros   INTEGER NOT NULL
                    CONSTRAINT top_up_amount_in_whole_cents
                    CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    state           TEXT    NOT NULL DEFAULT 'pending'
                    CONSTRAINT top_up_state_is_known
                    CHECK (state IN ('pending', 'paid', 'expired', 'refused')),
    -- Who takes the payment, its id of the page to pay on, and where that is.
    provider        TEXT    NOT NULL
                    CONSTRAINT top_up_provider_is_known CHECK (provider IN ('stripe')),
    session_id      TEXT    UNIQUE,
    url             TEXT
                    CONSTRAINT top_up_session_has_url CHECK ((url IS NULL) = (session_id IS NULL)),
    -- Its id of the payment that paid; no payment pays twice.
    payment_id      TEXT    UNIQUE
                    CONSTRAINT top_up_paid_has_payment
                    CHECK ((payment_id IS NULL) = (state <> 'paid')),
    -- Marks the intention: a retry goes on with it while it has no response.
    idempotency_key TEXT,
    created_at      INTEGER NOT NULL,
    paid_at         INTEGER
                    CONSTRAINT top_up_paid_has_date CHECK ((paid_at IS NULL) = (state <> 'paid')),
    UNIQUE (account_id, idempotency_key)
) STRICT;

CREATE INDEX top_ups_by_account ON top_ups (account_id, id);

CREATE INDEX top_ups_waiting ON top_ups (account_id, created_at) WHERE state = 'pending';

-- Payments that have come in and that nothing was credited for: the operator gives them back, or
-- credits them by hand. Kept as the provider named them, for the top-up may not exist.
CREATE TABLE refused_payments (
    payment_id TEXT    NOT NULL,
    top_up_id  TEXT    NOT NULL,
    reason     TEXT    NOT NULL CONSTRAINT refused_payment_reason_is_known CHECK (reason IN (
                   'unknown-top-up', 'other-amount', 'other-currency', 'paid-twice', 'no-owner')),
    -- In the smallest unit of the currency.
    amount     INTEGER NOT NULL CONSTRAINT refused_payment_amount_not_negative CHECK (amount >= 0),
    currency   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, top_up_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_payments_by_time ON refused_payments (created_at, payment_id);

-- Earnings on their way to a farmer. While one is requested or approved, its amount is held in the
-- escrow of its id; once sent, it has left the ledger.
CREATE TABLE payouts (
    id            TEXT    PRIMARY KEY,
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros INTEGER NOT NULL
                  CONSTRAINT payout_amount_in_whole_cents
                  CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    -- Where it is paid to, as it was when it was requested.
    address       TEXT    NOT NULL
                  CONSTRAINT payout_address_length_in_range
                  CHECK (length(address) BETWEEN 1 AND 200),
    state         TEXT    NOT NULL DEFAULT 'requested'
                  CONSTRAINT payout_state_is_known
                  CHECK (state IN ('requested', 'approved', 'sent', 'done', 'failed',
                                   'canceled')),
    -- Counts the changes of state: who saves one names the version that it saw.
    version       INTEGER NOT NULL DEFAULT 1,
    -- What the operator calls the transfer.
    reference     TEXT
                  CONSTRAINT payout_sent_has_reference
                  CHECK (state NOT IN ('sent', 'done') OR reference IS NOT NULL),
    -- Why it failed.
    note          TEXT
                  CONSTRAINT payout_failed_has_note
                  CHECK ((note IS NOT NULL) = (state = 'failed')),
    requested_at  INTEGER NOT NULL,
    approved_at   INTEGER,
    sent_at       INTEGER
                  CONSTRAINT payout_sent_has_date
                  CHECK (state NOT IN ('sent', 'done') OR sent_at IS NOT NULL),
    finished_at   INTEGER
                  CONSTRAINT payout_finished_has_date
                  CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'canceled')))
) STRICT;

CREATE INDEX payouts_by_account ON payouts (account_id, id);

CREATE INDEX payouts_by_state ON payouts (state, id);

CREATE INDEX payouts_open ON payouts (account_id) WHERE state IN ('requested', 'approved', 'sent');

-- What holds on `payouts`, and what follows from a change of it.

CREATE TRIGGER payouts_never_deleted BEFORE DELETE ON payouts BEGIN
    SELECT RAISE(ABORT, 'refused: payouts_never_deleted');
END;

-- What a farmer has earned with a node in a month of UTC, such as `2026-11`, and what of it went to
-- renters for missed SLA commitments. Kept by a trigger in the statement that books.
CREATE TABLE farm_months (
    farmer_id       TEXT    NOT NULL REFERENCES accounts (id),
    month           TEXT    NOT NULL
                    CONSTRAINT farm_month_month_is_month
                    CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    node_id         INTEGER NOT NULL REFERENCES nodes (id),
    earned_micros   INTEGER NOT NULL
                    CONSTRAINT farm_month_earned_not_negative CHECK (earned_micros >= 0),
    credited_micros INTEGER NOT NULL
                    CONSTRAINT farm_month_credited_not_negative CHECK (credited_micros >= 0),
    PRIMARY KEY (farmer_id, month, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX farm_months_by_node ON farm_months (node_id, month);

-- What a farmer has earned on a day of UTC, such as `2026-11-22`, with all nodes.
CREATE TABLE farm_days (
    farmer_id     TEXT    NOT NULL REFERENCES accounts (id),
    day           TEXT    NOT NULL
                  CONSTRAINT farm_day_day_is_day
                  CHECK (day GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    earned_micros INTEGER NOT NULL
                  CONSTRAINT farm_day_earned_not_negative CHECK (earned_micros >= 0),
    PRIMARY KEY (farmer_id, day)
) STRICT, WITHOUT ROWID;

-- tables/0010_market.sql
-- What the market offered and rented, for comparison.

-- The hour since 1970 of the last sample. To move it on takes one, in the same statement: a run
-- that comes second finds it moved.
CREATE TABLE market_clock (
    id           INTEGER PRIMARY KEY CONSTRAINT market_clock_has_one_row CHECK (id = 1),
    sampled_hour INTEGER NOT NULL
) STRICT;

INSERT INTO market_clock (id, sampled_hour) VALUES (1, 0);

-- What holds on `market_clock`, and what follows from a change of it.

CREATE TRIGGER new_hour_samples_market AFTER UPDATE OF sampled_hour ON market_clock
  WHEN NEW.sampled_hour > OLD.sampled_hour
BEGIN
    INSERT INTO node_days (node_id, day, price_micros, samples, offered, rented)
    SELECT id, NEW.sampled_hour / 24, price_micros, 1, offered, rented
      FROM (SELECT id, price_micros, allocated_slices AS rented,
                   available_slices + reserved_slices + allocated_slices AS offered
              FROM nodes
             WHERE price_micros IS NOT NULL AND (listing = 'published' OR allocated_slices > 0)
               AND listing = 'published' AND status = 'up'
               AND available_slices + reserved_slices + allocated_slices > 0
             LIMIT 20000)
     WHERE true
        ON CONFLICT (node_id, day) DO UPDATE
       SET price_micros = excluded.price_micros, samples = samples + 1,
           offered = offered + excluded.offered, rented = rented + excluded.rented;
END;

-- What the market knows of a node that was ever on it.
CREATE TABLE market_nodes (
    node_id          INTEGER PRIMARY KEY REFERENCES nodes (id),
    -- When it last went on the market.
    offered_since    INTEGER NOT NULL,
    -- When its price was last compared; NULL while it is off the market.
    checked_at       INTEGER,
    -- When another price was last suggested to the farmer, and which.
    suggested_at     INTEGER,
    suggested_micros INTEGER
                     CONSTRAINT market_node_suggestion_has_price
                     CHECK ((suggested_micros IS NULL) = (suggested_at IS NULL))
) STRICT;

CREATE INDEX market_nodes_by_check ON market_nodes (checked_at) WHERE checked_at IS NOT NULL;

-- What holds on `market_nodes`, and what follows from a change of it.

CREATE TRIGGER price_suggestion_emits_event AFTER UPDATE OF suggested_at ON market_nodes
  WHEN NEW.suggested_at IS NOT OLD.suggested_at
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'price-suggested', farmer_id, id,
           printf('node%d: $%d.%02d', id, NEW.suggested_micros / 1000000,
                  NEW.suggested_micros / 10000 % 100),
           NEW.suggested_at
      FROM nodes WHERE id = NEW.node_id;
END;

-- What a node offered and rented on a day, as seen once an hour while it was on the market and up.
CREATE TABLE node_days (
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    -- Days since 1970, in UTC.
    day          INTEGER NOT NULL,
    -- Per slice and month, at the last sample.
    price_micros INTEGER NOT NULL CONSTRAINT node_day_price_positive CHECK (price_micros > 0),
    samples      INTEGER NOT NULL
                 CONSTRAINT node_day_samples_in_range CHECK (samples BETWEEN 1 AND 24),
    -- Sums over the samples of the slices that were free, held or rented, and of those rented.
    offered      INTEGER NOT NULL CONSTRAINT node_day_offered_positive CHECK (offered > 0),
    rented       INTEGER NOT NULL
                 CONSTRAINT node_day_rented_at_most_offered CHECK (rented BETWEEN 0 AND offered),
    PRIMARY KEY (node_id, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_days_by_day ON node_days (day);

-- How long a slice waited for a rental that began: since its node last went on the market, or since
-- its last rental ended (or that of the whole node), whatever is later. Whole nodes are left out:
-- they wait for the end of other rentals. So is what was rented before there were slices.
CREATE TABLE rentals_begun (
    rental_id      TEXT    PRIMARY KEY REFERENCES rentals (id),
    node_id        INTEGER NOT NULL REFERENCES nodes (id),
    began_at       INTEGER NOT NULL,
    waited_seconds INTEGER NOT NULL
                   CONSTRAINT rental_begun_waited_seconds_not_negative CHECK (waited_seconds >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX rentals_begun_by_node ON rentals_begun (node_id, began_at);

-- Searches of the market that found nothing, by day. The country is a known one, or empty.
CREATE TABLE unmet_searches (
    country   TEXT    NOT NULL,
    certified INTEGER NOT NULL
              CONSTRAINT unmet_search_certified_is_flag CHECK (certified IN (0, 1)),
    -- Days since 1970, in UTC.
    day       INTEGER NOT NULL,
    -- At most one a minute.
    count     INTEGER NOT NULL
              CONSTRAINT unmet_search_count_in_range CHECK (count BETWEEN 1 AND 1440),
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (country, certified, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX unmet_searches_by_day ON unmet_searches (day);

-- tables/0011_notifications.sql
-- Telling people: mails, notifications and webhooks.

CREATE TABLE mails (
    id          TEXT    PRIMARY KEY,
    -- The account that it is about; it goes with it.
    account_id  TEXT    REFERENCES accounts (id),
    -- Which mail, such as `sign-up`.
    kind        TEXT    NOT NULL,
    -- Recipient, subject and text, encrypted. A mail that failed keeps it, so that it can be tried
    -- again; one that was sent has no more use for it.
    sealed      BLOB,
    state       TEXT    NOT NULL DEFAULT 'waiting'
                CONSTRAINT mail_state_is_known CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next. An attempt moves this on before it begins: nobody else takes the mail
    -- meanwhile, and one whose sender dies is tried again.
    due_at      INTEGER NOT NULL,
    -- What the mail transport said last; no address and no text of the mail.
    last_error  TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
                CONSTRAINT mail_finished_has_date
                CHECK ((finished_at IS NULL) = (state = 'waiting')),
    CONSTRAINT mail_sealed_until_sent CHECK ((sealed IS NULL) = (state = 'sent'))
) STRICT;

CREATE INDEX mails_by_due ON mails (due_at, id) WHERE state = 'waiting';

CREATE INDEX mails_by_state ON mails (state, finished_at);

CREATE INDEX mails_by_account ON mails (account_id);

-- What an account has chosen otherwise than the defaults, which are in the code.
CREATE TABLE notification_settings (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    kind       TEXT    NOT NULL,
    channel    TEXT    NOT NULL
               CONSTRAINT notification_setting_channel_is_known
               CHECK (channel IN ('page', 'mail', 'webhook')),
    is_on      INTEGER NOT NULL CONSTRAINT notification_setting_on_is_flag CHECK (is_on IN (0, 1)),
    PRIMARY KEY (account_id, kind, channel)
) STRICT, WITHOUT ROWID;

-- Up to which event mails and messages to webhooks have been made. One row.
CREATE TABLE notification_cursor (
    id       INTEGER PRIMARY KEY CONSTRAINT notification_cursor_has_one_row CHECK (id = 1),
    event_id INTEGER NOT NULL
) STRICT;

INSERT INTO notification_cursor (id, event_id) VALUES (1, 0);

-- Where an account wants to be notified by a request.
CREATE TABLE webhooks (
    id            TEXT    PRIMARY KEY,
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    url           TEXT    NOT NULL
                  CONSTRAINT webhook_url_length_in_range CHECK (length(url) BETWEEN 1 AND 500),
    -- What its messages are signed with, encrypted.
    sealed        BLOB    NOT NULL,
    created_at    INTEGER NOT NULL,
    -- Since when nothing has got through; NULL while it does.
    failing_since INTEGER,
    -- It gets no more events from then on, until a test gets through.
    disabled_at   INTEGER
) STRICT;

CREATE INDEX webhooks_by_account ON webhooks (account_id, id);

-- What holds on `webhooks`, and what follows from a change of it.

CREATE TRIGGER webhook_deletion_deletes_deliveries BEFORE DELETE ON webhooks BEGIN
    DELETE FROM webhook_deliveries WHERE webhook_id = OLD.id;
END;

-- The owner is notified, and waiting messages are not sent; they can be replayed.
CREATE TRIGGER disabled_webhook_fails_deliveries AFTER UPDATE OF disabled_at ON webhooks
  WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL
BEGIN
    UPDATE webhook_deliveries
       SET state = 'failed', finished_at = NEW.disabled_at,
           last_error = coalesce(last_error, 'the webhook was disabled')
     WHERE webhook_id = NEW.id AND state = 'waiting';
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('webhook-disabled', NEW.account_id, NEW.id, NEW.disabled_at);
END;

-- One message to a webhook, and what became of it.
CREATE TABLE webhook_deliveries (
    id          TEXT    PRIMARY KEY,
    webhook_id  TEXT    NOT NULL REFERENCES webhooks (id),
    -- The event that it is about; NULL for a test.
    event_id    INTEGER,
    -- What it says, such as `slice-rented`.
    kind        TEXT    NOT NULL,
    -- The very bytes that are sent.
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'waiting'
                CONSTRAINT webhook_delivery_state_is_known
                CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next. An attempt moves this on before it begins: nobody else takes it
    -- meanwhile, and one whose sender dies is tried again.
    due_at      INTEGER NOT NULL,
    -- What the last attempt was answered with, and why it failed; nothing of the answer's body.
    last_status INTEGER,
    last_error  TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER
                CONSTRAINT webhook_delivery_finished_has_date
                CHECK ((finished_at IS NULL) = (state = 'waiting'))
) STRICT;

-- An event is sent to a webhook once.
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event_id)
 WHERE event_id IS NOT NULL;

CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);

CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (webhook_id, due_at, id)
 WHERE state = 'waiting';

CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (finished_at)
 WHERE finished_at IS NOT NULL;

-- What holds on `webhook_deliveries`, and what follows from a change of it.

-- Whatever gets through shows that the endpoint works, also if it was disabled.
CREATE TRIGGER sent_delivery_enables_webhook AFTER UPDATE OF state ON webhook_deliveries
  WHEN NEW.state = 'sent'
BEGIN
    UPDATE webhooks SET failing_since = NULL, disabled_at = NULL
     WHERE id = NEW.webhook_id AND failing_since IS NOT NULL;
END;

-- tables/0012_status.sql
-- How recurring jobs go, and the state of the market.

-- When each recurring job was last done: one row for each.
CREATE TABLE job_runs (
    name          TEXT    PRIMARY KEY,
    -- When a run last took it on; NULL for a job that every run of its component does.
    begun_at      INTEGER,
    -- When the last run began that is done.
    started_at    INTEGER NOT NULL,
    took_ms       INTEGER NOT NULL CONSTRAINT job_run_took_ms_not_negative CHECK (took_ms >= 0),
    -- What went wrong the last time; NULL where nothing did.
    failure       TEXT    CONSTRAINT job_run_failure_length_in_range CHECK (length(failure) <= 500),
    -- Since when it has failed every time; NULL where it does not.
    failing_since INTEGER
                  CONSTRAINT job_run_failure_has_start
                  CHECK ((failing_since IS NULL) = (failure IS NULL)),
    runs          INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;

-- When each invariant was last checked, and what was found.
CREATE TABLE invariant_checks (
    id         TEXT    PRIMARY KEY,
    violations INTEGER NOT NULL
               CONSTRAINT invariant_check_violations_not_negative CHECK (violations >= 0),
    checked_at INTEGER NOT NULL,
    -- Since when it is broken; NULL while it holds.
    broken_at  INTEGER
               CONSTRAINT invariant_check_broken_has_start
               CHECK ((broken_at IS NULL) = (violations = 0))
) STRICT, WITHOUT ROWID;

-- The rest, as a job wrote it down last: a JSON object. One row, once there is one.
CREATE TABLE market_status (
    id         INTEGER PRIMARY KEY CONSTRAINT market_status_has_one_row CHECK (id = 1),
    document   TEXT    NOT NULL,
    written_at INTEGER NOT NULL
) STRICT;

-- How often a change has met a rule of the schema that the code should have kept: bugs of ours.
CREATE TABLE violations (
    -- The rule, such as `order_total_wrong` or `UNIQUE orders.id`.
    name    TEXT    PRIMARY KEY,
    count   INTEGER NOT NULL CONSTRAINT violation_count_positive CHECK (count > 0),
    last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- tables/0013_machines.sql
-- Machines after they were set up.

-- Machines from before there were reports are known once their agent has reported them.
INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
SELECT j.id, j.node_id, j.agent, 'running', j.changed_at, j.changed_at
  FROM jobs j JOIN rentals r ON r.id = j.rental_id
 WHERE j.kind = 'create' AND j.state = 'done' AND j.agent IS NOT NULL AND r.state <> 'ended'
   AND r.node_id = j.node_id AND coalesce(r.slice_number, j.slice_number) = j.slice_number;

-- What holds on `machines`, and what follows from a change of it.

-- A machine that its renter cannot use; and one that is back, if they were notified that it was
-- not. That it is off is no news to a renter who has shut it down here.
CREATE TRIGGER machine_change_emits_events AFTER UPDATE OF state ON machines
  WHEN NEW.state <> OLD.state AND NEW.state <> 'starting'
   AND (NEW.state <> 'off' OR NEW.should_run = 1)
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'running', 'machine-up', 'machine-down'), r.renter_id, r.farmer_id,
           j.node_id, j.slice_number, r.id, NEW.state, NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id
       AND (NEW.state <> 'running'
            OR 'machine-down' = (SELECT kind FROM events
                                  WHERE rental_id = r.id AND slice_number = j.slice_number
                                    AND kind IN ('machine-down', 'machine-up')
                                  ORDER BY id DESC LIMIT 1));
END;

CREATE TRIGGER machine_outage_begins AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 1 AND OLD.is_outage = 0
BEGIN
    INSERT INTO outages (node_id, job_id, from_at)
    VALUES (NEW.node_id, NEW.job_id, iif(NEW.state = OLD.state, NEW.reported_at, NEW.since));
END;

CREATE TRIGGER machine_outage_ends AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 0 AND OLD.is_outage = 1
BEGIN
    UPDATE outages SET until_at = max(from_at, NEW.reported_at)
     WHERE job_id = NEW.job_id AND until_at IS NULL;
END;

-- Once, until there was room again.
CREATE TRIGGER machine_disk_filling_emits_event AFTER UPDATE OF is_disk_filling ON machines
  WHEN NEW.is_disk_filling = 1 AND OLD.is_disk_filling = 0
BEGIN
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'machine-disk-filling', r.renter_id, j.node_id, j.slice_number, r.id,
           printf('%d%%', min(NEW.file_system_used_bytes, NEW.file_system_bytes) * 100
                          / max(NEW.file_system_bytes, 1)),
           NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id;
END;

-- tables/0014_servers.sql
-- What renters have of their machines while these run, and outages.

CREATE TABLE machines (
    -- The job that created it.
    job_id       TEXT    PRIMARY KEY REFERENCES jobs (id),
    -- Who has it: the agent that created it, or whoever goes on under its name.
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    agent        TEXT    NOT NULL,
    state        TEXT    NOT NULL CONSTRAINT machine_state_is_known CHECK (state IN (
                     'running', 'starting', 'unreachable', 'paused', 'off', 'lost')),
    since        INTEGER NOT NULL,
    -- Since when its SSH port does not answer, before it is held to be unreachable.
    silent_since INTEGER
                 CONSTRAINT machine_silent_while_running
                 CHECK (silent_since IS NULL OR state = 'running'),
    reported_at  INTEGER NOT NULL,
    -- Whether its renter wants it to run: not after a shutdown that they asked for.
    should_run   INTEGER NOT NULL DEFAULT 1
                 CONSTRAINT machine_should_run_is_boolean CHECK (should_run IN (0, 1)),
    -- What can be done with it, as its agent last reported it: a JSON array of names, which are in
    -- `domain::capability`. Agents of earlier versions report nothing, and switch machines.
    can          TEXT    NOT NULL DEFAULT '["power"]'
                 CONSTRAINT machine_can_is_json CHECK (json_valid(can)),
    -- Whether its farm is why it cannot be used.
    is_outage    INTEGER NOT NULL DEFAULT 0
                 CONSTRAINT machine_is_outage_is_boolean CHECK (is_outage IN (0, 1))
, cpu_percent
    INTEGER
    CONSTRAINT machine_cpu_not_negative CHECK (cpu_percent >= 0), memory_bytes
    INTEGER
    CONSTRAINT machine_memory_not_negative CHECK (memory_bytes >= 0), disk_bytes
    INTEGER
    CONSTRAINT machine_disk_not_negative CHECK (disk_bytes >= 0), network_in_bytes
    INTEGER
    CONSTRAINT machine_network_in_not_negative
    CHECK (network_in_bytes >= 0), network_out_bytes
    INTEGER
    CONSTRAINT machine_network_out_not_negative
    CHECK (network_out_bytes >= 0), file_system_bytes
    INTEGER
    CONSTRAINT machine_file_system_not_negative
    CHECK (file_system_bytes >= 0), file_system_used_bytes
    INTEGER
    CONSTRAINT machine_file_system_used_not_negative
    CHECK (file_system_used_bytes >= 0), is_disk_filling
    INTEGER NOT NULL DEFAULT 0
    CONSTRAINT machine_is_disk_filling_is_boolean
    CHECK (is_disk_filling IN (0, 1))) STRICT, WITHOUT ROWID;

CREATE INDEX machines_by_node ON machines (node_id, agent);

-- What holds on `machines`, and what follows from a change of it.

-- A machine that its renter cannot use; and one that is back, if they were notified that it was
-- not. That it is off is no news to a renter who has shut it down here.
CREATE TRIGGER machine_change_emits_events AFTER UPDATE OF state ON machines
  WHEN NEW.state <> OLD.state AND NEW.state <> 'starting'
   AND (NEW.state <> 'off' OR NEW.should_run = 1)
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'running', 'machine-up', 'machine-down'), r.renter_id, r.farmer_id,
           j.node_id, j.slice_number, r.id, NEW.state, NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id
       AND (NEW.state <> 'running'
            OR 'machine-down' = (SELECT kind FROM events
                                  WHERE rental_id = r.id AND slice_number = j.slice_number
                                    AND kind IN ('machine-down', 'machine-up')
                                  ORDER BY id DESC LIMIT 1));
END;

CREATE TRIGGER machine_outage_begins AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 1 AND OLD.is_outage = 0
BEGIN
    INSERT INTO outages (node_id, job_id, from_at)
    VALUES (NEW.node_id, NEW.job_id, iif(NEW.state = OLD.state, NEW.reported_at, NEW.since));
END;

CREATE TRIGGER machine_outage_ends AFTER UPDATE OF is_outage ON machines
  WHEN NEW.is_outage = 0 AND OLD.is_outage = 1
BEGIN
    UPDATE outages SET until_at = max(from_at, NEW.reported_at)
     WHERE job_id = NEW.job_id AND until_at IS NULL;
END;

-- Once, until there was room again.
CREATE TRIGGER machine_disk_filling_emits_event AFTER UPDATE OF is_disk_filling ON machines
  WHEN NEW.is_disk_filling = 1 AND OLD.is_disk_filling = 0
BEGIN
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'machine-disk-filling', r.renter_id, j.node_id, j.slice_number, r.id,
           printf('%d%%', min(NEW.file_system_used_bytes, NEW.file_system_bytes) * 100
                          / max(NEW.file_system_bytes, 1)),
           NEW.reported_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id;
END;

CREATE TABLE machine_actions (
    id           TEXT    PRIMARY KEY,
    -- The machine, by the job that created it, and its rental.
    job_id       TEXT    NOT NULL REFERENCES jobs (id),
    rental_id    TEXT    NOT NULL REFERENCES rentals (id),
    kind         TEXT    NOT NULL CONSTRAINT machine_action_kind_is_known CHECK (kind IN (
                     'start', 'shutdown', 'restart', 'reset', 'set-keys', 'rebuild',
                     'set-password', 'set-ports')),
    state        TEXT    NOT NULL CONSTRAINT machine_action_state_is_known
                 CHECK (state IN ('waiting', 'leased', 'done', 'failed', 'canceled')),
    -- Who asked; NULL for the market.
    requested_by TEXT    REFERENCES accounts (id),
    -- Counts its leases.
    fence        INTEGER NOT NULL DEFAULT 0,
    -- When it can be leased next: once its pause or its lease is over.
    due_at       INTEGER NOT NULL,
    -- When it has failed, unless it is done.
    expires_at   INTEGER NOT NULL,
    -- Why it failed last, in the agent's words.
    reason       TEXT    CONSTRAINT machine_action_reason_length_in_range
                 CHECK (length(reason) <= 500),
    -- What a console password comes to by crypt(3), until the action is over.
    password_hash TEXT   CONSTRAINT machine_action_password_of_its_kind
                 CHECK (password_hash IS NULL OR kind = 'set-password'),
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL
) STRICT;

-- One at a time.
CREATE UNIQUE INDEX machine_actions_one_open ON machine_actions (job_id)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_job ON machine_actions (job_id, id);

CREATE INDEX machine_actions_by_account ON machine_actions (requested_by)
 WHERE requested_by IS NOT NULL;

CREATE INDEX machine_actions_by_due ON machine_actions (due_at)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_expiry ON machine_actions (expires_at)
 WHERE state IN ('waiting', 'leased');

CREATE INDEX machine_actions_by_age ON machine_actions (changed_at)
 WHERE state IN ('done', 'failed', 'canceled');

-- What follows from a change of `machine_actions`.

-- The hash of a password is kept no longer than it takes to set it.
CREATE TRIGGER finished_machine_action_forgets_password AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state NOT IN ('waiting', 'leased') AND NEW.password_hash IS NOT NULL
BEGIN
    UPDATE machine_actions SET password_hash = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER finished_machine_action_emits_event AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state IN ('done', 'failed') AND NEW.state <> OLD.state
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'done', 'machine-action-done', 'machine-action-failed'), r.renter_id,
           r.farmer_id, j.node_id, j.slice_number, r.id, NEW.kind, NEW.changed_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
END;

-- A machine that could not be shut down still runs, and should be watched as one that should.
CREATE TRIGGER failed_shutdown_leaves_machine_running AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state = 'failed' AND NEW.state <> OLD.state AND NEW.kind = 'shutdown'
BEGIN
    UPDATE machines SET should_run = 1 WHERE job_id = NEW.job_id;
END;

-- The ports that are to be reachable beside that of SSH, of each machine of a rental.
CREATE TABLE rental_ports (
    rental_id TEXT    NOT NULL REFERENCES rentals (id),
    transport TEXT    NOT NULL
              CONSTRAINT rental_port_transport_is_known CHECK (transport IN ('tcp', 'udp')),
    number    INTEGER NOT NULL
              CONSTRAINT rental_port_number_in_range CHECK (number BETWEEN 1 AND 65535),
    PRIMARY KEY (rental_id, transport, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE setups (
    rental_id        TEXT    PRIMARY KEY REFERENCES rentals (id),
    -- The public keys that get in, a JSON array of lines; an empty one while there is none.
    ssh_keys         TEXT    NOT NULL DEFAULT '[]'
                     CONSTRAINT setup_ssh_keys_are_json CHECK (json_valid(ssh_keys)),
    template         TEXT,
    template_version INTEGER
                     CONSTRAINT setup_template_has_version
                     CHECK ((template_version IS NULL) = (template IS NULL)),
    -- The renter's own user data, encrypted.
    sealed           BLOB,
    CONSTRAINT setup_template_or_user_data CHECK (template IS NULL OR sealed IS NULL)
) STRICT;

-- When a node was down, or a machine could not be used through its farm's side. What follows for
-- money is in `domain::outage`.
CREATE TABLE outages (
    id          INTEGER PRIMARY KEY,
    node_id     INTEGER NOT NULL REFERENCES nodes (id),
    -- The machine, by the job that created it; NULL for the whole node.
    job_id      TEXT    REFERENCES jobs (id),
    from_at     INTEGER NOT NULL,
    -- NULL while it goes on.
    until_at    INTEGER CONSTRAINT outage_ends_after_start CHECK (until_at >= from_at),
    -- When the node was last seen to be down; NULL for a machine, which is down until the opposite
    -- is reported.
    seen_at     INTEGER
                CONSTRAINT outage_of_node_is_seen CHECK ((seen_at IS NULL) = (job_id IS NOT NULL)),
    -- When renter and farmer were notified that it has lasted for a day.
    notified_at INTEGER
) STRICT;

CREATE UNIQUE INDEX outages_one_open_per_node ON outages (node_id)
 WHERE until_at IS NULL AND job_id IS NULL;

CREATE UNIQUE INDEX outages_one_open_per_machine ON outages (job_id)
 WHERE until_at IS NULL AND job_id IS NOT NULL;

CREATE INDEX outages_by_node ON outages (node_id, from_at);

CREATE INDEX outages_by_machine ON outages (job_id, from_at) WHERE job_id IS NOT NULL;

CREATE INDEX outages_by_notice ON outages (from_at) WHERE until_at IS NULL AND notified_at IS NULL;

CREATE INDEX outages_by_end ON outages (until_at) WHERE until_at IS NOT NULL;

INSERT INTO ledger_kinds (kind) VALUES ('outage-refund');

-- tables/0015_trust.sql
-- What nobody may lose by somebody else's mistake.

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

-- Which looks at a rental's access are in the audit log: one of each hour is enough.
CREATE INDEX audit_by_view ON audit (account_id, subject, id) WHERE action = 'access-viewed';

-- What holds on `audit`, and what follows from a change of it.

CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'audit' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

CREATE INDEX rentals_by_renewal_token ON rentals (renew_token_id)
 WHERE renew_token_id IS NOT NULL AND state <> 'ended';

-- What holds on `rentals`, and what follows from a change of it.

CREATE TRIGGER rentals_never_deleted BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'refused: rentals_never_deleted');
END;

CREATE TRIGGER rental_ends_once BEFORE UPDATE ON rentals WHEN OLD.state = 'ended'
  AND (NEW.state <> 'ended' OR NEW.ended_at <> OLD.ended_at)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_ends_once');
END;

CREATE TRIGGER rental_start_records_wait AFTER INSERT ON rentals
  WHEN NEW.slice_number IS NOT NULL
   AND (SELECT kind FROM orders WHERE id = NEW.order_id) = 'rental'
BEGIN
    INSERT INTO rentals_begun (rental_id, node_id, began_at, waited_seconds)
    SELECT NEW.id, NEW.node_id, NEW.started_at,
           max(0, NEW.started_at - max(
               m.offered_since,
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number = NEW.slice_number
                            AND state = 'ended'), 0),
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number IS NULL
                            AND state = 'ended'), 0)))
      FROM market_nodes m WHERE m.node_id = NEW.node_id;
END;

CREATE TRIGGER rental_end_ends_tenure AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    UPDATE tenures
       SET ended_at = max(started_at, evaluated_until, NEW.ended_at),
           evaluate_at = max(started_at, evaluated_until, NEW.ended_at)
     WHERE rental_id = NEW.id AND ended_at IS NULL;
END;

CREATE TRIGGER rental_end_closes_ports AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    DELETE FROM rental_ports WHERE rental_id = NEW.id;
END;

-- How often an account has held a slice of late.
CREATE INDEX quotes_unused ON quotes (account_id, expires_at) WHERE used_at IS NULL;

-- What follows from a change of `quotes`.

-- A turn of the waitlist is over with the hold: used, given back or lapsed.
CREATE TRIGGER hold_over_ends_turn AFTER UPDATE OF held_until ON quotes
  WHEN OLD.held_until IS NOT NULL AND NEW.held_until IS NULL
BEGIN
    DELETE FROM waitlist WHERE quote_id = NEW.id;
END;

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

-- tables/0016_archives.sql
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

-- What holds on `archives`, and what follows from a change of it.

CREATE TRIGGER archives_never_updated BEFORE UPDATE ON archives BEGIN
    SELECT RAISE(ABORT, 'refused: archives_append_only');
END;

CREATE TRIGGER archives_never_deleted BEFORE DELETE ON archives BEGIN
    SELECT RAISE(ABORT, 'refused: archives_append_only');
END;

-- What a ledger account held after the last of its entries that was removed, so that those that
-- are left run on from there.
CREATE TABLE ledger_openings (
    ledger_account_id INTEGER PRIMARY KEY REFERENCES ledger_accounts (id),
    transaction_id    INTEGER NOT NULL,
    balance_micros    INTEGER NOT NULL
) STRICT;

CREATE INDEX ledger_openings_by_transaction ON ledger_openings (transaction_id);

-- What holds on `ledger_openings`, and what follows from a change of it.

CREATE TRIGGER ledger_openings_only_move_on BEFORE UPDATE ON ledger_openings
  WHEN NEW.ledger_account_id <> OLD.ledger_account_id OR NEW.transaction_id <= OLD.transaction_id
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- One that opens with nothing says nothing.
CREATE TRIGGER ledger_openings_never_deleted BEFORE DELETE ON ledger_openings
  WHEN OLD.balance_micros <> 0
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- tables/0017_integrity_scans.sql
-- Integrity checks whose cost does not grow with history.

-- How far integrity checks have come in the tables whose rows are kept: one row for each check and
-- each table that it scans.
CREATE TABLE integrity_scans (
    invariant TEXT    NOT NULL,
    -- Such as `ledger transactions`.
    history   TEXT    NOT NULL,
    -- New rows are checked up to this one.
    new_after INTEGER NOT NULL,
    -- The pass over all rows has come up to this one; after the last row it begins again.
    old_after INTEGER NOT NULL,
    PRIMARY KEY (invariant, history)
) STRICT, WITHOUT ROWID;

-- Where rentals begin, move and end, in order.
CREATE INDEX events_of_places ON events (node_id, slice_number, id)
 WHERE kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                'rental-moved-in', 'rental-moved-out', 'rental-ended');

CREATE INDEX events_of_moves ON events (node_id)
 WHERE kind IN ('rental-moved-in', 'rental-moved-out');

-- What holds on `events`, and what follows from a change of it.

CREATE TRIGGER event_audience_matches_kind BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM event_kinds
              WHERE kind = NEW.kind
                AND (for_renter < (NEW.renter_id IS NOT NULL)
                     OR for_farmer < (NEW.farmer_id IS NOT NULL)))
BEGIN
    SELECT RAISE(ABORT, 'refused: event_audience_matches_kind');
END;

CREATE TRIGGER events_never_updated BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER events_never_deleted BEFORE DELETE ON events
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'events' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER event_enters_audit_log AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, NEW.subject, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;

CREATE INDEX ledger_accounts_below_zero ON ledger_accounts (kind) WHERE balance_micros < 0;

CREATE INDEX jobs_to_create ON jobs (rental_id)
 WHERE kind = 'create' AND state IN ('needs-key', 'waiting', 'leased', 'failed');

CREATE INDEX jobs_to_remove ON jobs (node_id, slice_number)
 WHERE kind = 'remove' AND state <> 'done';

-- What holds on `jobs`, and what follows from a change of it.

CREATE TRIGGER jobs_never_deleted BEFORE DELETE ON jobs BEGIN
    SELECT RAISE(ABORT, 'refused: jobs_never_deleted');
END;

-- The events of a job have one order: its end, and the step that it has reached.
CREATE TRIGGER job_change_emits_events AFTER UPDATE OF state, step ON jobs BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.kind = 'remove' THEN 'slice-removed'
                WHEN NEW.state = 'done' THEN 'access-ready' ELSE 'access-failed' END,
           iif(NEW.kind = 'create', renter_id, NULL), farmer_id, NEW.node_id, NEW.slice_number,
           iif(NEW.kind = 'create', id, NULL), NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.state <> OLD.state
       AND (NEW.state = 'done' OR (NEW.state = 'failed' AND NEW.kind = 'create'));
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'access-progress', renter_id, farmer_id, NEW.node_id, NEW.slice_number, id, NEW.step,
           NEW.changed_at
      FROM rentals
     WHERE id = NEW.rental_id AND NEW.kind = 'create' AND NEW.step IS NOT NULL
       AND NEW.step IS NOT OLD.step;
END;

-- A slice whose machine is removed is free again, where the node can carry it.
CREATE TRIGGER finished_removal_frees_slice AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'remove' AND NEW.state = 'done' AND OLD.state <> 'done'
BEGIN
    UPDATE slices SET removing_job = NULL WHERE removing_job = NEW.id;
    UPDATE nodes SET capacity = capacity WHERE id = NEW.node_id;
END;

-- A machine that an agent created is watched from then on.
CREATE TRIGGER created_machine_is_watched AFTER UPDATE OF state ON jobs
  WHEN NEW.kind = 'create' AND NEW.state = 'done' AND OLD.state <> 'done' AND NEW.is_by_hand = 0
BEGIN
    INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
    VALUES (NEW.id, NEW.node_id, NEW.agent, 'running', NEW.changed_at, NEW.changed_at);
END;

-- What a farmer has to do by hand, they are notified of: at once, or once there is an SSH key.
CREATE TRIGGER job_by_hand_emits_event AFTER INSERT ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES (iif(NEW.kind = 'create', 'manual-setup', 'manual-removal'), NEW.farmer_id, NEW.node_id,
            NEW.slice_number, iif(NEW.kind = 'create', NEW.rental_id, NULL), NEW.created_at);
END;

CREATE TRIGGER job_by_hand_with_key_emits_event AFTER UPDATE OF state ON jobs
  WHEN NEW.is_by_hand = 1 AND NEW.state = 'waiting' AND OLD.state = 'needs-key'
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    VALUES ('manual-setup', NEW.farmer_id, NEW.node_id, NEW.slice_number, NEW.rental_id,
            NEW.changed_at);
END;

CREATE INDEX sla_months_by_evaluation ON sla_months (evaluated_at);

-- What holds on `sla_months`, and what follows from a change of it.

CREATE TRIGGER sla_evidence_never_updated
BEFORE UPDATE OF rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at,
                 min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                 measured_uptime, measured_mbps, base_micros, percent, credit_micros, evaluated_at
    ON sla_months
BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

CREATE TRIGGER sla_evidence_never_deleted BEFORE DELETE ON sla_months BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

-- tables/0018_trust_of_earnings.sql
-- What is earned with farms that nobody has verified, what leaving the market costs, and refunds of

-- What an account has earned with farms that it has not verified and that have not been used for a
-- month either. It is not paid out.
CREATE TABLE unproven_earnings (
    owner_id   TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    -- Until when the payments by card that it comes from may be taken back; 0 where they may not.
    settles_at INTEGER NOT NULL,
    micros     INTEGER NOT NULL CONSTRAINT unproven_earnings_positive CHECK (micros > 0),
    PRIMARY KEY (owner_id, farm_id, settles_at)
) STRICT, WITHOUT ROWID;

-- On how many days somebody has used a farm's machines and kept them: 30 are a month.
CREATE TABLE farm_uses (
    owner_id   TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    days       INTEGER NOT NULL CONSTRAINT farm_use_days_in_range CHECK (days BETWEEN 1 AND 30),
    -- The day of UTC that was counted last, such as `2026-11-22`.
    counted_on TEXT    NOT NULL,
    PRIMARY KEY (owner_id, farm_id)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_kinds (kind) VALUES ('leaving-compensation');

-- What renters lose in term discounts because a node leaves the market before what they have paid
-- for is over. The node's farmer pays it out of the earnings.
CREATE TABLE leaving_compensations (
    rental_id  TEXT    PRIMARY KEY REFERENCES rentals (id),
    renter_id  TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id  TEXT    NOT NULL REFERENCES accounts (id),
    micros     INTEGER NOT NULL CONSTRAINT leaving_compensation_positive CHECK (micros > 0),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at    INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX leaving_compensations_owed ON leaving_compensations (owed_at)
 WHERE owed_at IS NOT NULL;

CREATE INDEX leaving_compensations_owed_by_farmer ON leaving_compensations (farmer_id)
 WHERE owed_at IS NOT NULL;

CREATE TABLE card_reversals (
    payment_id  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL CONSTRAINT card_reversal_kind_is_known
                CHECK (kind IN ('refund', 'single-refund', 'dispute')),
    -- How far it is: what is told with a lower one is of earlier.
    stage       INTEGER NOT NULL,
    -- What is gone by it, or came back of a refund that failed; and of how much where that is told,
    -- in the smallest unit of the currency.
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

-- tables/0019_machines.sql
-- Actions of a rental are listed by when they were asked for: their ids have a random part. Those

CREATE INDEX machine_actions_by_rental ON machine_actions (rental_id, created_at);

-- What follows from a change of `machine_actions`.

-- The hash of a password is kept no longer than it takes to set it.
CREATE TRIGGER finished_machine_action_forgets_password AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state NOT IN ('waiting', 'leased') AND NEW.password_hash IS NOT NULL
BEGIN
    UPDATE machine_actions SET password_hash = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER finished_machine_action_emits_event AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state IN ('done', 'failed') AND NEW.state <> OLD.state
BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT iif(NEW.state = 'done', 'machine-action-done', 'machine-action-failed'), r.renter_id,
           r.farmer_id, j.node_id, j.slice_number, r.id, NEW.kind, NEW.changed_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
END;

-- A machine that could not be shut down still runs, and should be watched as one that should.
CREATE TRIGGER failed_shutdown_leaves_machine_running AFTER UPDATE OF state ON machine_actions
  WHEN NEW.state = 'failed' AND NEW.state <> OLD.state AND NEW.kind = 'shutdown'
BEGIN
    UPDATE machines SET should_run = 1 WHERE job_id = NEW.job_id;
END;

-- tables/0020_market.sql
-- Further orders of the market.

CREATE INDEX nodes_by_newest ON nodes (created_at DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_free ON nodes (available_slices DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

-- Every look at the market counts what matches in each place: all that a filter compares is in the
-- index, so that no row is read for it.
CREATE INDEX nodes_by_place ON nodes (
    country, city, price_micros, id, min_uptime, min_bandwidth_mbps, certified, available_slices,
    proven_uptime, terms, listing, farmer_id, farm_id)
 WHERE listing = 'published' AND available_slices > 0;

-- A node of a farm with a verified owner is registered and published by nobody else, whatever
-- the code above does.
CREATE TRIGGER node_registered_by_farm_owner BEFORE INSERT ON nodes
  WHEN EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER node_published_by_farm_owner BEFORE UPDATE OF listing ON nodes
  WHEN NEW.listing = 'published'
   AND EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER lock_change_emits_event AFTER UPDATE OF locked_by ON nodes
  WHEN NEW.locked_by IS NOT OLD.locked_by
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.locked_by IS NULL THEN 'node-unlocked' ELSE 'node-locked' END,
            NEW.farmer_id, NEW.id, NEW.lock_changed_at);
END;

CREATE TRIGGER new_offer_enters_history AFTER INSERT ON nodes BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offer_change_enters_history AFTER UPDATE OF offer_version ON nodes
  WHEN NEW.offer_version <> OLD.offer_version
BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

-- A node that has left has no free slices, whatever the grid reports of it.
CREATE TRIGGER left_node_retires_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NOT NULL AND OLD.left_at IS NULL
BEGIN
    UPDATE slices SET state = 'retired' WHERE node_id = NEW.id AND state = 'available';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-left', NEW.farmer_id, NEW.id, NEW.left_at);
END;

-- A node that comes back has the slices that its last report allows.
CREATE TRIGGER returning_node_restores_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NULL AND OLD.left_at IS NOT NULL
BEGIN
    UPDATE nodes SET capacity = capacity WHERE id = NEW.id;
END;

CREATE TRIGGER listing_change_updates_market_node AFTER UPDATE OF listing ON nodes
  WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO market_nodes (node_id, offered_since, checked_at)
    SELECT NEW.id, NEW.offer_changed_at, NEW.offer_changed_at WHERE NEW.listing = 'published'
        ON CONFLICT (node_id) DO UPDATE
       SET offered_since = excluded.offered_since, checked_at = excluded.checked_at;
    UPDATE market_nodes SET checked_at = NULL
     WHERE node_id = NEW.id AND NEW.listing <> 'published';
END;

-- Each observation of a node counts for its month.
CREATE TRIGGER observation_counts_for_month AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO node_months (node_id, month, observed, observed_up)
    VALUES (NEW.id, strftime('%Y-%m', NEW.synced_at, 'unixepoch'), NEW.observed - OLD.observed,
            NEW.observed_up - OLD.observed_up)
        ON CONFLICT (node_id, month) DO UPDATE
       SET observed = observed + excluded.observed,
           observed_up = observed_up + excluded.observed_up;
END;

-- A node that goes to another farm or farmer takes its open jobs with it.
CREATE TRIGGER open_jobs_follow_node AFTER UPDATE OF farm_id, farmer_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id OR NEW.farmer_id <> OLD.farmer_id
BEGIN
    UPDATE jobs SET farm_id = NEW.farm_id, farmer_id = NEW.farmer_id
     WHERE node_id = NEW.id AND state NOT IN ('done', 'refunded', 'canceled');
END;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and missing ones are created. Reserved and allocated ones stay,
-- and nothing changes while the whole node is rented. What is offered is what the node can carry
-- without the slices that are kept back. A slice whose machine is being removed is not offered and
-- not restored, and counts as one that is there.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND (max(0, NEW.capacity - NEW.kept_slices)
        <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
        OR EXISTS (SELECT 1 FROM slices WHERE node_id = NEW.id AND removing_job IS NOT NULL))
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND state = 'available' AND removing_job IS NOT NULL;
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, (SELECT count(*) FROM slices
                           WHERE node_id = NEW.id
                             AND (state <> 'retired' OR removing_job IS NOT NULL))
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices
            WHERE node_id = NEW.id AND state = 'retired' AND removing_job IS NULL
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices
                         - (SELECT count(*) FROM slices
                             WHERE node_id = NEW.id
                               AND (state <> 'retired' OR removing_job IS NOT NULL))));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices
                      WHERE node_id = NEW.id
                        AND (state <> 'retired' OR removing_job IS NOT NULL)));
END;

CREATE TRIGGER observation_is_recorded AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO observation_times (at) VALUES (NEW.synced_at) ON CONFLICT (at) DO NOTHING;
    INSERT INTO observations (at, node_id, status, is_up, healthy, upload_mbps, download_mbps)
    SELECT NEW.synced_at, NEW.id, NEW.status, up, NEW.healthy, iif(up, NEW.upload_mbps, NULL),
           iif(up, NEW.download_mbps, NULL)
      FROM (SELECT NEW.observed_up > OLD.observed_up AS up)
     WHERE true
        ON CONFLICT (at, node_id) DO NOTHING;
END;

-- The events of an offer have one order: whether the node leaves, what the offer is, and whether it
-- is on the market. Everybody who rents something of a node is notified that it leaves, and
-- what was decided on one of its rentals before is decided again: each gets another version.
CREATE TRIGGER offer_change_emits_events
 AFTER UPDATE OF leaves_at, price_micros, pending_price_micros, min_uptime, min_bandwidth_mbps,
                 terms, kept_slices, listing ON nodes
BEGIN
    UPDATE rentals SET version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           renter_id,
           node_id, slice_number, id, NEW.offer_changed_at
      FROM rentals
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at
     ORDER BY id;
    -- Of another notice they are notified again.
    DELETE FROM reminders
     WHERE NEW.leaves_at IS NOT OLD.leaves_at AND days < 0
       AND rental_id IN (SELECT id FROM rentals WHERE node_id = NEW.id AND state <> 'ended');
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.price_micros IS NOT OLD.price_micros
        OR NEW.pending_price_micros IS NOT OLD.pending_price_micros
        OR NEW.min_uptime <> OLD.min_uptime
        OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
        OR NEW.terms <> OLD.terms
        OR NEW.kept_slices <> OLD.kept_slices;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-' || NEW.listing, NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.listing <> OLD.listing;
END;

-- The events of a report have one order. A node that the grid moves to another farm goes off the
-- market, unless its farmer is the verified owner of that one, too. Rentals run on. A document that
-- does not say of which farm a node is moves nothing.
CREATE TRIGGER report_change_emits_events AFTER UPDATE OF oversold, farm_id ON nodes BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.oversold > 0 THEN 'node-oversold' ELSE 'node-oversold-resolved' END,
           NEW.farmer_id,
           NEW.id, NEW.synced_at
     WHERE (NEW.oversold > 0) <> (OLD.oversold > 0);
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-moved', who.account_id, NEW.id, 'farm' || NEW.farm_id, NEW.synced_at
      FROM (SELECT NEW.farmer_id AS account_id
             UNION ALL SELECT owner_id FROM farms WHERE id = NEW.farm_id) who
     WHERE NEW.farm_id <> OLD.farm_id AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.synced_at
     WHERE id = NEW.id AND listing = 'published' AND NEW.farm_id <> OLD.farm_id
       AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
END;

-- What was put on the market, has changed or has more free slices is new to saved searches.
CREATE TRIGGER better_offer_is_news
 AFTER UPDATE OF listing, available_slices, offer_version ON nodes
  WHEN NEW.listing = 'published' AND NEW.available_slices > 0
   AND (OLD.listing <> 'published' OR NEW.available_slices > OLD.available_slices
        OR NEW.offer_version <> OLD.offer_version)
BEGIN
    DELETE FROM offer_news WHERE node_id = NEW.id;
    INSERT INTO offer_news (node_id) VALUES (NEW.id);
END;

-- tables/0021_pages.sql
-- What the status page says of the past, and what the operator says there.

-- How often a part of the marketplace was looked at on a day of UTC, and how often it was late or
-- broken. Kept for 90 days.
CREATE TABLE status_days (
    -- Days since 1970.
    day    INTEGER NOT NULL,
    part   TEXT    NOT NULL
           CONSTRAINT status_day_part_is_known
           CHECK (part IN ('sync', 'mail', 'setup', 'checks', 'nodes')),
    looked INTEGER NOT NULL,
    late   INTEGER NOT NULL CONSTRAINT status_day_late_not_negative CHECK (late >= 0),
    broken INTEGER NOT NULL CONSTRAINT status_day_broken_not_negative CHECK (broken >= 0),
    CONSTRAINT status_day_counts_add_up CHECK (late + broken <= looked),
    PRIMARY KEY (day, part)
) STRICT, WITHOUT ROWID;

-- What is known of days before there was this table.
INSERT INTO status_days (day, part, looked, late, broken)
SELECT day, 'nodes', sum(observed), sum(observed - observed_up), 0
  FROM observation_days
 GROUP BY day;

INSERT INTO status_days (day, part, looked, late, broken)
SELECT finished_at / 86400, 'sync', count(*), sum(failure IS NOT NULL), 0
  FROM sync_runs
 GROUP BY finished_at / 86400;

-- Something that went wrong, as the operator tells everybody.
CREATE TABLE incidents (
    id         TEXT    PRIMARY KEY,
    title      TEXT    NOT NULL
               CONSTRAINT incident_title_length_in_range CHECK (length(title) BETWEEN 1 AND 120),
    text       TEXT    NOT NULL
               CONSTRAINT incident_text_length_in_range CHECK (length(text) BETWEEN 1 AND 1000),
    started_at INTEGER NOT NULL,
    -- NULL while it goes on.
    ended_at   INTEGER
               CONSTRAINT incident_ends_after_start
               CHECK (ended_at IS NULL OR ended_at >= started_at),
    changed_at INTEGER NOT NULL
) STRICT;

CREATE INDEX incidents_by_start ON incidents (started_at, id);

-- tables/0022_waitlist.sql
-- Searches that people save, what of the market is new to them, and waitlists of full nodes.

-- The offers that have changed or have more free slices, each with a number that rises with every
-- change: what has a higher number than a search has seen is new to it.
CREATE TABLE offer_news (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id INTEGER NOT NULL REFERENCES nodes (id),
    UNIQUE (node_id)
) STRICT;

-- A search of the market that somebody has saved.
CREATE TABLE saved_searches (
    id          TEXT    PRIMARY KEY,
    account_id  TEXT    NOT NULL REFERENCES accounts (id),
    name        TEXT    NOT NULL
                CONSTRAINT saved_search_name_length_in_range CHECK (length(name) BETWEEN 1 AND 80),
    -- The query of the market's page, in its normal form.
    query       TEXT    NOT NULL
                CONSTRAINT saved_search_query_length_in_range CHECK (length(query) <= 2000),
    -- Whether its account is notified of what fits.
    is_on       INTEGER NOT NULL
                CONSTRAINT saved_search_is_on_is_flag CHECK (is_on IN (0, 1)),
    -- The number in `offer_news` up to which it has seen offers.
    seen_number INTEGER NOT NULL,
    -- When it is looked for next.
    due_at      INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    UNIQUE (account_id, query)
) STRICT, WITHOUT ROWID;

CREATE INDEX saved_searches_by_account ON saved_searches (account_id, id);

CREATE INDEX saved_searches_due ON saved_searches (due_at, id) WHERE is_on = 1;

-- What follows from a change of `saved_searches`.

CREATE TRIGGER removed_search_forgets_finds BEFORE DELETE ON saved_searches BEGIN
    DELETE FROM saved_search_finds WHERE search_id = OLD.id;
END;

-- The nodes that somebody was told of for a saved search, with the offer as it was then.
CREATE TABLE saved_search_finds (
    search_id     TEXT    NOT NULL REFERENCES saved_searches (id),
    node_id       INTEGER NOT NULL,
    offer_version INTEGER NOT NULL,
    found_at      INTEGER NOT NULL,
    PRIMARY KEY (search_id, node_id)
) STRICT, WITHOUT ROWID;

-- Who waits for a slice of a node of which nothing is free. The first in line is offered the next
-- free one.
CREATE TABLE waitlist (
    -- The place in line: the lowest of a node comes first.
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    -- For how many months a slice is wanted.
    months     INTEGER NOT NULL
               CONSTRAINT waitlist_months_is_term CHECK (months IN (1, 3, 6, 12)),
    -- The quote that holds a slice for the account; NULL while it waits.
    quote_id   TEXT    REFERENCES quotes (id),
    joined_at  INTEGER NOT NULL,
    UNIQUE (node_id, account_id)
) STRICT;

CREATE INDEX waitlist_by_account ON waitlist (account_id, number);

CREATE INDEX waitlist_by_node ON waitlist (node_id, number) WHERE quote_id IS NULL;

CREATE UNIQUE INDEX waitlist_by_quote ON waitlist (quote_id) WHERE quote_id IS NOT NULL;

CREATE INDEX waitlist_by_age ON waitlist (joined_at) WHERE quote_id IS NULL;

-- What follows from a change of `waitlist`: a node counts who waits for it.

CREATE TRIGGER node_counts_who_joins AFTER INSERT ON waitlist WHEN NEW.quote_id IS NULL BEGIN
    UPDATE nodes SET waiting = waiting + 1 WHERE id = NEW.node_id;
END;

CREATE TRIGGER node_counts_who_leaves AFTER DELETE ON waitlist WHEN OLD.quote_id IS NULL BEGIN
    UPDATE nodes SET waiting = waiting - 1 WHERE id = OLD.node_id;
END;

CREATE TRIGGER node_counts_whose_turn_it_is AFTER UPDATE OF quote_id ON waitlist BEGIN
    UPDATE nodes
       SET waiting = waiting + (NEW.quote_id IS NULL) - (OLD.quote_id IS NULL)
     WHERE id = NEW.node_id;
END;

-- Nodes with a free slice for which somebody waits.
CREATE INDEX nodes_wanted ON nodes (id)
 WHERE waiting > 0 AND available_slices > 0 AND listing = 'published';

-- A node of a farm with a verified owner is registered and published by nobody else, whatever
-- the code above does.
CREATE TRIGGER node_registered_by_farm_owner BEFORE INSERT ON nodes
  WHEN EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER node_published_by_farm_owner BEFORE UPDATE OF listing ON nodes
  WHEN NEW.listing = 'published'
   AND EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER lock_change_emits_event AFTER UPDATE OF locked_by ON nodes
  WHEN NEW.locked_by IS NOT OLD.locked_by
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.locked_by IS NULL THEN 'node-unlocked' ELSE 'node-locked' END,
            NEW.farmer_id, NEW.id, NEW.lock_changed_at);
END;

CREATE TRIGGER new_offer_enters_history AFTER INSERT ON nodes BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offer_change_enters_history AFTER UPDATE OF offer_version ON nodes
  WHEN NEW.offer_version <> OLD.offer_version
BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

-- A node that has left has no free slices, whatever the grid reports of it.
CREATE TRIGGER left_node_retires_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NOT NULL AND OLD.left_at IS NULL
BEGIN
    UPDATE slices SET state = 'retired' WHERE node_id = NEW.id AND state = 'available';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-left', NEW.farmer_id, NEW.id, NEW.left_at);
END;

-- A node that comes back has the slices that its last report allows.
CREATE TRIGGER returning_node_restores_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NULL AND OLD.left_at IS NOT NULL
BEGIN
    UPDATE nodes SET capacity = capacity WHERE id = NEW.id;
END;

CREATE TRIGGER listing_change_updates_market_node AFTER UPDATE OF listing ON nodes
  WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO market_nodes (node_id, offered_since, checked_at)
    SELECT NEW.id, NEW.offer_changed_at, NEW.offer_changed_at WHERE NEW.listing = 'published'
        ON CONFLICT (node_id) DO UPDATE
       SET offered_since = excluded.offered_since, checked_at = excluded.checked_at;
    UPDATE market_nodes SET checked_at = NULL
     WHERE node_id = NEW.id AND NEW.listing <> 'published';
END;

-- Each observation of a node counts for its month.
CREATE TRIGGER observation_counts_for_month AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO node_months (node_id, month, observed, observed_up)
    VALUES (NEW.id, strftime('%Y-%m', NEW.synced_at, 'unixepoch'), NEW.observed - OLD.observed,
            NEW.observed_up - OLD.observed_up)
        ON CONFLICT (node_id, month) DO UPDATE
       SET observed = observed + excluded.observed,
           observed_up = observed_up + excluded.observed_up;
END;

-- A node that goes to another farm or farmer takes its open jobs with it.
CREATE TRIGGER open_jobs_follow_node AFTER UPDATE OF farm_id, farmer_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id OR NEW.farmer_id <> OLD.farmer_id
BEGIN
    UPDATE jobs SET farm_id = NEW.farm_id, farmer_id = NEW.farmer_id
     WHERE node_id = NEW.id AND state NOT IN ('done', 'refunded', 'canceled');
END;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and missing ones are created. Reserved and allocated ones stay,
-- and nothing changes while the whole node is rented. What is offered is what the node can carry
-- without the slices that are kept back. A slice whose machine is being removed is not offered and
-- not restored, and counts as one that is there.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND (max(0, NEW.capacity - NEW.kept_slices)
        <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
        OR EXISTS (SELECT 1 FROM slices WHERE node_id = NEW.id AND removing_job IS NOT NULL))
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND state = 'available' AND removing_job IS NOT NULL;
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, (SELECT count(*) FROM slices
                           WHERE node_id = NEW.id
                             AND (state <> 'retired' OR removing_job IS NOT NULL))
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices
            WHERE node_id = NEW.id AND state = 'retired' AND removing_job IS NULL
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices
                         - (SELECT count(*) FROM slices
                             WHERE node_id = NEW.id
                               AND (state <> 'retired' OR removing_job IS NOT NULL))));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices
                      WHERE node_id = NEW.id
                        AND (state <> 'retired' OR removing_job IS NOT NULL)));
END;

CREATE TRIGGER observation_is_recorded AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO observation_times (at) VALUES (NEW.synced_at) ON CONFLICT (at) DO NOTHING;
    INSERT INTO observations (at, node_id, status, is_up, healthy, upload_mbps, download_mbps)
    SELECT NEW.synced_at, NEW.id, NEW.status, up, NEW.healthy, iif(up, NEW.upload_mbps, NULL),
           iif(up, NEW.download_mbps, NULL)
      FROM (SELECT NEW.observed_up > OLD.observed_up AS up)
     WHERE true
        ON CONFLICT (at, node_id) DO NOTHING;
END;

-- The events of an offer have one order: whether the node leaves, what the offer is, and whether it
-- is on the market. Everybody who rents something of a node is notified that it leaves, and
-- what was decided on one of its rentals before is decided again: each gets another version.
CREATE TRIGGER offer_change_emits_events
 AFTER UPDATE OF leaves_at, price_micros, pending_price_micros, min_uptime, min_bandwidth_mbps,
                 terms, kept_slices, listing ON nodes
BEGIN
    UPDATE rentals SET version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           renter_id,
           node_id, slice_number, id, NEW.offer_changed_at
      FROM rentals
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at
     ORDER BY id;
    -- Of another notice they are notified again.
    DELETE FROM reminders
     WHERE NEW.leaves_at IS NOT OLD.leaves_at AND days < 0
       AND rental_id IN (SELECT id FROM rentals WHERE node_id = NEW.id AND state <> 'ended');
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.price_micros IS NOT OLD.price_micros
        OR NEW.pending_price_micros IS NOT OLD.pending_price_micros
        OR NEW.min_uptime <> OLD.min_uptime
        OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
        OR NEW.terms <> OLD.terms
        OR NEW.kept_slices <> OLD.kept_slices;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-' || NEW.listing, NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.listing <> OLD.listing;
END;

-- The events of a report have one order. A node that the grid moves to another farm goes off the
-- market, unless its farmer is the verified owner of that one, too. Rentals run on. A document that
-- does not say of which farm a node is moves nothing.
CREATE TRIGGER report_change_emits_events AFTER UPDATE OF oversold, farm_id ON nodes BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.oversold > 0 THEN 'node-oversold' ELSE 'node-oversold-resolved' END,
           NEW.farmer_id,
           NEW.id, NEW.synced_at
     WHERE (NEW.oversold > 0) <> (OLD.oversold > 0);
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-moved', who.account_id, NEW.id, 'farm' || NEW.farm_id, NEW.synced_at
      FROM (SELECT NEW.farmer_id AS account_id
             UNION ALL SELECT owner_id FROM farms WHERE id = NEW.farm_id) who
     WHERE NEW.farm_id <> OLD.farm_id AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.synced_at
     WHERE id = NEW.id AND listing = 'published' AND NEW.farm_id <> OLD.farm_id
       AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
END;

-- What was put on the market, has changed or has more free slices is new to saved searches.
CREATE TRIGGER better_offer_is_news
 AFTER UPDATE OF listing, available_slices, offer_version ON nodes
  WHEN NEW.listing = 'published' AND NEW.available_slices > 0
   AND (OLD.listing <> 'published' OR NEW.available_slices > OLD.available_slices
        OR NEW.offer_version <> OLD.offer_version)
BEGIN
    DELETE FROM offer_news WHERE node_id = NEW.id;
    INSERT INTO offer_news (node_id) VALUES (NEW.id);
END;

-- commands/add_ssh_key.sql

-- Command: registers a public key of an account, which may have at most `keys_max`, each once. The
-- first key goes to the machines that wait for one: they are late at `late_at`, and all is refunded
-- at `refund_at`.
CREATE VIEW add_ssh_key AS
    SELECT k.id, k.account_id, k.name, k.key, k.fingerprint, 0 AS keys_max, j.late_at, j.refund_at,
           k.created_at
      FROM ssh_keys k, jobs j;

CREATE TRIGGER add_ssh_key_does INSTEAD OF INSERT ON add_ssh_key BEGIN
    SELECT RAISE(ABORT, 'refused: ssh_key_exists')
     WHERE EXISTS (SELECT 1 FROM ssh_keys
                    WHERE account_id = NEW.account_id AND fingerprint = NEW.fingerprint);
    SELECT RAISE(ABORT, 'refused: ssh_key_limit_reached')
     WHERE (SELECT count(*) FROM ssh_keys WHERE account_id = NEW.account_id) >= NEW.keys_max;
    INSERT INTO ssh_keys (id, account_id, name, key, fingerprint, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.name, NEW.key, NEW.fingerprint, NEW.created_at);
    UPDATE setups SET ssh_keys = json_array(NEW.key)
     WHERE ssh_keys = '[]' AND rental_id IN (
           SELECT r.id FROM rentals r JOIN jobs j ON j.rental_id = r.id
            WHERE r.renter_id = NEW.account_id AND r.state = 'active' AND j.state = 'needs-key');
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.created_at, late_at = NEW.late_at,
           refund_at = NEW.refund_at, changed_at = NEW.created_at
     WHERE state = 'needs-key' AND rental_id IN (
           SELECT id FROM rentals WHERE renter_id = NEW.account_id AND state = 'active');
END;

-- commands/archive_bounds.sql

-- How far each chain is archived: its last row that is in a file, 0 before the first archive; and
-- the moments before which everything archived is, of all chains and of the ledger.
CREATE VIEW archive_bounds AS
    SELECT coalesce((SELECT until_id FROM archives WHERE chain = 'audit'
                      ORDER BY until_id DESC LIMIT 1), 0) AS audit_id,
           coalesce((SELECT until_id FROM archives WHERE chain = 'events'
                      ORDER BY until_id DESC LIMIT 1), 0) AS event_id,
           coalesce((SELECT until_id FROM archives WHERE chain = 'ledger'
                      ORDER BY until_id DESC LIMIT 1), 0) AS transaction_id,
           coalesce((SELECT closed_at FROM archives WHERE chain = 'ledger'
                      ORDER BY until_id DESC LIMIT 1), 0) AS ledger_closed_at,
           max(coalesce((SELECT closed_at FROM archives WHERE chain = 'audit'
                          ORDER BY until_id DESC LIMIT 1), 0),
               coalesce((SELECT closed_at FROM archives WHERE chain = 'events'
                          ORDER BY until_id DESC LIMIT 1), 0),
               coalesce((SELECT closed_at FROM archives WHERE chain = 'ledger'
                          ORDER BY until_id DESC LIMIT 1), 0)) AS closed_at;

-- commands/archive_chain.sql

-- Command: a file holds the rows of a chain that follow `after_id`, from `first_id` to `until_id`,
-- and from now on they may be removed. It aborts unless the file before ended at `after_id`, the
-- last row has the seal that was computed for the file, and events have become notifications.
CREATE VIEW archive_chain AS
    SELECT chain, 0 AS after_id, first_id, until_id, closed_at, row_count, seal, file, file_hash,
           archived_at
      FROM archives;

CREATE TRIGGER archive_chain_does INSTEAD OF INSERT ON archive_chain BEGIN
    SELECT RAISE(ABORT, 'refused: archive_out_of_order')
     WHERE NEW.first_id <= NEW.after_id
        OR NEW.after_id <> (SELECT coalesce(max(until_id), 0) FROM archives
                             WHERE chain = NEW.chain)
        OR NEW.closed_at <= (SELECT coalesce(max(closed_at), 0) FROM archives
                              WHERE chain = NEW.chain);
    SELECT RAISE(ABORT, 'refused: archive_not_sealed')
     WHERE NOT CASE NEW.chain
               WHEN 'audit' THEN
                    EXISTS (SELECT 1 FROM audit_seals
                             WHERE audit_id = NEW.until_id AND hash = NEW.seal)
               WHEN 'ledger' THEN
                    EXISTS (SELECT 1 FROM ledger_seals
                             WHERE transaction_id = NEW.until_id AND hash = NEW.seal)
               ELSE EXISTS (SELECT 1 FROM notification_cursor WHERE event_id >= NEW.until_id)
               END;
    INSERT INTO archives
           (chain, first_id, until_id, closed_at, row_count, seal, file, file_hash, archived_at)
    VALUES (NEW.chain, NEW.first_id, NEW.until_id, NEW.closed_at, NEW.row_count, NEW.seal,
            NEW.file, NEW.file_hash, NEW.archived_at);
END;

-- commands/archived_bookings.sql

-- Ledger transactions that are archived and that nothing here needs any more. The others stay:
-- those of rentals and payouts that were still going on; those of cards' reversals, which are
-- counted; and those of operators, whose reference alone keeps them from being booked again.
CREATE VIEW archived_bookings AS
    SELECT t.id
      FROM ledger_transactions t
     WHERE t.id <= (SELECT transaction_id FROM archive_bounds)
       AND t.kind <> 'card-reversal'
       AND (t.kind <> 'credit' OR (t.reference > 'top-up ' AND t.reference < 'top-up!'))
       AND (t.kind <> 'sla-credit' OR (t.reference > 'month ' AND t.reference < 'month!'))
       AND (t.rental_id IS NULL
            OR EXISTS (SELECT 1 FROM closed_rentals WHERE id = t.rental_id))
       AND NOT EXISTS (SELECT 1 FROM payouts
                        WHERE t.kind IN ('payout-request', 'payout-send', 'payout-return')
                          AND id = t.reference
                          AND (finished_at IS NULL
                               OR finished_at >= (SELECT closed_at FROM archive_bounds)));

-- commands/begin_console_password.sql

-- Command: a renter has a password set for the console of a machine. `password_hash` is what it
-- comes to by crypt(3). It aborts and fails as `begin_machine_action` does. There is no response
-- to store: it has the password in it.
CREATE VIEW begin_console_password AS
    SELECT id, job_id, requested_by AS renter_id, password_hash, expires_at,
           '' AS audit_entry, created_at AS requested_at
      FROM machine_actions;

CREATE TRIGGER begin_console_password_does INSTEAD OF INSERT ON begin_console_password BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    VALUES (NEW.id, NEW.job_id, 'set-password', NEW.renter_id, NULL, NEW.expires_at, NULL,
            NEW.audit_entry, NEW.requested_at);
    UPDATE machine_actions SET password_hash = NEW.password_hash WHERE id = NEW.id;
END;

-- commands/begin_machine_action.sql

-- Command: a renter has something done with a machine. It aborts if the machine is not there any
-- more, and fails if another action of it is still to be done. `should_run` says whether the
-- machine should run from then on, NULL that it stays as it is; `response` is what `store_response`
-- takes.
CREATE VIEW begin_machine_action AS
    SELECT id, job_id, kind, requested_by AS renter_id, 1 AS should_run, expires_at, '' AS response,
           '' AS audit_entry, created_at AS requested_at
      FROM machine_actions;

CREATE TRIGGER begin_machine_action_does INSTEAD OF INSERT ON begin_machine_action BEGIN
    SELECT RAISE(ABORT, 'refused: machine_gone')
     WHERE NOT EXISTS (SELECT 1 FROM machines m
                         JOIN jobs j ON j.id = m.job_id
                         JOIN rentals r ON r.id = j.rental_id
                        WHERE m.job_id = NEW.job_id AND r.renter_id = NEW.renter_id
                          AND r.state = 'active');
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, requested_by, due_at, expires_at, created_at,
            changed_at)
    SELECT NEW.id, id, rental_id, NEW.kind, 'waiting', NEW.renter_id, NEW.requested_at,
           NEW.expires_at, NEW.requested_at, NEW.requested_at
      FROM jobs WHERE id = NEW.job_id;
    UPDATE machines SET should_run = coalesce(NEW.should_run, should_run)
     WHERE job_id = NEW.job_id;
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO write_audit_entry (entry, created_at)
    SELECT NEW.audit_entry, NEW.requested_at WHERE NEW.audit_entry IS NOT NULL;
END;

-- commands/begin_rebuild.sql

-- Command: a renter has a machine made anew, with a template or user data of their own, which is
-- encrypted. It aborts and fails as `begin_machine_action` does.
CREATE VIEW begin_rebuild AS
    SELECT a.id, a.job_id, a.requested_by AS renter_id, s.template, s.template_version, s.sealed,
           a.expires_at, '' AS response, '' AS audit_entry, a.created_at AS requested_at
      FROM machine_actions a JOIN setups s ON s.rental_id = a.rental_id;

CREATE TRIGGER begin_rebuild_does INSTEAD OF INSERT ON begin_rebuild BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    VALUES (NEW.id, NEW.job_id, 'rebuild', NEW.renter_id, 1, NEW.expires_at, NEW.response,
            NEW.audit_entry, NEW.requested_at);
    UPDATE setups
       SET template = NEW.template, template_version = NEW.template_version, sealed = NEW.sealed
     WHERE rental_id = (SELECT rental_id FROM jobs WHERE id = NEW.job_id);
END;

-- commands/begin_tenure.sql

-- Command, used by the other commands: a rental that has another node, farmer or SLA commitment
-- than before has a new tenure from `begun_at` on, and its last one ends. The new one is evaluated
-- first at `evaluate_at`. Where none of these has changed, the tenure goes on.
CREATE VIEW begin_tenure AS
    SELECT rental_id, started_at AS begun_at, evaluate_at FROM tenures;

CREATE TRIGGER begin_tenure_does INSTEAD OF INSERT ON begin_tenure BEGIN
    UPDATE tenures
       SET ended_at = max(started_at, evaluated_until, NEW.begun_at),
           evaluate_at = max(started_at, evaluated_until, NEW.begun_at)
     WHERE rental_id = NEW.rental_id AND ended_at IS NULL
       AND EXISTS (SELECT 1 FROM rentals r
                    WHERE r.id = NEW.rental_id
                      AND (r.node_id <> tenures.node_id
                           OR r.farmer_id <> tenures.farmer_id
                           OR r.min_uptime <> tenures.min_uptime
                           OR r.min_bandwidth_mbps <> tenures.min_bandwidth_mbps));
    INSERT INTO tenures
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, evaluated_until, evaluate_at)
    SELECT r.id, coalesce(max(s.number), 0) + 1, r.node_id, r.slice_number, r.farmer_id,
           r.min_uptime, r.min_bandwidth_mbps, coalesce(max(s.ended_at), NEW.begun_at),
           coalesce(max(s.ended_at), NEW.begun_at), NEW.evaluate_at
      FROM rentals r LEFT JOIN tenures s ON s.rental_id = r.id
     WHERE r.id = NEW.rental_id
     GROUP BY r.id
    HAVING count(s.number) = count(s.ended_at);
END;

-- commands/begin_top_up.sql

-- Command: begins a top-up, and takes its key: `response` is what `store_response` takes, without
-- status and body. It aborts if `open_max` top-ups of the account wait: begun after `open_after`,
-- or after `opening_after` where there is no page to pay on yet.
CREATE VIEW begin_top_up AS
    SELECT id, account_id, amount_micros, provider, 0 AS open_max, 0 AS open_after,
           0 AS opening_after, '' AS response, created_at
      FROM top_ups;

CREATE TRIGGER begin_top_up_does INSTEAD OF INSERT ON begin_top_up BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    SELECT RAISE(ABORT, 'refused: top_up_limit_reached')
     WHERE (SELECT count(*) FROM top_ups
             WHERE account_id = NEW.account_id AND state = 'pending'
               AND created_at > NEW.open_after
               AND (url IS NOT NULL OR created_at > NEW.opening_after)) >= NEW.open_max;
    INSERT INTO top_ups (id, account_id, amount_micros, provider, idempotency_key, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.amount_micros, NEW.provider,
            NEW.response ->> 'idempotency_key', NEW.created_at);
END;

-- commands/challenge_by_mail.sql

-- Command: a challenge whose secret goes out by mail; both, or neither. A new one of its kind ends
-- the account's older ones.
CREATE VIEW challenge_by_mail AS
    SELECT c.hash, c.kind, c.account_id, c.payload, c.created_at, c.expires_at,
           m.id AS mail_id, m.kind AS mail_kind, m.sealed
      FROM challenges c
      JOIN mails m ON m.account_id = c.account_id;

CREATE TRIGGER challenge_by_mail_does INSTEAD OF INSERT ON challenge_by_mail BEGIN
    DELETE FROM challenges WHERE kind = NEW.kind AND account_id = NEW.account_id;
    INSERT INTO challenges (hash, kind, account_id, payload, created_at, expires_at)
    VALUES (NEW.hash, NEW.kind, NEW.account_id, NEW.payload, NEW.created_at, NEW.expires_at);
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    VALUES (NEW.mail_id, NEW.account_id, NEW.mail_kind, NEW.sealed, NEW.created_at,
            NEW.created_at);
END;

-- commands/change_access.sql

-- Command: a machine is reached in another way than when it was set up. `was` is how it was
-- reached, `sealed` how it is now, both encrypted. If somebody else was faster, nothing happens.
-- `has_moved` is whether what its renter knew of it leads nowhere; then they are notified.
CREATE VIEW change_access AS
    SELECT id AS job_id, sealed AS was, sealed, 0 AS has_moved, changed_at FROM jobs;

CREATE TRIGGER change_access_does INSTEAD OF INSERT ON change_access BEGIN
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'access-changed', r.renter_id, j.node_id, j.slice_number, r.id, NEW.changed_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.id = NEW.job_id AND j.sealed = NEW.was AND NEW.has_moved;
    UPDATE jobs SET sealed = NEW.sealed WHERE id = NEW.job_id AND sealed = NEW.was;
END;

-- commands/change_email.sql

-- Command: sets an email address; fails if another account has it. Codes on their way to the old
-- one are worth nothing any more.
CREATE VIEW change_email AS SELECT id AS account_id, email FROM accounts;

CREATE TRIGGER change_email_does INSTEAD OF INSERT ON change_email BEGIN
    UPDATE accounts SET email = NEW.email WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;

-- commands/change_machine_keys.sql

-- Command: a renter says which SSH keys get in to the machines of a rental, a JSON array of lines.
-- It aborts if it is not theirs any more, and fails if another action of one of its machines is
-- still to be done. `actions` is a JSON array with the `id` of the action and
-- the `job` of each machine, `response` is what `store_response` takes, and `audit_entry` what
-- `write_audit_entry` does.
CREATE VIEW change_machine_keys AS
    SELECT id, renter_id, '[]' AS ssh_keys, '[]' AS actions, 0 AS expires_at,
           '' AS response, '' AS audit_entry, started_at AS requested_at
      FROM rentals;

CREATE TRIGGER change_machine_keys_does INSTEAD OF INSERT ON change_machine_keys BEGIN
    SELECT RAISE(ABORT, 'refused: machine_gone')
     WHERE NOT EXISTS (SELECT 1 FROM rentals
                        WHERE id = NEW.id AND renter_id = NEW.renter_id AND state = 'active');
    UPDATE setups SET ssh_keys = NEW.ssh_keys WHERE rental_id = NEW.id;
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    SELECT value ->> 'id', value ->> 'job', 'set-keys', NEW.renter_id, NULL, NEW.expires_at, NULL,
           NULL, NEW.requested_at
      FROM json_each(NEW.actions);
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO write_audit_entry (entry, created_at)
    VALUES (NEW.audit_entry, NEW.requested_at);
END;

-- commands/change_notification_settings.sql

-- Command: keeps what an account chooses: `choices` is a JSON array of what differs from the
-- defaults, objects with `kind`, `channel` and `is_on`.
CREATE VIEW change_notification_settings AS
    SELECT account_id, '[]' AS choices FROM notification_settings;

CREATE TRIGGER change_notification_settings_does
  INSTEAD OF INSERT ON change_notification_settings
BEGIN
    DELETE FROM notification_settings WHERE account_id = NEW.account_id;
    INSERT INTO notification_settings (account_id, kind, channel, is_on)
    SELECT NEW.account_id, value ->> 'kind', value ->> 'channel', value ->> 'is_on'
      FROM json_each(NEW.choices);
END;

-- commands/change_payout.sql

-- Command: a payout goes on: approved, sent, done, failed or canceled. It aborts unless it is at
-- the `version` that the decision saw, and if it is approved or sent while the account's wallet is
-- below zero. `booking` is NULL where no money moves.
CREATE VIEW change_payout AS
    SELECT id, version, state, reference, note, '' AS booking, '' AS event,
           requested_at AS changed_at
      FROM payouts;

CREATE TRIGGER change_payout_does INSTEAD OF INSERT ON change_payout BEGIN
    UPDATE payouts
       SET version = version + 1, state = NEW.state,
           reference = coalesce(NEW.reference, reference), note = NEW.note,
           approved_at = CASE NEW.state WHEN 'approved' THEN NEW.changed_at ELSE approved_at END,
           sent_at = CASE NEW.state WHEN 'sent' THEN NEW.changed_at ELSE sent_at END,
           finished_at = CASE WHEN NEW.state IN ('done', 'failed', 'canceled')
                              THEN NEW.changed_at END
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'refused: payout_changed') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'refused: wallet_below_zero')
      FROM payouts p
      JOIN ledger_accounts a ON a.kind = 'wallet' AND a.owner_id = p.account_id
     WHERE p.id = NEW.id AND NEW.state IN ('approved', 'sent') AND a.balance_micros < 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NULL, NEW.booking, NEW.changed_at WHERE NEW.booking IS NOT NULL;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, account_id, id, NEW.changed_at FROM payouts WHERE id = NEW.id;
END;

-- commands/change_rental.sql

-- Command: a rental changes: it is extended, earns, expires, or ends. It aborts unless the rental
-- is at the `version` that the decision saw. `periods` are those that came or changed, a JSON array
-- of objects; `bookings` are what `post_booking` takes. An extension has an `order_id`, with its
-- total and token, and `response` is what `store_response` takes. Once the rental has ended, its
-- slices are free where the node can carry them, and its machines are removed, which is late at
-- `removal_late_at`.
CREATE VIEW change_rental AS
    SELECT r.id, r.version, r.state, r.price_micros, r.price_until, r.ends_at, r.ended_at,
           r.earns_at, '[]' AS periods, '[]' AS bookings, '' AS event, o.id AS order_id,
           o.total_micros, o.token_id, '' AS response, 0 AS removal_late_at,
           r.started_at AS changed_at
      FROM rentals r JOIN orders o ON o.id = r.order_id;

CREATE TRIGGER change_rental_does INSTEAD OF INSERT ON change_rental BEGIN
    UPDATE rentals
       SET version = version + 1, state = NEW.state, price_micros = NEW.price_micros,
           price_until = NEW.price_until, ends_at = NEW.ends_at, ended_at = NEW.ended_at,
           earns_at = NEW.earns_at
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'refused: rental_changed') WHERE changes() = 0;
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.changed_at);
    INSERT INTO orders (id, account_id, kind, total_micros, token_id, created_at)
    SELECT NEW.order_id, renter_id, 'extension', NEW.total_micros, NEW.token_id, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.order_id IS NOT NULL;
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            earned_micros, refunded_micros, starts_at, ends_at)
    SELECT NEW.id, value ->> 'number', coalesce(NEW.order_id, r.order_id), r.renter_id,
           value ->> 'months', value ->> 'price', value ->> 'total', value ->> 'fee',
           value ->> 'earned', value ->> 'refunded', value ->> 'starts_at', value ->> 'ends_at'
      FROM json_each(NEW.periods), rentals r
     WHERE r.id = NEW.id
        ON CONFLICT (rental_id, number) DO UPDATE
       SET earned_micros = excluded.earned_micros, refunded_micros = excluded.refunded_micros;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.changed_at FROM json_each(NEW.bookings);
    UPDATE slices SET state = 'available', rental_id = NULL
     WHERE rental_id = NEW.id AND NEW.state = 'ended';
    INSERT INTO remove_machines (rental_id, removed_at, late_at)
    SELECT NEW.id, NEW.ended_at, NEW.removal_late_at WHERE NEW.state = 'ended';
    UPDATE nodes SET whole_rental_id = NULL
     WHERE NEW.state = 'ended' AND whole_rental_id = NEW.id
       AND id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE nodes SET capacity = capacity
     WHERE NEW.state = 'ended' AND id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    DELETE FROM transfers WHERE rental_id = NEW.id AND NEW.state = 'ended';
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT NEW.event, renter_id, farmer_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.event IS NOT NULL;
END;

-- commands/change_rental_ports.sql

-- Command: a renter changes which ports of a rental's machines are reachable. `ports` is a JSON
-- array with a pair of transport and number for each; `actions` is one with an object for each
-- machine, with `id`, that of the action that has it done, and `job`. The rest is what
-- `begin_machine_action` takes.
CREATE VIEW change_rental_ports AS
    SELECT id AS rental_id, '[]' AS ports, '[]' AS actions, renter_id, 0 AS expires_at,
           '' AS audit_entry, started_at AS requested_at
      FROM rentals;

CREATE TRIGGER change_rental_ports_does INSTEAD OF INSERT ON change_rental_ports BEGIN
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    SELECT value ->> 'id', value ->> 'job', 'set-ports', NEW.renter_id, NULL, NEW.expires_at, NULL,
           NULL, NEW.requested_at
      FROM json_each(NEW.actions);
    DELETE FROM rental_ports WHERE rental_id = NEW.rental_id;
    INSERT INTO rental_ports (rental_id, transport, number)
    SELECT NEW.rental_id, value ->> 0, value ->> 1 FROM json_each(NEW.ports);
    INSERT INTO write_audit_entry (entry, created_at)
    VALUES (NEW.audit_entry, NEW.requested_at);
END;

-- commands/check_farm.sql

-- Command: the grid was asked, at `checked_at`, who owns a farm that is or was verified. `twin_id`
-- is NULL where it lists no such farm. If that is another twin than before, or the farm was not
-- listed for a day, the verification is lost, and verified owners of farms of the new twin are
-- notified as well. A lost farm that has its twin again is its owner's again, and what went off the
-- market with it and was left alone since is published again. An answer that was overtaken by a
-- verification changes nothing.
CREATE VIEW check_farm AS SELECT id, name, twin_id, checked_at FROM farms;

CREATE TRIGGER check_farm_does INSTEAD OF INSERT ON check_farm BEGIN
    INSERT INTO verify_farm
           (id, name, twin_id, twin_account, owner_id, verified_by, verified_at)
    SELECT id, coalesce(NEW.name, name), twin_id, twin_account, owner_id, verified_by,
           NEW.checked_at
      FROM lost_farms
     WHERE id = NEW.id AND twin_id = NEW.twin_id AND checked_at < NEW.checked_at;
    UPDATE lost_farms SET checked_at = NEW.checked_at
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT DISTINCT 'farm-moved', other.owner_id, 'farm' || f.id, NEW.checked_at
      FROM farms f JOIN farms other ON other.twin_id = NEW.twin_id AND other.id <> f.id
     WHERE f.id = NEW.id AND f.twin_id <> NEW.twin_id AND f.checked_at < NEW.checked_at
       AND other.owner_id <> f.owner_id;
    INSERT INTO revoke_farm (id, event, voided_at)
    SELECT id, 'farm-moved', NEW.checked_at
      FROM farms
     WHERE id = NEW.id AND checked_at < NEW.checked_at
       AND (twin_id <> NEW.twin_id
            OR NEW.twin_id IS NULL AND missing_since <= NEW.checked_at - 86400);
    UPDATE farms
       SET checked_at = NEW.checked_at, name = coalesce(NEW.name, name),
           missing_since = CASE WHEN NEW.twin_id IS NULL
                                THEN coalesce(missing_since, NEW.checked_at) END
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
END;

-- commands/closed_rentals.sql

-- Rentals that had ended before the last archived year did. Of all others every event and booking
-- stays, because pages, receipts and integrity checks look at all of them. Without archives it is
-- none.
CREATE VIEW closed_rentals AS
    SELECT id FROM rentals WHERE ended_at < (SELECT closed_at FROM archive_bounds);

-- commands/compare_tenure.sql

-- Command: a tenure was compared with its SLA commitment from `from_at` to `until_at`. It aborts
-- unless the tenure was evaluated up to `from_at` and its rental is at the `version` that was seen.
-- Where nothing of it was paid for, `month` is NULL, and it only goes on. `booking` is what is
-- credited; NULL where nothing is, or the farmer's earnings do not suffice: then `owed_at` says
-- when it is tried again.
CREATE VIEW compare_tenure AS
    SELECT s.rental_id, s.number AS tenure, r.version, s.ended_at AS seen_end, m.month, m.from_at,
           m.until_at, s.evaluated_until, s.evaluate_at, m.observed, m.observed_up, m.excused,
           m.measured, m.measured_uptime, m.measured_mbps, m.base_micros, m.percent,
           m.credit_micros, m.machine_seconds, m.machine_down_seconds,
           '' AS booking, m.owed_at, m.evaluated_at
      FROM tenures s
      JOIN rentals r ON r.id = s.rental_id
      JOIN sla_months m ON m.rental_id = s.rental_id AND m.tenure = s.number;

CREATE TRIGGER compare_tenure_does INSTEAD OF INSERT ON compare_tenure BEGIN
    UPDATE tenures
       SET evaluated_until = NEW.evaluated_until, evaluate_at = NEW.evaluate_at,
           evaluated_micros = evaluated_micros + coalesce(NEW.base_micros, 0)
     WHERE rental_id = NEW.rental_id AND number = NEW.tenure AND evaluated_until = NEW.from_at
       AND ended_at IS NEW.seen_end AND evaluate_at IS NOT NULL
       AND (SELECT version FROM rentals WHERE id = NEW.rental_id) = NEW.version;
    SELECT RAISE(ABORT, 'refused: tenure_changed') WHERE changes() = 0;
    INSERT INTO sla_months
           (rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at, min_uptime,
            min_bandwidth_mbps, observed, observed_up, excused, measured, measured_uptime,
            measured_mbps, base_micros, percent, credit_micros, evaluated_at, paid_micros, owed_at,
            machine_seconds, machine_down_seconds)
    SELECT s.rental_id, NEW.month, s.number, s.node_id, r.renter_id, s.farmer_id, NEW.from_at,
           NEW.until_at, s.min_uptime, s.min_bandwidth_mbps, NEW.observed, NEW.observed_up,
           NEW.excused, NEW.measured, NEW.measured_uptime, NEW.measured_mbps, NEW.base_micros,
           NEW.percent, NEW.credit_micros, NEW.evaluated_at,
           iif(NEW.booking IS NULL, 0, NEW.credit_micros), NEW.owed_at, NEW.machine_seconds,
           NEW.machine_down_seconds
      FROM tenures s JOIN rentals r ON r.id = s.rental_id
     WHERE s.rental_id = NEW.rental_id AND s.number = NEW.tenure AND NEW.month IS NOT NULL;
    INSERT INTO notify_credit (rental_id, month, tenure, booking, notified_at)
    SELECT NEW.rental_id, NEW.month, NEW.tenure, NEW.booking, NEW.evaluated_at
     WHERE NEW.booking IS NOT NULL;
END;

-- commands/confirm_totp.sql

-- Command: the first code proves that the app has the secret, and recovery codes come with it. It
-- aborts unless the secret is the one that the code was checked against, and not confirmed yet.
CREATE VIEW confirm_totp AS
    SELECT t.account_id, t.sealed, t.last_step, t.confirmed_at, c.hash AS hashes
      FROM totp_secrets t JOIN recovery_codes c USING (account_id);

CREATE TRIGGER confirm_totp_does INSTEAD OF INSERT ON confirm_totp BEGIN
    UPDATE totp_secrets SET confirmed_at = NEW.confirmed_at, last_step = NEW.last_step
     WHERE account_id = NEW.account_id AND sealed = NEW.sealed AND confirmed_at IS NULL;
    SELECT RAISE(ABORT, 'refused: totp_secret_changed') WHERE changes() = 0;
    INSERT INTO new_recovery_codes (account_id, hashes) VALUES (NEW.account_id, NEW.hashes);
END;

-- commands/create_machines.sql

-- Command, used by the other commands: a rental that has slices gets a job for each, which creates
-- its machine; by hand, where the farm has no agent that was seen after `seen_after`. The jobs are
-- late at `late_at`, and everything is refunded at `refund_at`; access that was owed on the slice
-- that the rental left is owed since then, and refunded as it would have been there. Rentals
-- without a setup, from before there were slices, have their machines.
CREATE VIEW create_machines AS
    SELECT rental_id, created_at, late_at, refund_at, 0 AS seen_after FROM jobs;

CREATE TRIGGER create_machines_does INSTEAD OF INSERT ON create_machines BEGIN
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, due_at, late_at,
            refund_at, is_by_hand, created_at, changed_at)
    SELECT s.rental_id || '_' || n.id || '_' || s.number || '_create', s.rental_id, n.id, s.number,
           'create', iif(u.ssh_keys = '[]', 'needs-key', 'waiting'), n.farmer_id, n.farm_id,
           NEW.created_at, NEW.late_at,
           -- Where a machine was made, or none begun for want of a key, the clock begins anew.
           coalesce((SELECT iif(state = 'canceled' AND u.ssh_keys <> '[]', refund_at, NULL)
                       FROM jobs WHERE rental_id = s.rental_id AND kind = 'create'
                      ORDER BY rowid DESC LIMIT 1), NEW.refund_at),
           NOT EXISTS (SELECT 1 FROM agents
                        WHERE account_id = n.farmer_id AND farm_id = n.farm_id
                          AND seen_at > NEW.seen_after),
           NEW.created_at, NEW.created_at
      FROM slices s
      JOIN setups u ON u.rental_id = s.rental_id
      JOIN nodes n ON n.id = s.node_id
     WHERE s.rental_id = NEW.rental_id
     ORDER BY s.number;
END;

-- commands/credit_sla.sql

-- Command: credits the renter of a rental out of what its farmer has earned, for an SLA that was
-- missed. `booking` is what `post_booking` takes, `response` what `store_response` does, and
-- `audit_entry` what `write_audit_entry` does. It aborts unless the rental is still theirs.
CREATE VIEW credit_sla AS
    SELECT id AS rental_id, renter_id, farmer_id, '' AS booking, '' AS response, '' AS audit_entry,
           started_at AS created_at
      FROM rentals;

CREATE TRIGGER credit_sla_does INSTEAD OF INSERT ON credit_sla BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals
                        WHERE id = NEW.rental_id AND renter_id = NEW.renter_id
                          AND farmer_id = NEW.farmer_id);
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.created_at);
    INSERT INTO write_audit_entry (entry, created_at) VALUES (NEW.audit_entry, NEW.created_at);
END;

-- commands/credit_top_up.sql

-- Command: a payment has come in, and the wallet is credited; once, and exactly what was meant. It
-- may be taken back until `settles_at`. No key of an operator's credit has a space, so that none is
-- taken for a top-up's. Where the same payment was refused before, because it was told in another
-- currency, that is over.
CREATE VIEW credit_top_up AS
    SELECT id AS top_up_id, payment_id, amount_micros, 0 AS settles_at, paid_at
      FROM top_ups WHERE state = 'paid';

CREATE TRIGGER credit_top_up_does INSTEAD OF INSERT ON credit_top_up BEGIN
    UPDATE top_ups
       SET state = 'paid', payment_id = NEW.payment_id, paid_at = NEW.paid_at
     WHERE id = NEW.top_up_id AND state <> 'paid' AND amount_micros = NEW.amount_micros
       AND EXISTS (SELECT 1 FROM accounts
                    WHERE accounts.id = top_ups.account_id AND deleted_at IS NULL);
    SELECT RAISE(ABORT, 'refused: top_up_changed') WHERE changes() = 0;
    DELETE FROM refused_payments
     WHERE payment_id = NEW.payment_id AND top_up_id = NEW.top_up_id;
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', 'top-up ' || NEW.top_up_id, 'Top-up by card', NEW.paid_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'credit', 'top-up ' || id, 'funding', '', -amount_micros
      FROM top_ups WHERE id = NEW.top_up_id
     UNION ALL
    SELECT 'credit', 'top-up ' || id, 'wallet', account_id, amount_micros
      FROM top_ups WHERE id = NEW.top_up_id;
    UPDATE ledger_accounts SET settles_at = max(settles_at, NEW.settles_at)
     WHERE kind = 'wallet'
       AND owner_id = (SELECT account_id FROM top_ups WHERE id = NEW.top_up_id);
    INSERT INTO events (kind, renter_id, created_at)
    SELECT 'wallet-credited', account_id, NEW.paid_at FROM top_ups WHERE id = NEW.top_up_id;
END;

-- commands/credit_wallet.sql

-- Command: credits a wallet with money from outside. A second credit of the same reference fails,
-- and it aborts unless the wallet holds `balance_micros` then. `response` is what `store_response`
-- takes, and `audit_entry` what `write_audit_entry` does.
CREATE VIEW credit_wallet AS
    SELECT t.reference, a.owner_id AS account_id, e.amount_micros, a.balance_micros, t.reason,
           '' AS response, '' AS audit_entry, t.created_at
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'credit'
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet';

CREATE TRIGGER credit_wallet_does INSTEAD OF INSERT ON credit_wallet BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', NEW.reference, NEW.reason, NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('credit', NEW.reference, 'funding', '', -NEW.amount_micros),
           ('credit', NEW.reference, 'wallet', NEW.account_id, NEW.amount_micros);
    SELECT RAISE(ABORT, 'refused: balance_changed')
     WHERE (SELECT balance_micros FROM ledger_accounts
             WHERE kind = 'wallet' AND owner_id = NEW.account_id) <> NEW.balance_micros;
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.created_at);
    INSERT INTO write_audit_entry (entry, created_at) VALUES (NEW.audit_entry, NEW.created_at);
END;

-- commands/decide_dispute.sql

-- Command: the operator decides a dispute: the renter gets `credit_micros` of the month, all in
-- all, and `booking` moves what that differs by, NULL for nothing. It aborts unless the dispute is
-- open and the renter has `seen_micros` of the month.
CREATE VIEW decide_dispute AS
    SELECT id, credit_micros AS seen_micros, credit_micros, answer, '' AS booking, decided_at
      FROM sla_disputes;

CREATE TRIGGER decide_dispute_does INSTEAD OF INSERT ON decide_dispute BEGIN
    UPDATE sla_disputes
       SET decided_at = NEW.decided_at, answer = NEW.answer, credit_micros = NEW.credit_micros
     WHERE id = NEW.id AND decided_at IS NULL;
    SELECT RAISE(ABORT, 'refused: dispute_decided') WHERE changes() = 0;
    UPDATE sla_months SET paid_micros = NEW.credit_micros, owed_at = NULL
     WHERE (rental_id, month, tenure) IN (SELECT rental_id, month, tenure FROM sla_disputes
                                         WHERE id = NEW.id)
       AND paid_micros = NEW.seen_micros;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT rental_id, NEW.booking, NEW.decided_at FROM sla_disputes
     WHERE id = NEW.id AND NEW.booking IS NOT NULL;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-dispute-decided', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, NEW.credit_micros / 1000000,
                  NEW.credit_micros / 10000 % 100),
           NEW.decided_at
      FROM sla_disputes d
      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month AND m.tenure = d.tenure
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE d.id = NEW.id;
END;

-- commands/delete_account.sql

-- Command: deletes the person and keeps the money and the history, under an id that says nothing.
-- It aborts while the account rents, or has a node on the market, held or rented.
CREATE VIEW delete_account AS SELECT id AS account_id, deleted_at FROM accounts;

CREATE TRIGGER delete_account_does INSTEAD OF INSERT ON delete_account BEGIN
    SELECT RAISE(ABORT, 'refused: account_in_use')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE renter_id = NEW.account_id AND state <> 'ended')
        OR EXISTS (SELECT 1 FROM nodes
                    WHERE farmer_id = NEW.account_id
                      AND (listing = 'published' OR allocated_slices > 0
                           OR reserved_slices > 0 OR whole_rental_id IS NOT NULL));
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.deleted_at FROM quotes
     WHERE account_id = NEW.account_id AND held_until IS NOT NULL;
    DELETE FROM waitlist WHERE account_id = NEW.account_id;
    DELETE FROM transfers
     WHERE email = (SELECT email FROM accounts WHERE id = NEW.account_id);
    UPDATE accounts
       SET email = id || '@deleted.invalid', password_hash = '', payout_address = NULL,
           is_operator = 0, deleted_at = NEW.deleted_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    UPDATE responses SET body = NULL WHERE owner_id = NEW.account_id AND body IS NOT NULL;
    DELETE FROM sessions WHERE account_id = NEW.account_id;
    DELETE FROM tokens WHERE account_id = NEW.account_id;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
    DELETE FROM mails WHERE account_id = NEW.account_id;
    DELETE FROM passkeys WHERE account_id = NEW.account_id;
    DELETE FROM totp_secrets WHERE account_id = NEW.account_id;
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
    DELETE FROM saved_searches WHERE account_id = NEW.account_id;
END;

-- commands/disable_account.sql

-- Command: shuts an account out, or lets it in again where `disabled_at` is NULL. Its sessions end;
-- its tokens stay, and are refused meanwhile.
CREATE VIEW disable_account AS SELECT id AS account_id, disabled_at FROM accounts;

CREATE TRIGGER disable_account_does INSTEAD OF INSERT ON disable_account BEGIN
    UPDATE accounts SET disabled_at = NEW.disabled_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
    DELETE FROM challenges WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
END;

-- commands/dispatch_notifications.sql

-- Command: makes the mails and messages of the events behind `seen_id`, up to `event_id`. It aborts
-- if somebody has gone on from `seen_id` meanwhile, so that each is made once. `mails` is a JSON
-- array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal; `deliveries` one of
-- objects with `id`, `webhook`, `event`, `kind` and `body`.
CREATE VIEW dispatch_notifications AS
    SELECT event_id AS seen_id, event_id, '[]' AS mails, '[]' AS deliveries, 0 AS dispatched_at
      FROM notification_cursor;

CREATE TRIGGER dispatch_notifications_does INSTEAD OF INSERT ON dispatch_notifications BEGIN
    UPDATE notification_cursor SET event_id = NEW.event_id WHERE event_id = NEW.seen_id;
    SELECT RAISE(ABORT, 'refused: notice_cursor_moved') WHERE changes() = 0;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT m.value ->> 'id', a.id, m.value ->> 'kind', unhex(m.value ->> 'sealed'),
           NEW.dispatched_at, NEW.dispatched_at
      FROM json_each(NEW.mails) m
      JOIN accounts a ON a.id = m.value ->> 'account' AND a.deleted_at IS NULL;
    INSERT INTO webhook_deliveries (id, webhook_id, event_id, kind, body, due_at, created_at)
    SELECT d.value ->> 'id', w.id, d.value ->> 'event', d.value ->> 'kind', d.value ->> 'body',
           NEW.dispatched_at, NEW.dispatched_at
      FROM json_each(NEW.deliveries) d
      JOIN webhooks w ON w.id = d.value ->> 'webhook' AND w.disabled_at IS NULL;
END;

-- commands/end_cut_rental.sql

-- Command: a rental ends whose node leaves before what was paid for is over: because its renter
-- wants it, or on the day. It is `change_rental`, and it aborts unless the node still leaves at
-- `leaves_at`. What the renter loses in term discounts, `compensation_micros`, is booked by
-- `compensation` out of the earnings of the farmer, or is owed where these do not suffice: then
-- `owed_at` says when it is tried again. The mail that tells the renter is written in the same
-- statement, where there is one.
CREATE VIEW end_cut_rental AS
    SELECT c.*, n.leaves_at, 0 AS compensation_micros, '' AS compensation, 0 AS owed_at,
           '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental c
      JOIN rentals r ON r.id = c.id
      JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER end_cut_rental_does INSTEAD OF INSERT ON end_cut_rental BEGIN
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND n.leaves_at = NEW.leaves_at);
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, removal_late_at, changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, NEW.event, NEW.removal_late_at,
            NEW.changed_at);
    INSERT INTO leaving_compensations
           (rental_id, renter_id, farmer_id, micros, owed_at, created_at)
    SELECT id, renter_id, farmer_id, NEW.compensation_micros, NEW.owed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.compensation_micros > 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, NEW.compensation, NEW.changed_at WHERE NEW.compensation IS NOT NULL;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
END;

-- commands/evaluate_node_month.sql

-- Command: a month's SLA commitment was evaluated when the node had been `down` so often; `alert`
-- is what its farmer is notified of, once, and `minutes_left` how long the node may still be down.
CREATE VIEW evaluate_node_month AS
    SELECT node_id, month, evaluated_down AS down, '' AS alert, 0 AS minutes_left, 0 AS evaluated_at
      FROM node_months;

CREATE TRIGGER evaluate_node_month_does INSTEAD OF INSERT ON evaluate_node_month BEGIN
    UPDATE node_months SET evaluated_down = NEW.down
     WHERE node_id = NEW.node_id AND month = NEW.month;
    INSERT INTO sla_alerts (node_id, month, kind, minutes_left, created_at)
    SELECT NEW.node_id, NEW.month, NEW.alert, NEW.minutes_left, NEW.evaluated_at
     WHERE NEW.alert IS NOT NULL
        ON CONFLICT (node_id, month, kind) DO NOTHING;
END;

-- commands/fail_delivery.sql

-- Command: an attempt to send a message has failed. It is tried again at `retry_at` or, where that
-- is NULL, not at all. The webhook is disabled if its endpoint `is_gone`, or has failed since
-- before `failing_before`. Whoever has taken the message since is not in the way.
CREATE VIEW fail_delivery AS
    SELECT id, attempts, last_status, last_error, due_at AS retry_at, 0 AS is_gone,
           0 AS failing_before, finished_at AS failed_at
      FROM webhook_deliveries;

CREATE TRIGGER fail_delivery_does INSTEAD OF INSERT ON fail_delivery BEGIN
    UPDATE webhook_deliveries
       SET last_status = NEW.last_status, last_error = NEW.last_error,
           state = CASE WHEN NEW.retry_at IS NULL THEN 'failed' ELSE 'waiting' END,
           due_at = coalesce(NEW.retry_at, due_at),
           finished_at = CASE WHEN NEW.retry_at IS NULL THEN NEW.failed_at END
     WHERE id = NEW.id AND attempts = NEW.attempts AND state = 'waiting';
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    UPDATE webhooks SET failing_since = coalesce(failing_since, NEW.failed_at)
     WHERE id = (SELECT webhook_id FROM webhook_deliveries WHERE id = NEW.id);
    UPDATE webhooks SET disabled_at = NEW.failed_at
     WHERE id = (SELECT webhook_id FROM webhook_deliveries WHERE id = NEW.id)
       AND disabled_at IS NULL AND (NEW.is_gone OR failing_since <= NEW.failing_before);
END;

-- commands/finish_key_change.sql

-- Command: an agent has changed the SSH keys of a machine. It aborts unless the action is leased
-- with this `fence`. After a transfer, which is what has keys changed that no renter asked for, a
-- machine that runs is restarted by the action `restart_id`, to be done by `expires_at`: that ends
-- what the old renter has open on it. Where that change failed, the next one makes up for it.
CREATE VIEW finish_key_change AS
    SELECT id, fence, id AS restart_id, expires_at, changed_at AS finished_at
      FROM machine_actions;

CREATE TRIGGER finish_key_change_does INSTEAD OF INSERT ON finish_key_change BEGIN
    UPDATE machine_actions
       SET state = 'done', due_at = NEW.finished_at, changed_at = NEW.finished_at
     WHERE id = NEW.id AND fence = NEW.fence AND kind = 'set-keys' AND state = 'leased';
    SELECT RAISE(ABORT, 'refused: machine_action_changed') WHERE changes() = 0;
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
    SELECT NEW.restart_id, a.job_id, a.rental_id, 'restart', 'waiting', NEW.finished_at,
           NEW.expires_at, NEW.finished_at, NEW.finished_at
      FROM machine_actions a JOIN machines m ON m.job_id = a.job_id
     WHERE a.id = NEW.id AND m.state <> 'off'
       AND EXISTS (SELECT 1 FROM json_each(m.can) WHERE value = 'power')
       AND EXISTS (SELECT 1 FROM machine_actions t
                    WHERE t.job_id = a.job_id AND t.kind = 'set-keys' AND t.requested_by IS NULL
                      AND (t.id = a.id OR t.state = 'failed')
                      AND NOT EXISTS (SELECT 1 FROM machine_actions s
                                       WHERE s.job_id = a.job_id AND s.state = 'done'
                                         AND s.kind IN ('shutdown', 'restart', 'reset', 'rebuild')
                                         AND s.rowid > t.rowid));
END;

-- commands/finish_rebuild.sql

-- Command: an agent has made a machine anew. It aborts unless the action is leased with this
-- `fence`. `sealed` is how the machine is reached now, encrypted.
CREATE VIEW finish_rebuild AS
    SELECT a.id, a.fence, j.sealed, a.changed_at AS finished_at
      FROM machine_actions a JOIN jobs j ON j.id = a.job_id;

CREATE TRIGGER finish_rebuild_does INSTEAD OF INSERT ON finish_rebuild BEGIN
    UPDATE machine_actions
       SET state = 'done', due_at = NEW.finished_at, changed_at = NEW.finished_at
     WHERE id = NEW.id AND fence = NEW.fence AND kind = 'rebuild' AND state = 'leased';
    SELECT RAISE(ABORT, 'refused: machine_action_changed') WHERE changes() = 0;
    UPDATE jobs SET sealed = NEW.sealed
     WHERE id = (SELECT job_id FROM machine_actions WHERE id = NEW.id);
END;

-- commands/hold_earning.sql

-- Command, used by the guard of the ledger: something was earned with a rental, or without one,
-- where `farm_id` is NULL. It is noted as long as it is not to be paid out: as unproven while its
-- farm is not verified by who has earned it and was not used for a month, and as unsettled while
-- the payments by card that it comes from may be taken back. `is_used` says that a renter has used
-- a machine that day and kept it.
CREATE VIEW hold_earning AS
    SELECT owner_id, farm_id, micros, settles_at, 0 AS is_used, 0 AS earned_at
      FROM unproven_earnings;

CREATE TRIGGER hold_earning_does INSTEAD OF INSERT ON hold_earning BEGIN
    DELETE FROM unsettled_earnings
     WHERE owner_id = NEW.owner_id AND settles_at <= NEW.earned_at;
    -- By whatever clock: one that was wrong for a while counts a day more, and stops nothing.
    INSERT INTO farm_uses (owner_id, farm_id, days, counted_on)
    SELECT NEW.owner_id, NEW.farm_id, 1, strftime('%Y-%m-%d', NEW.earned_at, 'unixepoch')
     WHERE NEW.is_used AND NEW.farm_id IS NOT NULL
        ON CONFLICT (owner_id, farm_id) DO UPDATE
       SET days = days + 1, counted_on = excluded.counted_on
     WHERE counted_on <> excluded.counted_on AND days < 30;
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    SELECT owner_id, farm_id, NEW.earned_at
      FROM farm_uses WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30;
    -- What has settled is one row.
    INSERT INTO unproven_earnings (owner_id, farm_id, settles_at, micros)
    SELECT owner_id, farm_id, 0, sum(micros)
      FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id
       AND settles_at BETWEEN 1 AND NEW.earned_at
     GROUP BY owner_id, farm_id
        ON CONFLICT (owner_id, farm_id, settles_at) DO UPDATE
       SET micros = micros + excluded.micros;
    DELETE FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id
       AND settles_at BETWEEN 1 AND NEW.earned_at;
    INSERT INTO unproven_earnings (owner_id, farm_id, settles_at, micros)
    SELECT NEW.owner_id, NEW.farm_id,
           iif(NEW.settles_at > NEW.earned_at, NEW.settles_at, 0), NEW.micros
     WHERE NEW.farm_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.owner_id)
       AND NOT EXISTS (SELECT 1 FROM farm_uses
                        WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30)
        ON CONFLICT (owner_id, farm_id, settles_at) DO UPDATE
       SET micros = micros + excluded.micros;
    INSERT INTO unsettled_earnings (owner_id, settles_at, micros)
    SELECT NEW.owner_id, NEW.settles_at, NEW.micros
     WHERE NEW.settles_at > NEW.earned_at
       AND (NEW.farm_id IS NULL
            OR EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.owner_id)
            OR EXISTS (SELECT 1 FROM farm_uses
                        WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30))
        ON CONFLICT (owner_id, settles_at) DO UPDATE SET micros = micros + excluded.micros;
END;

-- commands/import_node_rental.sql

-- Command: takes over a rental of a whole node from before there were slices. No money moves. It
-- aborts while anything on the node is rented or held.
CREATE VIEW import_node_rental AS
    SELECT r.id, r.node_id, r.renter_id, p.months, r.price_micros, r.price_until, r.started_at,
           r.ends_at, 0 AS evaluate_at, o.created_at AS imported_at
      FROM rentals r
      JOIN orders o ON o.id = r.order_id
      JOIN rental_periods p ON p.rental_id = r.id;

CREATE TRIGGER import_node_rental_does INSTEAD OF INSERT ON import_node_rental BEGIN
    SELECT RAISE(ABORT, 'refused: node_in_use')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND whole_rental_id IS NULL
                          AND allocated_slices = 0 AND reserved_slices = 0);
    INSERT INTO orders (id, account_id, kind, total_micros, created_at)
    VALUES (NEW.id, NEW.renter_id, 'import', 0, NEW.imported_at);
    INSERT INTO rentals
           (id, order_id, node_id, slices, renter_id, farmer_id, state, price_micros, price_until,
            min_uptime, min_bandwidth_mbps, started_at, ends_at)
    SELECT NEW.id, NEW.id, id, max(1, available_slices), NEW.renter_id, farmer_id, 'active',
           NEW.price_micros, NEW.price_until, min_uptime, min_bandwidth_mbps, NEW.started_at,
           NEW.ends_at
      FROM nodes WHERE id = NEW.node_id;
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    VALUES (NEW.id, 1, NEW.id, NEW.renter_id, NEW.months, NEW.price_micros, 0, 0, NEW.started_at,
            NEW.ends_at);
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    VALUES (NEW.id, NEW.started_at, NEW.evaluate_at);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND state = 'available';
    UPDATE nodes SET whole_rental_id = NEW.id WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, rental_id, created_at)
    SELECT 'node-rental-imported', renter_id, farmer_id, node_id, id, NEW.imported_at
      FROM rentals WHERE id = NEW.id;
END;

-- commands/keep_quote.sql

-- Command: keeps a quote and, where `held_until` is set, holds its slices: all of them, or it
-- aborts. `items` is a JSON array of objects with `node`, `slice` and the offer's `version`.
--
-- Of one account, at most `holds_max` quotes may hold slices at once, and at most `slices_max`
-- slices may be rented and held; the wallet holds what all that is held would cost; and no slice
-- is held more than `holds_of_slice_max` times in quotes that ended after `holds_after` and were
-- not used.
CREATE VIEW keep_quote AS
    SELECT id, account_id, document, signature, items, created_at, expires_at, held_until,
           0 AS holds_max, 0 AS slices_max, 0 AS holds_after, 0 AS holds_of_slice_max
      FROM quotes;

CREATE TRIGGER keep_quote_does INSTEAD OF INSERT ON keep_quote BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    INSERT INTO quotes
           (id, account_id, document, signature, items, created_at, expires_at, held_until)
    VALUES (NEW.id, NEW.account_id, NEW.document, NEW.signature, NEW.items, NEW.created_at,
            NEW.expires_at, NEW.held_until);
    SELECT RAISE(ABORT, 'refused: offer_changed')
      FROM json_each(NEW.items) i
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = i.value ->> 'node' AND listing = 'published'
                          AND offer_version = i.value ->> 'version');
    UPDATE slices SET state = 'reserved', quote_id = NEW.id
     WHERE NEW.held_until IS NOT NULL AND state = 'available'
       AND (node_id, number) IN (SELECT value ->> 'node', value ->> 'slice'
                                   FROM json_each(NEW.items));
    SELECT RAISE(ABORT, 'refused: slice_taken')
     WHERE NEW.held_until IS NOT NULL AND changes() <> json_array_length(NEW.items);
    SELECT RAISE(ABORT, 'refused: hold_limit_reached')
     WHERE NEW.held_until IS NOT NULL
       AND (SELECT count(*) FROM quotes
             WHERE account_id = NEW.account_id AND held_until IS NOT NULL) > NEW.holds_max;
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE NEW.held_until IS NOT NULL
       AND (SELECT coalesce(sum(slices), 0) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended')
           + (SELECT count(*) FROM quotes q JOIN slices s ON s.quote_id = q.id
               WHERE q.account_id = NEW.account_id AND q.held_until IS NOT NULL)
           > NEW.slices_max;
    SELECT RAISE(ABORT, 'refused: hold_not_covered')
     WHERE NEW.held_until IS NOT NULL
       AND coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'wallet' AND owner_id = NEW.account_id), 0)
           < (SELECT sum(document ->> 'total_micros') FROM quotes
               WHERE account_id = NEW.account_id AND held_until IS NOT NULL);
    SELECT RAISE(ABORT, 'refused: slice_held_too_often')
     WHERE NEW.held_until IS NOT NULL
       AND EXISTS (SELECT 1
                     FROM quotes q JOIN json_each(q.items) i
                    WHERE q.account_id = NEW.account_id AND q.used_at IS NULL
                      AND q.expires_at > NEW.holds_after
                      AND q.document ->> 'held_until' IS NOT NULL
                      AND (i.value ->> 'node', i.value ->> 'slice') IN (
                          SELECT value ->> 'node', value ->> 'slice' FROM json_each(NEW.items))
                    GROUP BY i.value ->> 'node', i.value ->> 'slice'
                   HAVING count(*) > NEW.holds_of_slice_max);
END;

-- commands/leave_waitlist.sql

-- Command: an account leaves the line for a node; a slice that is held for it is free again. It
-- aborts if the account is not in line.
CREATE VIEW leave_waitlist AS SELECT node_id, account_id, joined_at AS left_at FROM waitlist;

CREATE TRIGGER leave_waitlist_does INSTEAD OF INSERT ON leave_waitlist BEGIN
    SELECT RAISE(ABORT, 'refused: waitlist_changed')
     WHERE NOT EXISTS (SELECT 1 FROM waitlist
                        WHERE node_id = NEW.node_id AND account_id = NEW.account_id);
    INSERT INTO release_hold (quote_id, released_at)
    SELECT quote_id, NEW.left_at FROM waitlist
     WHERE node_id = NEW.node_id AND account_id = NEW.account_id AND quote_id IS NOT NULL;
    DELETE FROM waitlist WHERE node_id = NEW.node_id AND account_id = NEW.account_id;
END;

-- commands/leaving_costs.sql

-- What ending each rental would cost its farmer at most, from now on, if its node leaves before
-- what was paid for is over. Of each term that is the part of its discount that belongs to what is
-- neither earned nor refunded, and never more than so many percent of a month's price: the
-- discounts of shorter terms make up for the rest. A test of `domain::leaving` shows both. Each
-- term is rounded up, by a cent at most.
CREATE VIEW leaving_costs AS
    SELECT r.id AS rental_id, r.node_id, r.farmer_id, r.ends_at,
           (SELECT coalesce(sum(min(
                       (p.total_micros - p.earned_micros - p.refunded_micros) / 10000
                       * ((p.months * p.price_micros * r.slices - p.total_micros) / 10000)
                       / (p.total_micros / 10000) * 10000,
                       CASE p.months WHEN 3 THEN 15 WHEN 6 THEN 29 ELSE 57 END
                       * (p.price_micros * r.slices / 100)) + 10000), 0)
              FROM rental_periods p
             WHERE p.rental_id = r.id AND p.total_micros >= 10000
               AND p.total_micros < p.months * p.price_micros * r.slices
               AND p.earned_micros + p.refunded_micros < p.total_micros) AS micros
      FROM rentals r
     WHERE r.state <> 'ended';

-- commands/look_for_saved_search.sql

-- Command: a saved search has seen the offers up to `number`, and is looked for again at `next_at`.
-- `found` is a JSON array of objects with `node` and `version`: its account is notified once of
-- those that it was not told of since `told_after` at this version, all together. At most
-- `finds_max` nodes are remembered. It aborts unless the search is at `seen_number` and
-- `seen_due_at`, so that each look is taken once.
CREATE VIEW look_for_saved_search AS
    SELECT id, seen_number, due_at AS seen_due_at, seen_number AS number, due_at AS next_at,
           due_at AS found_next_at, '[]' AS found, 0 AS told_after, 0 AS finds_max,
           created_at AS looked_at
      FROM saved_searches;

CREATE TRIGGER look_for_saved_search_does INSTEAD OF INSERT ON look_for_saved_search BEGIN
    UPDATE saved_searches SET seen_number = NEW.number, due_at = NEW.next_at
     WHERE id = NEW.id AND is_on = 1 AND seen_number = NEW.seen_number
       AND due_at = NEW.seen_due_at;
    SELECT RAISE(ABORT, 'refused: saved_search_changed') WHERE changes() = 0;
    INSERT INTO events (kind, renter_id, node_id, subject, created_at)
    SELECT 'saved-search-found', s.account_id, iif(f.count = 1, f.node, NULL),
           f.count || ': ' || s.name, NEW.looked_at
      FROM saved_searches s
      JOIN (SELECT count(*) AS count, min(value ->> 'node') AS node
              FROM json_each(NEW.found)
             WHERE NOT EXISTS (SELECT 1 FROM saved_search_finds
                                WHERE search_id = NEW.id AND node_id = value ->> 'node'
                                  AND offer_version = value ->> 'version'
                                  AND found_at > NEW.told_after)) f
     WHERE s.id = NEW.id AND f.count > 0;
    -- Nothing more for a while, once somebody was notified.
    UPDATE saved_searches SET due_at = NEW.found_next_at
     WHERE id = NEW.id
       AND EXISTS (SELECT 1 FROM json_each(NEW.found)
                    WHERE NOT EXISTS (SELECT 1 FROM saved_search_finds
                                       WHERE search_id = NEW.id AND node_id = value ->> 'node'
                                         AND offer_version = value ->> 'version'
                                         AND found_at > NEW.told_after));
    INSERT INTO saved_search_finds (search_id, node_id, offer_version, found_at)
    SELECT NEW.id, value ->> 'node', value ->> 'version', NEW.looked_at
      FROM json_each(NEW.found)
     WHERE true
        ON CONFLICT (search_id, node_id) DO UPDATE
       SET offer_version = excluded.offer_version, found_at = excluded.found_at
     WHERE offer_version <> excluded.offer_version OR found_at <= NEW.told_after;
    DELETE FROM saved_search_finds
     WHERE search_id = NEW.id
       AND node_id NOT IN (SELECT node_id FROM saved_search_finds WHERE search_id = NEW.id
                            ORDER BY found_at DESC, node_id DESC LIMIT NEW.finds_max);
END;

-- commands/move_rental_to_slice.sql

-- Command: a rental goes on with another slice, because its node leaves, access to it is overdue or
-- it is down, and its renter agreed. It aborts unless the rental is at the `version` that the
-- decision saw and may move, the other node's offer is the one that was agreed to, and its slice
-- `slice_number` is free.
--
-- `is_owed` is whether access was owed when it was decided: then the other farm must have an agent.
-- `removal_late_at` is what `remove_machines` takes, `late_at`, `refund_at` and `seen_after` what
-- `create_machines` does, and `evaluate_at` what `begin_tenure` does. What was used is booked to
-- the farmer whom the rental leaves, by `bookings` and `periods`; the rest stays in its escrow.
CREATE VIEW move_rental_to_slice AS
    SELECT r.id, r.version, r.node_id, r.slice_number, n.offer_version, r.price_micros,
           r.min_uptime, r.min_bandwidth_mbps, r.earns_at, '[]' AS periods, '[]' AS bookings,
           0 AS is_owed, 0 AS removal_late_at, 0 AS evaluate_at, 0 AS late_at, 0 AS refund_at,
           0 AS seen_after, r.started_at AS moved_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id;

CREATE TRIGGER move_rental_to_slice_does INSTEAD OF INSERT ON move_rental_to_slice BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.moved_at FROM quotes WHERE held_until <= NEW.moved_at;
    SELECT RAISE(ABORT, 'refused: rental_changed')
     WHERE NOT EXISTS (SELECT 1 FROM rentals r JOIN nodes n ON n.id = r.node_id
                        WHERE r.id = NEW.id AND r.version = NEW.version AND r.state = 'active'
                          AND r.slice_number IS NOT NULL
                          AND (n.leaves_at IS NOT NULL
                               OR EXISTS (SELECT 1 FROM outages
                                           WHERE node_id = r.node_id AND job_id IS NULL
                                             AND until_at IS NULL)
                               OR EXISTS (SELECT 1 FROM outages
                                           WHERE until_at IS NULL
                                             AND job_id IN (SELECT id FROM jobs
                                                             WHERE rental_id = NEW.id
                                                               AND kind = 'create'))
                               OR EXISTS (SELECT 1 FROM jobs
                                           WHERE rental_id = NEW.id AND kind = 'create'
                                             AND (state = 'failed'
                                                  OR (state IN ('waiting', 'leased')
                                                      AND (notified_at IS NOT NULL
                                                           OR late_at <= NEW.moved_at))))));
    SELECT RAISE(ABORT, 'refused: access_changed')
     WHERE NEW.is_owed <> EXISTS (SELECT 1 FROM jobs
                                   WHERE rental_id = NEW.id AND kind = 'create'
                                     AND state IN ('waiting', 'leased', 'failed'));
    SELECT RAISE(ABORT, 'refused: offer_changed')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND listing = 'published'
                          AND offer_version = NEW.offer_version
                          AND price_micros = NEW.price_micros
                          AND min_uptime = NEW.min_uptime
                          AND min_bandwidth_mbps = NEW.min_bandwidth_mbps
                          AND whole_rental_id IS NULL
                          AND capacity >= available_slices + reserved_slices + allocated_slices);
    INSERT INTO events (kind, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-out', farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
    UPDATE slices SET state = 'available', rental_id = NULL WHERE rental_id = NEW.id;
    INSERT INTO remove_machines (rental_id, removed_at, late_at)
    VALUES (NEW.id, NEW.moved_at, NEW.removal_late_at);
    UPDATE nodes SET capacity = capacity
     WHERE id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND number = NEW.slice_number AND state = 'available';
    SELECT RAISE(ABORT, 'refused: slice_taken') WHERE changes() = 0;
    INSERT INTO create_machines (rental_id, created_at, late_at, refund_at, seen_after)
    VALUES (NEW.id, NEW.moved_at, NEW.late_at, NEW.refund_at, NEW.seen_after);
    SELECT RAISE(ABORT, 'refused: agent_gone')
     WHERE NEW.is_owed AND NOT EXISTS (SELECT 1 FROM jobs
                                        WHERE rental_id = NEW.id AND kind = 'create'
                                          AND state = 'waiting' AND is_by_hand = 0);
    -- While it is still there: what was earned is of that node.
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NEW.id, value, NEW.moved_at FROM json_each(NEW.bookings);
    UPDATE rentals
       SET version = version + 1, node_id = NEW.node_id, slice_number = NEW.slice_number,
           price_micros = NEW.price_micros,
           farmer_id = (SELECT farmer_id FROM nodes WHERE id = NEW.node_id),
           min_uptime = NEW.min_uptime, min_bandwidth_mbps = NEW.min_bandwidth_mbps,
           earns_at = NEW.earns_at
     WHERE id = NEW.id;
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    VALUES (NEW.id, NEW.moved_at, NEW.evaluate_at);
    UPDATE rental_periods
       SET earned_micros = (SELECT value ->> 'earned' FROM json_each(NEW.periods)
                             WHERE value ->> 'number' = rental_periods.number)
     WHERE rental_id = NEW.id
       AND number IN (SELECT value ->> 'number' FROM json_each(NEW.periods));
    DELETE FROM reminders WHERE rental_id = NEW.id AND days < 0;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-moved-in', renter_id, farmer_id, node_id, slice_number, id, NEW.moved_at
      FROM rentals WHERE id = NEW.id;
END;

-- commands/new_recovery_codes.sql

-- Command: recovery codes in place of those that were there; `hashes` is one behind another.
CREATE VIEW new_recovery_codes AS SELECT account_id, hash AS hashes FROM recovery_codes;

CREATE TRIGGER new_recovery_codes_does INSTEAD OF INSERT ON new_recovery_codes BEGIN
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
    INSERT INTO recovery_codes (account_id, hash)
    SELECT NEW.account_id, substr(NEW.hashes, 32 * place.column1 + 1, 32)
      FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) place
     WHERE 32 * place.column1 < length(NEW.hashes);
END;

-- commands/notify_credit.sql

-- Command, used by the other commands: books a credit, and notifies both sides.
CREATE VIEW notify_credit AS
    SELECT rental_id, month, tenure, '' AS booking, evaluated_at AS notified_at FROM sla_months;

CREATE TRIGGER notify_credit_does INSTEAD OF INSERT ON notify_credit BEGIN
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.notified_at);
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-credited', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, m.credit_micros / 1000000,
                  m.credit_micros / 10000 % 100),
           NEW.notified_at
      FROM sla_months m
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.tenure = NEW.tenure;
END;

-- commands/notify_expiring_tokens.sql

-- Command: farmers are notified that tokens which agents have used expire after `from_at` and not
-- after `until_at`, which is `days` after `notified_at`: once for each token and number of days,
-- and not of one that was made for fewer days. At most `tokens_max` at once.
CREATE VIEW notify_expiring_tokens AS
    SELECT 14 AS days, created_at AS from_at, expires_at AS until_at, used_at AS notified_at,
           100 AS tokens_max
      FROM tokens;

CREATE TRIGGER notify_expiring_tokens_does INSTEAD OF INSERT ON notify_expiring_tokens BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT 'agent-token-expiring', t.account_id,
           printf('%s (%s…): %d days', t.name, t.hint, NEW.days), NEW.notified_at
      FROM tokens t
     WHERE t.expires_at > NEW.from_at AND t.expires_at <= NEW.until_at
       AND ' ' || t.scopes || ' ' LIKE '% agent %' AND t.used_at IS NOT NULL
       AND t.created_at < t.expires_at - (NEW.until_at - NEW.notified_at)
       -- The latest events first: one of the last days.
       AND NOT EXISTS (SELECT 1 FROM events e
                        WHERE e.farmer_id = t.account_id AND e.kind = 'agent-token-expiring'
                          AND e.created_at >= t.created_at
                          AND e.subject = printf('%s (%s…): %d days', t.name, t.hint, NEW.days)
                        ORDER BY e.id DESC LIMIT 1)
     ORDER BY t.expires_at LIMIT NEW.tokens_max;
END;

-- commands/notify_late_job.sql

-- Command: people are notified, once, that a job is late: by an event, and by the mails in `mails`,
-- a JSON array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal.
CREATE VIEW notify_late_job AS SELECT id AS job_id, '[]' AS mails, notified_at FROM jobs;

CREATE TRIGGER notify_late_job_does INSTEAD OF INSERT ON notify_late_job BEGIN
    UPDATE jobs SET notified_at = NEW.notified_at
     WHERE id = NEW.job_id AND notified_at IS NULL AND state IN ('waiting', 'leased', 'failed');
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT iif(j.kind = 'create', 'access-late', 'removal-late'),
           iif(j.kind = 'create', r.renter_id, NULL), r.farmer_id, j.node_id, j.slice_number,
           iif(j.kind = 'create', r.id, NULL), NEW.notified_at
      FROM jobs j JOIN rentals r ON r.id = j.rental_id WHERE j.id = NEW.job_id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT value ->> 'id', value ->> 'account', value ->> 'kind', unhex(value ->> 'sealed'),
           NEW.notified_at, NEW.notified_at
      FROM json_each(NEW.mails);
END;

-- commands/notify_maintenance.sql

-- Command, used by the guards of `maintenance`: notifies a farmer, and who rents something on the
-- node, of a window. Each rental has an event of its own.
CREATE VIEW notify_maintenance AS
    SELECT '' AS kind, id, node_id, announced_at AS notified_at FROM maintenance;

CREATE TRIGGER notify_maintenance_does INSTEAD OF INSERT ON notify_maintenance BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id, NEW.id, NEW.notified_at FROM nodes WHERE id = NEW.node_id;
    INSERT INTO events
           (kind, renter_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT NEW.kind, renter_id, node_id, slice_number, id, NEW.id, NEW.notified_at
      FROM rentals WHERE node_id = NEW.node_id AND state <> 'ended'
     ORDER BY id;
END;

-- commands/notify_outage.sql

-- Command: renters and farmers of what has been down for a day are notified, once for each outage:
-- of a machine of a whole node, which is not down itself, with the machine's slice.
CREATE VIEW notify_outage AS SELECT id, notified_at FROM outages;

CREATE TRIGGER notify_outage_does INSTEAD OF INSERT ON notify_outage BEGIN
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-down', r.renter_id, r.farmer_id, r.node_id,
           coalesce(r.slice_number, j.slice_number), r.id, NEW.notified_at
      FROM outages o
      JOIN rentals r ON r.node_id = o.node_id AND r.state = 'active'
      LEFT JOIN jobs j ON j.id = o.job_id
     WHERE o.id = NEW.id AND o.notified_at IS NULL
       AND (o.job_id IS NULL OR r.id = j.rental_id);
    UPDATE outages SET notified_at = NEW.notified_at WHERE id = NEW.id AND notified_at IS NULL;
END;

-- commands/observe_node.sql

-- Command: an observation of a registered node. `status` is NULL where the grid says of it what it
-- said before: then only the observation is counted. `is_up` is NULL where the node was not
-- observed, `is_down` where nobody knows, and `reported_at` where the grid has no document of it; a
-- document of it puts an end to one in quarantine. `fence` is that of the run, which aborts if
-- another one has begun since; it is NULL outside of runs, where what is older than what is known
-- changes nothing. The farmer of a node that is down is notified, unless they were after
-- `alerted_before`: then once that is over. An outage that was last seen before `seen_before` is
-- over; one that is over lasted until it was last seen, if that was before `end_seen_before`.
CREATE VIEW observe_node AS
    SELECT id, farm_id, farm_name, country, city, status, healthy, certified, upload_mbps,
           download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal, oversold,
           synced_at, 0 AS is_up, 0 AS is_down, 0 AS fence, 0 AS alerted_before,
           0 AS seen_before, 0 AS end_seen_before
      FROM nodes;

CREATE TRIGGER observe_node_does INSTEAD OF INSERT ON observe_node BEGIN
    SELECT RAISE(ABORT, 'refused: sync_run_superseded')
     WHERE NEW.fence IS NOT NULL AND NEW.fence <> (SELECT fence FROM sync_state WHERE id = 1);
    UPDATE nodes
       SET farm_id = NEW.farm_id, farm_name = NEW.farm_name, country = NEW.country,
           city = NEW.city, status = NEW.status, healthy = NEW.healthy,
           certified = NEW.certified, upload_mbps = NEW.upload_mbps,
           download_mbps = NEW.download_mbps, capacity = NEW.capacity, by_cpu = NEW.by_cpu,
           by_memory = NEW.by_memory, by_ssd = NEW.by_ssd, refusal = NEW.refusal,
           oversold = NEW.oversold, synced_at = NEW.synced_at
     WHERE id = NEW.id AND NEW.status IS NOT NULL
       AND (NEW.fence IS NOT NULL OR synced_at <= NEW.synced_at);
    UPDATE nodes
       SET reported_at = coalesce(NEW.reported_at, reported_at), synced_at = NEW.synced_at,
           observed = observed + (NEW.is_up IS NOT NULL),
           observed_up = observed_up + coalesce(NEW.is_up, 0)
     WHERE id = NEW.id AND (NEW.fence IS NOT NULL OR synced_at <= NEW.synced_at);
    UPDATE outages SET until_at = iif(seen_at < NEW.end_seen_before, seen_at, NEW.synced_at)
     WHERE node_id = NEW.id AND job_id IS NULL AND until_at IS NULL
       AND (NEW.is_down = 0 OR (NEW.is_down = 1 AND seen_at < NEW.seen_before))
       AND (SELECT synced_at FROM nodes WHERE id = NEW.id) = NEW.synced_at;
    INSERT INTO outages (node_id, from_at, seen_at)
    SELECT id, NEW.synced_at, NEW.synced_at
      FROM nodes
     WHERE id = NEW.id AND synced_at = NEW.synced_at AND NEW.is_down = 1
        ON CONFLICT (node_id) WHERE until_at IS NULL AND job_id IS NULL
        DO UPDATE SET seen_at = excluded.seen_at;
    INSERT INTO node_alerts (node_id, is_down, notified_at, changed_at)
    SELECT id, 1, NEW.synced_at, NEW.synced_at
      FROM nodes
     WHERE id = NEW.id AND synced_at = NEW.synced_at AND NEW.is_down = 1
       AND (listing = 'published' OR allocated_slices > 0 OR whole_rental_id IS NOT NULL)
        ON CONFLICT (node_id) DO UPDATE
       SET is_down = 1, notified_at = excluded.notified_at, changed_at = excluded.changed_at
     WHERE is_down = 0 AND notified_at <= NEW.alerted_before;
    UPDATE node_alerts SET is_down = 0, changed_at = NEW.synced_at
     WHERE node_id = NEW.id AND is_down = 1 AND NEW.is_down = 0
       AND (SELECT synced_at FROM nodes WHERE id = NEW.id) = NEW.synced_at;
    DELETE FROM refused_documents WHERE node_id = NEW.id AND NEW.reported_at IS NOT NULL;
END;

-- commands/offer_top_up.sql

-- Command: a top-up can be paid on a page of the provider; `session_id` and `url` are NULL where it
-- cannot any more. It aborts unless it is in the `state` that was seen, and has no page yet. The
-- key that it took gets its response: `response` is as in `store_response`.
CREATE VIEW offer_top_up AS
    SELECT id, state, session_id, url, '' AS response, created_at AS offered_at FROM top_ups;

CREATE TRIGGER offer_top_up_does INSTEAD OF INSERT ON offer_top_up BEGIN
    UPDATE responses
       SET status = NEW.response ->> 'status', location = NEW.response ->> 'location',
           body = NEW.response ->> 'body', created_at = NEW.offered_at
     WHERE owner_id = NEW.response ->> 'owner_id' AND status IS NULL
       AND idempotency_key = NEW.response ->> 'idempotency_key';
    SELECT RAISE(ABORT, 'refused: idempotency_key_used')
     WHERE NEW.response IS NOT NULL AND changes() = 0;
    UPDATE top_ups SET session_id = NEW.session_id, url = NEW.url
     WHERE id = NEW.id AND state = NEW.state AND session_id IS NULL;
    SELECT RAISE(ABORT, 'refused: top_up_changed') WHERE changes() = 0;
END;

-- commands/offer_waitlist_slice.sql

-- Command: the first in line for a node has a turn: `keep_quote` with the same columns holds a
-- slice for the account, whose entry of the waitlist is `entry`, and it is notified. It aborts
-- unless that entry waits and is the first of the node.
CREATE VIEW offer_waitlist_slice AS
    SELECT 0 AS entry, id, account_id, document, signature, items, created_at, expires_at,
           held_until, 0 AS holds_max, 0 AS slices_max, 0 AS holds_after, 0 AS holds_of_slice_max
      FROM quotes;

CREATE TRIGGER offer_waitlist_slice_does INSTEAD OF INSERT ON offer_waitlist_slice BEGIN
    SELECT RAISE(ABORT, 'refused: waitlist_changed')
     WHERE NEW.held_until IS NULL
        OR NEW.entry IS NOT (SELECT min(number) FROM waitlist
                              WHERE quote_id IS NULL
                                AND node_id = NEW.items ->> '$[0].node')
        OR NEW.account_id IS NOT (SELECT account_id FROM waitlist WHERE number = NEW.entry);
    INSERT INTO keep_quote
           (id, account_id, document, signature, items, created_at, expires_at, held_until,
            holds_max, slices_max, holds_after, holds_of_slice_max)
    VALUES (NEW.id, NEW.account_id, NEW.document, NEW.signature, NEW.items, NEW.created_at,
            NEW.expires_at, NEW.held_until, NEW.holds_max, NEW.slices_max, NEW.holds_after,
            NEW.holds_of_slice_max);
    UPDATE waitlist SET quote_id = NEW.id WHERE number = NEW.entry;
    INSERT INTO events (kind, renter_id, node_id, slice_number, created_at)
    SELECT 'waitlist-offered', NEW.account_id, value ->> 'node', value ->> 'slice', NEW.created_at
      FROM json_each(NEW.items);
END;

-- commands/owed_credits.sql

-- What farmers owe their renters, or may owe them: `sla_micros` in SLA credits, also because a
-- renter disputes a month; `leaving_micros` in compensations for leaving the market, also because a
-- node of theirs is going to leave; and `micros` in both.
CREATE VIEW owed_credits AS
    SELECT farmer_id, sla_micros, leaving_micros, sla_micros + leaving_micros AS micros
      FROM (SELECT a.id AS farmer_id,
                   (SELECT coalesce(sum(m.credit_micros), 0)
                      FROM sla_months m WHERE m.farmer_id = a.id AND m.owed_at IS NOT NULL)
                 + (SELECT coalesce(sum(m.base_micros - m.paid_micros), 0)
                      FROM sla_disputes d
                      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month
                                       AND m.tenure = d.tenure
                     WHERE m.farmer_id = a.id AND d.side = 'renter' AND d.decided_at IS NULL)
                   AS sla_micros,
                   (SELECT coalesce(sum(micros), 0)
                      FROM leaving_compensations
                     WHERE farmer_id = a.id AND owed_at IS NOT NULL)
                 + (SELECT coalesce(sum(c.micros), 0)
                      FROM nodes n
                      JOIN leaving_costs c ON c.node_id = n.id AND c.ends_at > n.leaves_at
                     WHERE n.farmer_id = a.id AND n.leaves_at IS NOT NULL AND n.left_at IS NULL)
                   AS leaving_micros
              FROM accounts a);

-- commands/pass_waitlist_turn.sql

-- Command: a slice is free, but cannot be held for whoever is first in line, for the reason `why`:
-- the account is notified and loses its place. It aborts unless the entry waits and is the first
-- of the node.
CREATE VIEW pass_waitlist_turn AS
    SELECT number AS entry, '' AS why, joined_at AS passed_at FROM waitlist;

CREATE TRIGGER pass_waitlist_turn_does INSTEAD OF INSERT ON pass_waitlist_turn BEGIN
    INSERT INTO events (kind, renter_id, node_id, subject, created_at)
    SELECT 'waitlist-passed', w.account_id, w.node_id, NEW.why, NEW.passed_at
      FROM waitlist w
     WHERE w.number = NEW.entry AND w.quote_id IS NULL
       AND NOT EXISTS (SELECT 1 FROM waitlist
                        WHERE node_id = w.node_id AND quote_id IS NULL AND number < w.number);
    SELECT RAISE(ABORT, 'refused: waitlist_changed') WHERE changes() = 0;
    DELETE FROM waitlist WHERE number = NEW.entry;
END;

-- commands/pay_compensation.sql

-- Command: a compensation that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_compensation AS
    SELECT rental_id, '' AS booking, owed_at AS paid_at FROM leaving_compensations;

CREATE TRIGGER pay_compensation_does INSTEAD OF INSERT ON pay_compensation BEGIN
    UPDATE leaving_compensations SET owed_at = NULL
     WHERE rental_id = NEW.rental_id AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.paid_at);
END;

-- commands/pay_credit.sql

-- Command: a credit that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_credit AS
    SELECT rental_id, month, tenure, '' AS booking, owed_at AS paid_at FROM sla_months;

CREATE TRIGGER pay_credit_does INSTEAD OF INSERT ON pay_credit BEGIN
    UPDATE sla_months SET paid_micros = credit_micros, owed_at = NULL
     WHERE rental_id = NEW.rental_id AND month = NEW.month AND tenure = NEW.tenure
       AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO notify_credit (rental_id, month, tenure, booking, notified_at)
    VALUES (NEW.rental_id, NEW.month, NEW.tenure, NEW.booking, NEW.paid_at);
END;

-- commands/post_booking.sql

-- Command, used by the other commands: posts a booking, a JSON object with `kind`, `reference`,
-- `reason` and the `entries`, each with `kind`, `owner` and `micros`. It aborts unless they sum to
-- zero.
CREATE VIEW post_booking AS
    SELECT rental_id, '' AS booking, created_at FROM ledger_transactions;

CREATE TRIGGER post_booking_does INSTEAD OF INSERT ON post_booking BEGIN
    SELECT RAISE(ABORT, 'refused: booking_not_balanced')
     WHERE (SELECT sum(value ->> 'micros') FROM json_each(NEW.booking, '$.entries')) IS NOT 0;
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    VALUES (NEW.booking ->> 'kind', NEW.booking ->> 'reference', NEW.rental_id,
            NEW.booking ->> 'reason', NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT NEW.booking ->> 'kind', NEW.booking ->> 'reference', value ->> 'kind',
           value ->> 'owner', value ->> 'micros'
      FROM json_each(NEW.booking, '$.entries');
END;

-- commands/post_entry.sql

-- Command, used by the other commands: posts one entry of a transaction, and moves the balance.
--
-- Only a payment by card that was taken back brings a wallet below zero; what it owes then is paid
-- by whatever comes to it.
CREATE VIEW post_entry AS
    SELECT t.kind AS transaction_kind, t.reference, a.kind, a.owner_id, e.amount_micros
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id;

CREATE TRIGGER post_entry_does INSTEAD OF INSERT ON post_entry BEGIN
    INSERT INTO ledger_accounts (kind, owner_id) VALUES (NEW.kind, NEW.owner_id)
        ON CONFLICT (kind, owner_id) DO NOTHING;
    UPDATE ledger_accounts
       SET balance_micros = balance_micros + NEW.amount_micros,
           owed_micros = CASE WHEN kind = 'wallet' AND NEW.transaction_kind = 'card-reversal'
                              THEN max(0, -(balance_micros + NEW.amount_micros))
                              ELSE min(owed_micros,
                                       max(0, -(balance_micros + NEW.amount_micros))) END
     WHERE kind = NEW.kind AND owner_id = NEW.owner_id;
    INSERT INTO ledger_entries
           (ledger_account_id, transaction_id, amount_micros, balance_after_micros)
    SELECT a.id, t.id, NEW.amount_micros, a.balance_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.kind = NEW.kind AND a.owner_id = NEW.owner_id
       AND t.kind = NEW.transaction_kind AND t.reference = NEW.reference;
    SELECT RAISE(ABORT, 'refused: transaction_missing') WHERE changes() = 0;
END;

-- commands/rank_nodes.sql

-- Command: keeps what was found of the nodes behind `seen_id`, up to `node_id`, and goes on behind
-- that. `ranks` is a JSON array of objects with `node` and `uptime`. Where another run has gone on
-- from `seen_id` meanwhile, it has found the same, and nothing is done.
CREATE VIEW rank_nodes AS SELECT node_id AS seen_id, node_id, '[]' AS ranks FROM rank_cursor;

CREATE TRIGGER rank_nodes_does INSTEAD OF INSERT ON rank_nodes BEGIN
    UPDATE rank_cursor SET node_id = NEW.node_id WHERE node_id = NEW.seen_id;
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    UPDATE nodes
       SET proven_uptime = (SELECT value ->> 'uptime' FROM json_each(NEW.ranks)
                             WHERE value ->> 'node' = nodes.id)
     WHERE id IN (SELECT value ->> 'node' FROM json_each(NEW.ranks));
END;

-- commands/refund_rental.sql

-- Command: a rental that has no access is refunded in full, and ends. The columns are those of
-- `change_rental`, and those of a mail about it, where there is one. It aborts unless
-- access is owed.
CREATE VIEW refund_rental AS
    SELECT id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
           bookings, removal_late_at, changed_at, '' AS mail_id, '' AS mail_kind, x'' AS sealed
      FROM change_rental;

CREATE TRIGGER refund_rental_does INSTEAD OF INSERT ON refund_rental BEGIN
    SELECT RAISE(ABORT, 'refused: access_not_owed')
     WHERE NOT EXISTS (SELECT 1 FROM jobs
                        WHERE rental_id = NEW.id AND kind = 'create'
                          AND state IN ('waiting', 'leased', 'failed'));
    -- Whoever holds the lease keeps it until it is over: the removal waits for that.
    UPDATE jobs
       SET state = 'refunded', changed_at = NEW.changed_at,
           due_at = iif(state = 'leased', due_at, NEW.changed_at)
     WHERE rental_id = NEW.id AND kind = 'create' AND state IN ('waiting', 'leased', 'failed');
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-refunded', renter_id, farmer_id, node_id, slice_number, id, NEW.changed_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
      FROM rentals WHERE id = NEW.id AND NEW.mail_id IS NOT NULL;
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, order_id, total_micros, token_id, response, removal_late_at,
            changed_at)
    VALUES (NEW.id, NEW.version, NEW.state, NEW.price_micros, NEW.price_until, NEW.ends_at,
            NEW.ended_at, NEW.earns_at, NEW.periods, NEW.bookings, 'rental-ended', NULL, NULL,
            NULL, NULL, NEW.removal_late_at, NEW.changed_at);
END;

-- commands/refuse_payment.sql

-- Command: a payment has come in that is not what was meant. It is written down once, for the
-- operator and in the audit log, and its top-up waits no longer.
CREATE VIEW refuse_payment AS
    SELECT payment_id, top_up_id, reason, amount, currency, created_at FROM refused_payments;

CREATE TRIGGER refuse_payment_does INSTEAD OF INSERT ON refuse_payment BEGIN
    INSERT INTO refused_payments (payment_id, top_up_id, reason, amount, currency, created_at)
    VALUES (NEW.payment_id, NEW.top_up_id, NEW.reason, NEW.amount, NEW.currency, NEW.created_at);
    UPDATE top_ups SET state = 'refused'
     WHERE id = NEW.top_up_id AND state IN ('pending', 'expired');
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    VALUES ('payment-refused', 'market',
            (SELECT account_id FROM top_ups WHERE id = NEW.top_up_id), NEW.top_up_id,
            NEW.created_at);
END;

-- commands/register_node.sql

-- Command: registers a node as a draft, with the slices that its first report allows.
CREATE VIEW register_node AS
    SELECT id, farmer_id, name, farm_id, farm_name, country, city, status, healthy, certified,
           upload_mbps, download_mbps, reported_at, capacity, by_cpu, by_memory, by_ssd, refusal,
           created_at
      FROM nodes;

CREATE TRIGGER register_node_does INSTEAD OF INSERT ON register_node BEGIN
    INSERT INTO nodes
           (id, farmer_id, name, farm_id, farm_name, country, city, status, healthy, certified,
            upload_mbps, download_mbps, reported_at, by_cpu, by_memory, by_ssd, refusal,
            created_at, offer_changed_at, synced_at)
    VALUES (NEW.id, NEW.farmer_id, NEW.name, NEW.farm_id, NEW.farm_name, NEW.country, NEW.city,
            NEW.status, NEW.healthy, NEW.certified, NEW.upload_mbps, NEW.download_mbps,
            NEW.reported_at, NEW.by_cpu, NEW.by_memory, NEW.by_ssd, NEW.refusal,
            NEW.created_at, NEW.created_at, NEW.created_at);
    UPDATE nodes SET capacity = NEW.capacity WHERE id = NEW.id;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-registered', NEW.farmer_id, NEW.id, NEW.created_at);
END;

-- commands/release_earnings.sql

-- Command, used by other commands and guards: what an account has earned with a farm is held as
-- unproven no longer. What of it comes from payments by card that may be taken back waits for
-- these.
CREATE VIEW release_earnings AS
    SELECT owner_id, farm_id, 0 AS released_at FROM unproven_earnings;

CREATE TRIGGER release_earnings_does INSTEAD OF INSERT ON release_earnings BEGIN
    INSERT INTO unsettled_earnings (owner_id, settles_at, micros)
    SELECT owner_id, settles_at, micros
      FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND settles_at > NEW.released_at
        ON CONFLICT (owner_id, settles_at) DO UPDATE SET micros = micros + excluded.micros;
    DELETE FROM unproven_earnings WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id;
END;

-- commands/release_hold.sql

-- Command: releases what a quote holds, and the quote is over; one that holds nothing is left as
-- it is.
CREATE VIEW release_hold AS SELECT id AS quote_id, held_until AS released_at FROM quotes;

CREATE TRIGGER release_hold_does INSTEAD OF INSERT ON release_hold BEGIN
    UPDATE quotes
       SET held_until = NULL, expires_at = max(created_at + 1, min(expires_at, NEW.released_at))
     WHERE id = NEW.quote_id AND held_until IS NOT NULL;
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    UPDATE nodes SET capacity = capacity
     WHERE id IN (SELECT value ->> 'node' FROM quotes, json_each(quotes.items)
                   WHERE quotes.id = NEW.quote_id);
END;

-- commands/remind.sql

-- Command: reminds a renter of an end, once for each end and number of days, with an event and a
-- mail where they are given. `days` is 0 for a renewal that failed.
CREATE VIEW remind AS
    SELECT d.rental_id, d.ends_at, d.days, '' AS event, m.id AS mail_id, m.kind AS mail_kind,
           m.sealed, d.sent_at
      FROM reminders d
      LEFT JOIN mails m ON m.id = d.rental_id;

CREATE TRIGGER remind_does INSTEAD OF INSERT ON remind BEGIN
    INSERT INTO reminders (rental_id, ends_at, days, sent_at)
    VALUES (NEW.rental_id, NEW.ends_at, NEW.days, NEW.sent_at)
        ON CONFLICT (rental_id, ends_at, days) DO NOTHING;
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT NEW.event, renter_id, node_id, slice_number, id, NEW.sent_at
      FROM rentals WHERE id = NEW.rental_id AND NEW.event IS NOT NULL;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, renter_id, NEW.mail_kind, NEW.sealed, NEW.sent_at, NEW.sent_at
      FROM rentals WHERE id = NEW.rental_id AND NEW.mail_id IS NOT NULL;
END;

-- commands/remove_archived.sql

-- Command: removes the rows of a chain from `from_id` to `until_id` that are not needed any more,
-- with their seals. The guards refuse rows that are not archived.
CREATE VIEW remove_archived AS SELECT chain, first_id AS from_id, until_id FROM archives;

CREATE TRIGGER remove_archived_does INSTEAD OF INSERT ON remove_archived BEGIN
    DELETE FROM audit_seals
     WHERE NEW.chain = 'audit' AND audit_id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM audit WHERE NEW.chain = 'audit' AND id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM events
     WHERE NEW.chain = 'events' AND id BETWEEN NEW.from_id AND NEW.until_id
       AND (rental_id IS NULL
            OR EXISTS (SELECT 1 FROM closed_rentals WHERE id = events.rental_id));
    -- Months of closed years have no statement any more, whatever is left of them.
    DELETE FROM ledger_months
     WHERE NEW.chain = 'ledger' AND first_transaction_id BETWEEN NEW.from_id AND NEW.until_id;
    DELETE FROM ledger_seals
     WHERE NEW.chain = 'ledger'
       AND transaction_id IN (SELECT id FROM archived_bookings
                               WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    DELETE FROM ledger_entries
     WHERE NEW.chain = 'ledger'
       AND transaction_id IN (SELECT id FROM archived_bookings
                               WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    DELETE FROM ledger_transactions
     WHERE NEW.chain = 'ledger'
       AND id IN (SELECT id FROM archived_bookings
                   WHERE id BETWEEN NEW.from_id AND NEW.until_id);
    -- The escrow of what is over is empty and stays so.
    DELETE FROM ledger_openings
     WHERE NEW.chain = 'ledger' AND transaction_id BETWEEN NEW.from_id AND NEW.until_id
       AND balance_micros = 0
       AND ledger_account_id IN (SELECT id FROM ledger_accounts WHERE kind = 'escrow');
END;

-- commands/remove_machines.sql

-- Command, used by the other commands: a rental has left its slices, and its machines are removed:
-- each of them by a job, which is late at `late_at` and keeps the slice until it is done. What was
-- not begun is canceled.
CREATE VIEW remove_machines AS
    SELECT rental_id, created_at AS removed_at, late_at FROM jobs;

CREATE TRIGGER remove_machines_does INSTEAD OF INSERT ON remove_machines BEGIN
    -- Whoever holds the lease is let finish first: two agents at once never have a slice.
    INSERT INTO jobs
           (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence, due_at,
            late_at, is_by_hand, created_at, changed_at)
    SELECT j.rental_id || '_' || j.node_id || '_' || j.slice_number || '_remove', j.rental_id,
           j.node_id, j.slice_number, 'remove', 'waiting', n.farmer_id, n.farm_id, j.fence,
           max(NEW.removed_at, iif(j.state IN ('leased', 'refunded'), j.due_at, 0)), NEW.late_at,
           j.is_by_hand, NEW.removed_at, NEW.removed_at
      FROM jobs j JOIN nodes n ON n.id = j.node_id
     WHERE j.rental_id = NEW.rental_id AND j.kind = 'create' AND j.attempts > 0
       AND NOT EXISTS (SELECT 1 FROM jobs r
                        WHERE r.rental_id = j.rental_id AND r.slice_number = j.slice_number
                          AND r.node_id = j.node_id AND r.kind = 'remove');
    UPDATE machine_actions SET state = 'canceled', changed_at = NEW.removed_at
     WHERE rental_id = NEW.rental_id AND state IN ('waiting', 'leased');
    UPDATE outages SET until_at = max(from_at, NEW.removed_at)
     WHERE until_at IS NULL
       AND job_id IN (SELECT id FROM jobs WHERE rental_id = NEW.rental_id AND kind = 'create');
    DELETE FROM machines
     WHERE job_id IN (SELECT id FROM jobs WHERE rental_id = NEW.rental_id AND kind = 'create');
    UPDATE jobs SET state = 'canceled', changed_at = NEW.removed_at
     WHERE rental_id = NEW.rental_id AND kind = 'create'
       AND state IN ('needs-key', 'waiting', 'leased', 'failed');
    UPDATE slices
       SET removing_job = (SELECT id FROM jobs
                            WHERE rental_id = NEW.rental_id AND slice_number = slices.number
                              AND node_id = slices.node_id AND kind = 'remove')
     WHERE rental_id IS NULL
       AND (node_id, number) IN (SELECT node_id, slice_number FROM jobs
                                  WHERE rental_id = NEW.rental_id AND kind = 'remove'
                                    AND state NOT IN ('done', 'canceled'));
END;

-- commands/rent.sql

-- Command: rents one slice, several, or whole nodes; all or none. `items` is a JSON array with an
-- object for each rental: `rental` (its id), `node`, `slice` (its number; NULL for the whole node),
-- `whole` (the number of its slices where the whole node is rented), `version` and `price` of the
-- offer, and what was agreed: `months`, `total`, `fee`, `ends_at`, `price_until`, `earns_at`,
-- `min_uptime`, `min_bandwidth`. The machine starts with `ssh_key`, the text of a
-- key, or NULL for the account's first one; `template` and `template_version`, or `user_data`,
-- which is encrypted, in hexadecimal; `ports` is an array with a pair of transport and number for
-- each port that is to be reachable. `late_at`, `refund_at` and `seen_after` are what
-- `create_machines` takes, `evaluate_at` what `begin_tenure` does, and `response` what
-- `store_response` does.
--
-- Everything changes hands, is paid into escrow and is recorded, or nothing happens. It aborts
-- unless the quote, if there is one, is unused and in time and holds what it says; the other offers
-- are at the version and price that were agreed to; the slices are free; the wallet holds the
-- total; and the account holds at most `slices_max` slices then.
CREATE VIEW rent AS
    SELECT id, account_id, total_micros, token_id, quote_id, '[]' AS items, 0 AS slices_max,
           0 AS evaluate_at, 0 AS late_at, 0 AS refund_at, 0 AS seen_after, '' AS response,
           created_at
      FROM orders;

CREATE TRIGGER rent_does INSTEAD OF INSERT ON rent BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    -- What a quote holds has its price, whatever the offer is by now.
    SELECT RAISE(ABORT, 'refused: offer_changed')
      FROM json_each(NEW.items) i
      LEFT JOIN nodes n ON n.id = i.value ->> 'node'
     WHERE n.id IS NULL OR n.whole_rental_id IS NOT NULL
        OR n.capacity < n.available_slices + n.allocated_slices + n.reserved_slices
        OR NOT (EXISTS (SELECT 1 FROM quotes WHERE id = NEW.quote_id AND held_until IS NOT NULL)
                OR (n.listing = 'published' AND n.offer_version = i.value ->> 'version'
                    AND n.price_micros = i.value ->> 'price'));
    UPDATE quotes SET used_at = NEW.created_at, held_until = NULL
     WHERE id = NEW.quote_id AND account_id = NEW.account_id AND used_at IS NULL
       AND expires_at > NEW.created_at;
    SELECT RAISE(ABORT, 'refused: quote_unusable') WHERE NEW.quote_id IS NOT NULL AND changes() = 0;
    -- Free for this order alone.
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    INSERT INTO orders
           (id, account_id, kind, total_micros, token_id, quote_id, created_at)
    VALUES (NEW.id, NEW.account_id, 'rental', NEW.total_micros, NEW.token_id, NEW.quote_id,
            NEW.created_at);
    INSERT INTO rentals
           (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state, price_micros,
            price_until, min_uptime, min_bandwidth_mbps, started_at, ends_at, earns_at)
    SELECT i.value ->> 'rental', NEW.id, n.id, i.value ->> 'slice',
           coalesce(i.value ->> 'whole', 1), NEW.account_id, n.farmer_id, 'active',
           i.value ->> 'price', i.value ->> 'price_until', i.value ->> 'min_uptime',
           i.value ->> 'min_bandwidth', NEW.created_at, i.value ->> 'ends_at',
           i.value ->> 'earns_at'
      FROM json_each(NEW.items) i
      JOIN nodes n ON n.id = i.value ->> 'node'
     WHERE CASE WHEN i.value ->> 'whole' IS NULL
                THEN EXISTS (SELECT 1 FROM slices
                              WHERE node_id = n.id AND number = i.value ->> 'slice'
                                AND state = 'available')
                ELSE n.available_slices = i.value ->> 'whole'
                     AND n.allocated_slices = 0 AND n.reserved_slices = 0 END;
    SELECT RAISE(ABORT, 'refused: slice_taken') WHERE changes() <> json_array_length(NEW.items);
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    SELECT value ->> 'rental', 1, NEW.id, NEW.account_id, value ->> 'months', value ->> 'price',
           value ->> 'total', value ->> 'fee', NEW.created_at, value ->> 'ends_at'
      FROM json_each(NEW.items);
    INSERT INTO setups (rental_id, ssh_keys, template, template_version, sealed)
    SELECT i.value ->> 'rental',
           coalesce(iif(i.value ->> 'ssh_key' IS NULL, NULL, json_array(i.value ->> 'ssh_key')),
                    (SELECT json_array(key) FROM ssh_keys WHERE account_id = NEW.account_id
                      ORDER BY id LIMIT 1), '[]'),
           i.value ->> 'template', i.value ->> 'template_version',
           unhex(i.value ->> 'user_data')
      FROM json_each(NEW.items) i;
    INSERT INTO rental_ports (rental_id, transport, number)
    SELECT i.value ->> 'rental', p.value ->> 0, p.value ->> 1
      FROM json_each(NEW.items) i JOIN json_each(i.value, '$.ports') p;
    UPDATE slices
       SET state = 'allocated',
           rental_id = (SELECT id FROM rentals
                         WHERE order_id = NEW.id AND node_id = slices.node_id
                           AND coalesce(slice_number, slices.number) = slices.number)
     WHERE state = 'available'
       AND node_id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id)
       AND EXISTS (SELECT 1 FROM rentals
                    WHERE order_id = NEW.id AND node_id = slices.node_id
                      AND coalesce(slice_number, slices.number) = slices.number);
    UPDATE nodes
       SET whole_rental_id = (SELECT id FROM rentals
                               WHERE order_id = NEW.id AND node_id = nodes.id)
     WHERE id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id AND slice_number IS NULL);
    INSERT INTO create_machines (rental_id, created_at, late_at, refund_at, seen_after)
    SELECT id, NEW.created_at, NEW.late_at, NEW.refund_at, NEW.seen_after
      FROM rentals WHERE order_id = NEW.id;
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    SELECT id, NEW.created_at, NEW.evaluate_at FROM rentals WHERE order_id = NEW.id;
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    SELECT 'rental', id, id,
           'Rental of node' || node_id || coalesce('_slice_' || slice_number, ', the whole node'),
           NEW.created_at
      FROM rentals WHERE order_id = NEW.id ORDER BY id;
    -- In the order of the transactions, so that balances run on.
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'wallet', payer_id, -total_micros
      FROM rental_periods WHERE order_id = NEW.id ORDER BY rental_id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'escrow', rental_id, total_micros
      FROM rental_periods WHERE order_id = NEW.id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN slice_number IS NULL THEN 'node-rented' ELSE 'slice-rented' END, renter_id,
           farmer_id, node_id, slice_number, id, NEW.created_at
      FROM rentals WHERE order_id = NEW.id;
    -- A hold keeps its word: whoever rents with one after the notice is notified at once.
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-leaving', r.renter_id, r.node_id, r.slice_number, r.id, NEW.created_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id
     WHERE r.order_id = NEW.id AND n.leaves_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: order_total_wrong')
     WHERE NEW.total_micros <> (SELECT sum(total_micros) FROM rental_periods
                                 WHERE order_id = NEW.id);
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended') > NEW.slices_max;
END;

-- commands/request_payout.sql

-- Command: requests a payout, and holds its amount. It aborts unless the account is still paid to
-- the `address` that was seen, has at most `open_max` payouts under way then, and keeps what it may
-- still owe its renters: `owed_credits`, and `withheld_percent` of what was not evaluated yet; and
-- what was earned with money by card that is not settled, or with farms that are not proven to be
-- its own. Its wallet is not below zero.
-- `response` is what `store_response` takes.
CREATE VIEW request_payout AS
    SELECT id, account_id, amount_micros, address, '' AS booking, 0 AS open_max,
           0 AS withheld_percent, '' AS response, requested_at
      FROM payouts;

CREATE TRIGGER request_payout_does INSTEAD OF INSERT ON request_payout BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO payouts (id, account_id, amount_micros, address, requested_at)
    SELECT NEW.id, id, NEW.amount_micros, payout_address, NEW.requested_at
      FROM accounts
     WHERE id = NEW.account_id AND payout_address = NEW.address AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: payout_address_changed') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'refused: payout_limit_reached')
     WHERE (SELECT count(*) FROM payouts
             WHERE account_id = NEW.account_id
               AND state IN ('requested', 'approved', 'sent')) > NEW.open_max;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.requested_at);
    SELECT RAISE(ABORT, 'refused: earnings_withheld')
     WHERE (SELECT balance_micros FROM ledger_accounts
             WHERE kind = 'earnings' AND owner_id = NEW.account_id)
           < (SELECT coalesce(sum((max(earned_micros - evaluated_micros, 0) * NEW.withheld_percent
                                   + 99) / 100), 0)
                FROM tenures WHERE farmer_id = NEW.account_id AND evaluate_at IS NOT NULL)
           + (SELECT micros FROM owed_credits WHERE farmer_id = NEW.account_id)
           + (SELECT coalesce(sum(micros), 0) FROM unsettled_earnings
               WHERE owner_id = NEW.account_id AND settles_at > NEW.requested_at)
           + (SELECT coalesce(sum(micros), 0) FROM unproven_earnings
               WHERE owner_id = NEW.account_id);
    SELECT RAISE(ABORT, 'refused: wallet_below_zero')
      FROM ledger_accounts
     WHERE kind = 'wallet' AND owner_id = NEW.account_id AND balance_micros < 0;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('payout-requested', NEW.account_id, NEW.id, NEW.requested_at);
END;

-- commands/reverse_top_up.sql

-- Command: what was taken back of a top-up's payment is taken from the wallet, or given back to it:
-- `booking` moves the difference, and `reversed_micros` is all that is gone then. Its owner is
-- notified. It aborts unless the top-up is paid and at the number of `reversals` that the decision
-- saw.
CREATE VIEW reverse_top_up AS
    SELECT top_up_id AS id, bookings AS reversals, micros AS reversed_micros, '' AS booking,
           0 AS reversed_at
      FROM top_up_reversals;

CREATE TRIGGER reverse_top_up_does INSTEAD OF INSERT ON reverse_top_up BEGIN
    SELECT RAISE(ABORT, 'refused: top_up_changed')
     WHERE NOT EXISTS (SELECT 1
                         FROM top_ups u LEFT JOIN top_up_reversals r ON r.top_up_id = u.id
                        WHERE u.id = NEW.id AND u.state = 'paid'
                          AND NEW.reversed_micros <= u.amount_micros
                          AND coalesce(r.bookings, 0) = NEW.reversals);
    -- Before what is gone is changed: the event has the difference.
    INSERT INTO events (kind, renter_id, subject, created_at)
    SELECT iif(d.micros > 0, 'card-payment-reversed', 'card-payment-returned'), d.account_id,
           printf('$%d.%02d', abs(d.micros) / 1000000, abs(d.micros) / 10000 % 100),
           NEW.reversed_at
      FROM (SELECT u.account_id, NEW.reversed_micros - coalesce(r.micros, 0) AS micros
              FROM top_ups u LEFT JOIN top_up_reversals r ON r.top_up_id = u.id
             WHERE u.id = NEW.id) d;
    INSERT INTO top_up_reversals (top_up_id, bookings, micros)
    VALUES (NEW.id, NEW.reversals + 1, NEW.reversed_micros)
        ON CONFLICT (top_up_id) DO UPDATE
       SET bookings = excluded.bookings, micros = excluded.micros;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.reversed_at);
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT 'payment-reversed', 'market', account_id, id, NEW.reversed_at
      FROM top_ups WHERE id = NEW.id;
END;

-- commands/revoke_farm.sql

-- Command: the verification of a farm is revoked. `event` says to its owner why; where the grid is
-- why, the grid may take it back. The owner's published nodes of that farm go off the market;
-- rentals run on.
CREATE VIEW revoke_farm AS SELECT id, '' AS event, checked_at AS voided_at FROM farms;

CREATE TRIGGER revoke_farm_does INSTEAD OF INSERT ON revoke_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, owner_id, 'farm' || id, NEW.voided_at FROM farms WHERE id = NEW.id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.voided_at
     WHERE farm_id = NEW.id AND listing = 'published'
       AND farmer_id = (SELECT owner_id FROM farms WHERE id = NEW.id);
    DELETE FROM lost_farms WHERE id = NEW.id;
    INSERT INTO lost_farms
           (id, name, twin_id, twin_account, owner_id, verified_by, lost_at, checked_at)
    SELECT id, name, twin_id, twin_account, owner_id, verified_by, NEW.voided_at, NEW.voided_at
      FROM farms WHERE id = NEW.id AND NEW.event = 'farm-moved';
    DELETE FROM farms WHERE id = NEW.id;
END;

-- commands/set_password.sql

-- Command: sets a password. Every other session of the account ends, whatever code was on its way,
-- and every API token but those of the JSON array `kept_tokens`; the session with the hash
-- `kept_session` stays, if it is given.
CREATE VIEW set_password AS
    SELECT a.id AS account_id, a.password_hash, s.hash AS kept_session, '[]' AS kept_tokens
      FROM accounts a
      JOIN sessions s ON s.account_id = a.id;

CREATE TRIGGER set_password_does INSTEAD OF INSERT ON set_password BEGIN
    UPDATE accounts SET password_hash = NEW.password_hash
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND hash IS NOT NEW.kept_session;
    DELETE FROM tokens
     WHERE account_id = NEW.account_id
       AND id NOT IN (SELECT value FROM json_each(NEW.kept_tokens));
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;

-- commands/set_payout_address.sql

-- Command: sets where an account is paid to, and queues the mail about it, if one is given. When it
-- was changed is noted only if it is another one.
CREATE VIEW set_payout_address AS
    SELECT a.id AS account_id, a.payout_address AS address, m.id AS mail_id, m.kind AS mail_kind,
           m.sealed, a.payout_changed_at AS changed_at
      FROM accounts a
      JOIN mails m ON m.account_id = a.id;

CREATE TRIGGER set_payout_address_does INSTEAD OF INSERT ON set_payout_address BEGIN
    UPDATE accounts
       SET payout_address = NEW.address,
           payout_changed_at =
               iif(payout_address IS NEW.address, payout_changed_at, NEW.changed_at)
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, NEW.account_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
     WHERE NEW.mail_id IS NOT NULL;
END;

-- commands/store_response.sql

-- Command, used by the other commands: stores the response to a request, a JSON object with
-- `owner_id`, `idempotency_key`, `operation`, `fingerprint` in hexadecimal, `status`, `location`
-- and `body`. A request without a key stores none: `response` is NULL. It fails if the key was
-- used.
CREATE VIEW store_response AS SELECT '' AS response, created_at FROM responses;

CREATE TRIGGER store_response_does INSTEAD OF INSERT ON store_response
  WHEN NEW.response IS NOT NULL
BEGIN
    INSERT INTO responses
           (owner_id, idempotency_key, operation, fingerprint, status, location, body, created_at)
    VALUES (NEW.response ->> 'owner_id', NEW.response ->> 'idempotency_key',
            NEW.response ->> 'operation', unhex(NEW.response ->> 'fingerprint'),
            NEW.response ->> 'status', NEW.response ->> 'location', NEW.response ->> 'body',
            NEW.created_at);
END;

-- commands/take_over_node.sql

-- Command: the verified owner of a farm takes over a node of it that somebody else has registered,
-- with the rentals that run on it. It aborts unless the node's offer is at the version that was
-- seen, and while its new farmer rents on it. What was earned stays with whom it was earned by;
-- what the new farmer held there is free again. The tenures that begin are evaluated next at
-- `evaluate_at`.
CREATE VIEW take_over_node AS
    SELECT id, farmer_id, offer_version, 0 AS evaluate_at, offer_changed_at AS taken_at FROM nodes;

CREATE TRIGGER take_over_node_does INSTEAD OF INSERT ON take_over_node BEGIN
    SELECT RAISE(ABORT, 'refused: node_takeover_outdated')
     WHERE NOT EXISTS (SELECT 1 FROM nodes n JOIN farms f ON f.id = n.farm_id
                        WHERE n.id = NEW.id AND f.owner_id = NEW.farmer_id
                          AND n.farmer_id <> NEW.farmer_id
                          AND n.offer_version = NEW.offer_version);
    SELECT RAISE(ABORT, 'refused: farmer_rents_on_node')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE node_id = NEW.id AND renter_id = NEW.farmer_id AND state <> 'ended');
    INSERT INTO release_hold (quote_id, released_at)
    SELECT DISTINCT q.id, NEW.taken_at
      FROM slices s JOIN quotes q ON q.id = s.quote_id
     WHERE s.node_id = NEW.id AND q.account_id = NEW.farmer_id;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-lost', farmer_id, id, NEW.taken_at FROM nodes WHERE id = NEW.id;
    UPDATE nodes
       SET farmer_id = NEW.farmer_id, offer_version = offer_version + 1,
           offer_changed_at = NEW.taken_at,
           listing = CASE listing WHEN 'published' THEN 'paused' ELSE listing END
     WHERE id = NEW.id;
    UPDATE rentals SET farmer_id = NEW.farmer_id, version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    SELECT id, NEW.taken_at, NEW.evaluate_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-taken-over', NEW.farmer_id, NEW.id, NEW.taken_at);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'farmer-changed', renter_id, farmer_id, node_id, slice_number, id, NEW.taken_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended';
END;

-- commands/take_over_rental.sql

-- Command: somebody takes over a rental that was offered to them. It aborts unless the rental is at
-- the `version` that was seen. What was the old renter's own goes, their SSH keys and user data
-- among it; what is refunded from then on is the new one's.
--
-- `ssh_keys` are the new renter's, a JSON array of lines, and `actions` brings them to the machines
-- that are there: a JSON array with the `id` of an action, the `job` of the machine, and the
-- `kind`. They are to be done by `expires_at`. Machines that wait for a key are late at `late_at`,
-- and refunded at `refund_at`.
--
-- Where a token with a ceiling made the offer, what is still paid ahead counts against that: it is
-- the new renter's then. The offer is gone with the token.
CREATE VIEW take_over_rental AS
    SELECT id, version, renter_id, 0 AS slices_max, '[]' AS ssh_keys, '[]' AS actions,
           0 AS expires_at, 0 AS late_at, 0 AS refund_at, started_at AS transferred_at
      FROM rentals;

CREATE TRIGGER take_over_rental_does INSTEAD OF INSERT ON take_over_rental BEGIN
    SELECT RAISE(ABORT, 'refused: transfer_gone')
     WHERE NOT EXISTS (SELECT 1 FROM transfers t JOIN accounts a ON a.email = t.email
                        WHERE t.rental_id = NEW.id AND a.id = NEW.renter_id
                          AND t.expires_at > NEW.transferred_at
                          AND (t.token_id IS NULL
                               OR EXISTS (SELECT 1 FROM tokens
                                           WHERE id = t.token_id
                                             AND expires_at > NEW.transferred_at)));
    UPDATE tokens
       SET spent_micros = spent_micros
               + coalesce((SELECT balance_micros FROM ledger_accounts
                            WHERE kind = 'escrow' AND owner_id = NEW.id), 0)
     WHERE id = (SELECT token_id FROM transfers WHERE rental_id = NEW.id);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-transferred', renter_id, farmer_id, node_id, slice_number, id,
           NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    UPDATE rentals
       SET renter_id = NEW.renter_id, version = version + 1, name = '', labels = '[]',
           renew_months = NULL, renew_max_micros = NULL, renew_token_id = NULL,
           renew_most_micros = NULL, auto_start = 0
     WHERE id = NEW.id AND version = NEW.version AND state <> 'ended';
    SELECT RAISE(ABORT, 'refused: rental_changed') WHERE changes() = 0;
    DELETE FROM transfers WHERE rental_id = NEW.id;
    UPDATE setups SET ssh_keys = NEW.ssh_keys, sealed = NULL WHERE rental_id = NEW.id;
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.transferred_at, late_at = NEW.late_at,
           refund_at = NEW.refund_at, changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND kind = 'create' AND state = 'needs-key'
       AND NEW.ssh_keys <> '[]';
    -- Whoever is making a machine for the old renter's key loses it, and removes it. The next one
    -- waits until that lease would have ended: two agents at once never have a slice.
    UPDATE jobs SET state = 'waiting', fence = fence + 1, changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND kind = 'create' AND state = 'leased';
    UPDATE machine_actions SET state = 'canceled', changed_at = NEW.transferred_at
     WHERE rental_id = NEW.id AND state IN ('waiting', 'leased');
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
    SELECT a.value ->> 'id', m.job_id, NEW.id, a.value ->> 'kind', 'waiting', NEW.transferred_at,
           NEW.expires_at, NEW.transferred_at, NEW.transferred_at
      FROM json_each(NEW.actions) a JOIN machines m ON m.job_id = a.value ->> 'job';
    UPDATE machines SET should_run = 1
     WHERE job_id IN (SELECT value ->> 'job' FROM json_each(NEW.actions)
                       WHERE value ->> 'kind' = 'rebuild');
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-received', renter_id, node_id, slice_number, id, NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.renter_id AND state <> 'ended') > NEW.slices_max;
END;

-- commands/verify_farm.sql

-- Command: an account is verified to own a farm, in place of who was before. Published nodes of it
-- that are not this account's go off the market. Where the grid had taken the farm from this
-- account, what went off the market then and was left alone since is published again.
CREATE VIEW verify_farm AS
    SELECT id, name, twin_id, twin_account, owner_id, verified_by, verified_at FROM farms;

CREATE TRIGGER verify_farm_does INSTEAD OF INSERT ON verify_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT 'farm-lost', owner_id, 'farm' || id, NEW.verified_at
      FROM farms WHERE id = NEW.id AND owner_id <> NEW.owner_id;
    INSERT INTO farms
           (id, name, twin_id, twin_account, owner_id, verified_by, verified_at, checked_at)
    VALUES (NEW.id, NEW.name, NEW.twin_id, NEW.twin_account, NEW.owner_id, NEW.verified_by,
            NEW.verified_at, NEW.verified_at)
        ON CONFLICT (id) DO UPDATE
       SET name = excluded.name, twin_id = excluded.twin_id, twin_account = excluded.twin_account,
           owner_id = excluded.owner_id, verified_by = excluded.verified_by,
           verified_at = excluded.verified_at, checked_at = excluded.checked_at,
           missing_since = NULL;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('farm-verified', NEW.owner_id, 'farm' || NEW.id, NEW.verified_at);
    UPDATE nodes
       SET listing = 'published', offer_version = offer_version + 1,
           offer_changed_at = NEW.verified_at
     WHERE farm_id = NEW.id AND farmer_id = NEW.owner_id AND listing = 'paused'
       AND offer_changed_at = (SELECT lost_at FROM lost_farms
                                WHERE id = NEW.id AND owner_id = NEW.owner_id);
    DELETE FROM lost_farms WHERE id = NEW.id;
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-claimed', farmer_id, id, 'farm' || NEW.id, NEW.verified_at
      FROM nodes WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.verified_at
     WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id AND listing = 'published';
END;

-- commands/write_audit_entry.sql

-- Command, used by the other commands: writes an entry of the audit log, a JSON object with its
-- columns.
CREATE VIEW write_audit_entry AS SELECT '' AS entry, created_at FROM audit;

CREATE TRIGGER write_audit_entry_does INSTEAD OF INSERT ON write_audit_entry BEGIN
    INSERT INTO audit
           (action, actor, actor_id, account_id, subject, address, request_id, created_at)
    VALUES (NEW.entry ->> 'action', NEW.entry ->> 'actor', NEW.entry ->> 'actor_id',
            NEW.entry ->> 'account_id', NEW.entry ->> 'subject', NEW.entry ->> 'address',
            NEW.entry ->> 'request_id', NEW.created_at);
END;
