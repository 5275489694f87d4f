-- Notifications: what accounts have chosen and read, their webhooks, what is sent to these, and
-- what tells that a node is down or that a promise is at risk.
--
-- A notification is an event that an account may see. Nothing of what happened is kept twice.

INSERT INTO event_kinds (kind)
VALUES ('promise-at-risk'), ('promise-broken'), ('node-down'), ('node-back'), ('webhook-disabled');

-- The last event whose notification the account has read. What was there before is not news.
ALTER TABLE accounts ADD COLUMN notices_read_id INTEGER NOT NULL DEFAULT 0;

UPDATE accounts SET notices_read_id = (SELECT coalesce(max(id), 0) FROM events);

-- What an account has chosen otherwise than the defaults, which are in the code.
CREATE TABLE notice_choices (
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    kind       TEXT    NOT NULL,
    way        TEXT    NOT NULL CHECK (way IN ('page', 'mail', 'webhook')),
    is_on      INTEGER NOT NULL CHECK (is_on IN (0, 1)),
    PRIMARY KEY (account_id, kind, way)
) STRICT, WITHOUT ROWID;

-- Where an account wants to be told by a request.
CREATE TABLE webhooks (
    id            TEXT    PRIMARY KEY,
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    url           TEXT    NOT NULL CHECK (length(url) BETWEEN 1 AND 500),
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
    -- The event that it tells of; NULL for a test.
    event_id    INTEGER,
    -- What it tells, such as `slice-rented`.
    kind        TEXT    NOT NULL,
    -- The very bytes that are sent.
    body        TEXT    NOT NULL,
    state       TEXT    NOT NULL DEFAULT 'waiting'
                CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    -- When it is tried next. An attempt moves this on before it begins: nobody else takes it
    -- meanwhile, and one whose sender dies is tried again.
    due_at      INTEGER NOT NULL,
    -- What the last attempt was answered with, and why it failed; nothing of the answer's body.
    last_status INTEGER,
    last_error  TEXT,
    created_at  INTEGER NOT NULL,
    finished_at INTEGER CHECK ((finished_at IS NULL) = (state = 'waiting'))
) STRICT;

-- An event is told to a webhook once.
CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (webhook_id, event_id)
 WHERE event_id IS NOT NULL;

CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);

CREATE INDEX webhook_deliveries_by_due ON webhook_deliveries (webhook_id, due_at, id)
 WHERE state = 'waiting';

CREATE INDEX webhook_deliveries_by_end ON webhook_deliveries (finished_at)
 WHERE finished_at IS NOT NULL;

CREATE TRIGGER webhooks_go_with_their_log BEFORE DELETE ON webhooks BEGIN
    DELETE FROM webhook_deliveries WHERE webhook_id = OLD.id;
END;

-- Whatever gets through shows that the endpoint works, also if it was disabled.
CREATE TRIGGER webhooks_work_again AFTER UPDATE OF state ON webhook_deliveries
  WHEN NEW.state = 'sent'
BEGIN
    UPDATE webhooks SET failing_since = NULL, disabled_at = NULL
     WHERE id = NEW.webhook_id AND failing_since IS NOT NULL;
END;

-- The owner is told, and what waits is not sent; it can be replayed.
CREATE TRIGGER webhooks_are_disabled AFTER UPDATE OF disabled_at ON webhooks
  WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL
BEGIN
    UPDATE webhook_deliveries
       SET state = 'failed', finished_at = NEW.disabled_at,
           last_error = coalesce(last_error, 'the webhook was disabled')
     WHERE webhook_id = NEW.id AND state = 'waiting';
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('webhook-disabled', NEW.account_id, NEW.id, NEW.disabled_at);
END;

-- Up to which event mails and messages to webhooks have been made. One row.
CREATE TABLE notice_cursor (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    event_id INTEGER NOT NULL
) STRICT;

INSERT INTO notice_cursor (id, event_id) SELECT 1, coalesce(max(id), 0) FROM events;

-- Commands.

-- Command: keeps what an account chooses: `choices` is a JSON array of what differs from the
-- defaults, objects with `kind`, `way` and `is_on`.
CREATE VIEW choose_notices AS
    SELECT account_id, '[]' AS choices FROM notice_choices;

CREATE TRIGGER choose_notices_does INSTEAD OF INSERT ON choose_notices BEGIN
    DELETE FROM notice_choices WHERE account_id = NEW.account_id;
    INSERT INTO notice_choices (account_id, kind, way, is_on)
    SELECT NEW.account_id, value ->> 'kind', value ->> 'way', value ->> 'is_on'
      FROM json_each(NEW.choices);
END;

