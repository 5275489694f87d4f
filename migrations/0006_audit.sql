-- Who did what: append-only, and chained by hashes.

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- What was done, such as `sign-in` or `slice-rented`.
    action     TEXT    NOT NULL,
    -- How it was asked for.
    actor      TEXT    NOT NULL CHECK (actor IN (
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

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- The chain: SHA-256 over the seal before and the row. SQL has no such function, so that the
-- mailer's cron and whoever checks compute it.
CREATE TABLE audit_seals (
    audit_id INTEGER PRIMARY KEY REFERENCES audit (id),
    hash     BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TRIGGER audit_seals_stay BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_seals_are_kept BEFORE DELETE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- What happens on the market is in the log in the same statement as it happens: money, rentals,
-- prices. Once for each account that it concerns.
CREATE TRIGGER events_are_audited AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;

-- What happened on the market before there was a log begins it.
INSERT INTO audit (action, actor, account_id, subject, created_at)
SELECT e.kind, 'market', who.account_id, coalesce(e.rental_id, 'node' || e.node_id, ''),
       e.created_at
  FROM events e
  JOIN (SELECT id, renter_id AS account_id FROM events
        UNION ALL SELECT id, farmer_id FROM events) who ON who.id = e.id
 WHERE who.account_id IS NOT NULL
 ORDER BY e.id, who.account_id;
