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