-- Command: makes the mails and messages of the events behind `seen_id`, up to `event_id`. It aborts
-- if somebody has gone on from `seen_id` meanwhile, so that each is made once. `mails` is a JSON
-- array of objects with `id`, `account`, `kind` and `sealed` in hexadecimal; `deliveries` one of
-- objects with `id`, `webhook`, `event`, `kind` and `body`.
CREATE VIEW dispatch_notices AS
    SELECT event_id AS seen_id, event_id, '[]' AS mails, '[]' AS deliveries, 0 AS dispatched_at
      FROM notice_cursor;

CREATE TRIGGER dispatch_notices_does INSTEAD OF INSERT ON dispatch_notices BEGIN
    UPDATE notice_cursor SET event_id = NEW.event_id WHERE event_id = NEW.seen_id;
    SELECT RAISE(ABORT, 'stale cursor of notices') WHERE changes() = 0;
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

CREATE TRIGGER notices_go_with_their_account AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM webhooks WHERE account_id = NEW.id;
    DELETE FROM notice_choices WHERE account_id = NEW.id;
END;

-- Nodes that are watched.

-- What the sync saw of a node in a month of UTC.
CREATE TABLE node_months (
    node_id     INTEGER NOT NULL REFERENCES nodes (id),
    -- Such as `2026-11`.
    month       TEXT    NOT NULL,
    observed    INTEGER NOT NULL,
    observed_up INTEGER NOT NULL CHECK (observed_up BETWEEN 0 AND observed),
    -- How often it had been down when its promise was last looked at.
    judged_down INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (node_id, month)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_months_to_judge ON node_months (month, node_id)
 WHERE judged_down <> observed - observed_up;

-- Nodes that have been down: whether their farmer knows them to be down now, and when the farmer
-- was last told that one is down: at most once an hour.
CREATE TABLE node_alerts (
    node_id    INTEGER PRIMARY KEY REFERENCES nodes (id),
    is_down    INTEGER NOT NULL CHECK (is_down IN (0, 1)),
    told_at    INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT;

CREATE TRIGGER node_alerts_begin AFTER INSERT ON node_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-down', farmer_id, id, NEW.changed_at FROM nodes WHERE id = NEW.node_id;
END;

CREATE TRIGGER node_alerts_change AFTER UPDATE OF is_down ON node_alerts
  WHEN NEW.is_down <> OLD.is_down
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.is_down THEN 'node-down' ELSE 'node-back' END, farmer_id, id,
           NEW.changed_at
      FROM nodes WHERE id = NEW.node_id;
END;

-- Each look of the sync at a node. One that goes down again within the hour and stays down is told
-- of once the hour is over.
CREATE TRIGGER nodes_are_watched AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO node_months (node_id, month, observed, observed_up)
    VALUES (NEW.id, strftime('%Y-%m', NEW.synced_at, 'unixepoch'), NEW.observed - OLD.observed,
            NEW.observed_up - OLD.observed_up)
        ON CONFLICT (node_id, month) DO UPDATE
       SET observed = observed + excluded.observed,
           observed_up = observed_up + excluded.observed_up;
    INSERT INTO node_alerts (node_id, is_down, told_at, changed_at)
    SELECT NEW.id, 1, NEW.synced_at, NEW.synced_at
     WHERE NEW.observed_up = OLD.observed_up
       AND (NEW.listing = 'published' OR NEW.allocated_slices > 0
            OR NEW.whole_rental_id IS NOT NULL)
        ON CONFLICT (node_id) DO UPDATE
       SET is_down = 1, told_at = excluded.told_at, changed_at = excluded.changed_at
     WHERE is_down = 0 AND told_at <= excluded.told_at - 3600;
    UPDATE node_alerts SET is_down = 0, changed_at = NEW.synced_at
     WHERE node_id = NEW.id AND is_down = 1 AND NEW.observed_up > OLD.observed_up;
END;

-- What a farmer was told of a month's promise: each once.
CREATE TABLE promise_alerts (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    month      TEXT    NOT NULL,
    kind       TEXT    NOT NULL CHECK (kind IN ('promise-at-risk', 'promise-broken')),
    created_at INTEGER NOT NULL,
    PRIMARY KEY (node_id, month, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER promise_alerts_are_told AFTER INSERT ON promise_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id, NEW.month, NEW.created_at FROM nodes WHERE id = NEW.node_id;
END;

-- Command: a month's promise was looked at when the node had been `down` so often; `alert` is what
-- its farmer is told, if it is news.
CREATE VIEW judge_month AS
    SELECT node_id, month, judged_down AS down, '' AS alert, 0 AS judged_at FROM node_months;

CREATE TRIGGER judge_month_does INSTEAD OF INSERT ON judge_month BEGIN
    UPDATE node_months SET judged_down = NEW.down
     WHERE node_id = NEW.node_id AND month = NEW.month;
    INSERT INTO promise_alerts (node_id, month, kind, created_at)
    SELECT NEW.node_id, NEW.month, NEW.alert, NEW.judged_at WHERE NEW.alert IS NOT NULL
        ON CONFLICT (node_id, month, kind) DO NOTHING;
END;
