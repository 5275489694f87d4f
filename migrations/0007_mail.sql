-- Mail that waits to be sent, in the outbox until an outlet has taken it.

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
                CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next. An attempt moves this on before it begins: nobody else takes the mail
    -- meanwhile, and one whose sender dies is tried again.
    due_at      INTEGER NOT NULL,
    -- What the outlet said last; no address and no text of the mail.
    last_error  TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER CHECK ((finished_at IS NULL) = (state = 'waiting')),
    CHECK ((sealed IS NULL) = (state = 'sent'))
) STRICT;

CREATE INDEX mails_by_due ON mails (due_at, id) WHERE state = 'waiting';

CREATE INDEX mails_by_state ON mails (state, finished_at);

CREATE INDEX mails_by_account ON mails (account_id);

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
