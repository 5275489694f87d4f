-- Measured service levels: every look of the sync at a node, what was promised to whom and for how
-- long, what was measured of it, and what follows: credits, and disputes about them. And what the
-- public page of the market's state shows.

INSERT INTO ledger_kinds (kind) VALUES ('sla-correction');

INSERT INTO event_kinds (kind) VALUES ('sla-credited'), ('sla-disputed'), ('sla-decided');

-- Looks.

-- The instants at which the sync looked. One that is not here was not observed by anybody.
CREATE TABLE look_times (at INTEGER PRIMARY KEY) STRICT;

-- What a look saw of a node, for 90 days. A look at which it was not seen has no row: that is
-- neither up nor down. In the order of time, so that a run writes to one place, and what is old
-- goes from one place; a node's own are found by `look_times`. Nodes are never deleted.
CREATE TABLE looks (
    at            INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    status        TEXT    NOT NULL,
    is_up         INTEGER NOT NULL CHECK (is_up IN (0, 1)),
    healthy       INTEGER CHECK (healthy IN (0, 1)),
    -- As the grid has measured it; NULL where it has not, or the node was not up.
    upload_mbps   INTEGER,
    download_mbps INTEGER,
    PRIMARY KEY (at, node_id)
) STRICT, WITHOUT ROWID;

-- The looks at a node on a day, which stay.
CREATE TABLE look_days (
    -- Days since 1970, in UTC.
    day           INTEGER NOT NULL,
    node_id       INTEGER NOT NULL,
    observed      INTEGER NOT NULL,
    observed_up   INTEGER NOT NULL CHECK (observed_up BETWEEN 0 AND observed),
    healthy       INTEGER NOT NULL,
    unhealthy     INTEGER NOT NULL,
    -- How many looks knew both speeds, and their sums.
    measured      INTEGER NOT NULL,
    upload_mbps   INTEGER NOT NULL,
    download_mbps INTEGER NOT NULL,
    PRIMARY KEY (day, node_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER looks_are_kept AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO look_times (at) VALUES (NEW.synced_at) ON CONFLICT (at) DO NOTHING;
    INSERT INTO looks (at, node_id, status, is_up, healthy, upload_mbps, download_mbps)
    SELECT NEW.synced_at, NEW.id, NEW.status, up, NEW.healthy, iif(up, NEW.upload_mbps, NULL),
           iif(up, NEW.download_mbps, NULL)
      FROM (SELECT NEW.observed_up > OLD.observed_up AS up)
     WHERE true
        ON CONFLICT (at, node_id) DO NOTHING;
END;

CREATE TRIGGER looks_are_counted AFTER INSERT ON looks BEGIN
    INSERT INTO look_days
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

-- The uptime that a node has at least, by all looks at it, in hundredths of a percent: the lower
-- bound of `domain::confidence`. A job keeps it, a page of nodes at a time.
ALTER TABLE nodes ADD COLUMN proven_uptime INTEGER NOT NULL DEFAULT 0
    CHECK (proven_uptime BETWEEN 0 AND 10000);

-- By what the market is sorted: what is proven and, among equals, what is promised.
ALTER TABLE nodes ADD COLUMN uptime_rank INTEGER
    GENERATED ALWAYS AS (proven_uptime * 10001 + min_uptime) VIRTUAL;

DROP INDEX nodes_by_uptime;

CREATE INDEX nodes_by_uptime ON nodes (uptime_rank DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

-- The node up to which that job has come; 0 where it begins again. One row.
CREATE TABLE rank_cursor (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    node_id INTEGER NOT NULL
) STRICT;

INSERT INTO rank_cursor (id, node_id) VALUES (1, 0);

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

-- Stays: what was promised, by whom, and for how long.

-- A rental has a stay for each node, farmer and promise that it had, one after the other.
CREATE TABLE rental_stays (
    rental_id          TEXT    NOT NULL REFERENCES rentals (id),
    number             INTEGER NOT NULL CHECK (number >= 1),
    node_id            INTEGER NOT NULL,
    -- Where it began; NULL for the whole node.
    slice_number       INTEGER,
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The promise as it was sold.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER CHECK (ended_at >= started_at),
    -- Up to when it was compared with what was measured, and when that is done next: two days after
    -- the month, when all of it is earned, or at once where the stay is over; NULL once all is
    -- done.
    judged_until       INTEGER NOT NULL,
    judge_at           INTEGER CHECK (judge_at IS NOT NULL OR ended_at IS NOT NULL),
    -- What was earned during it, the platform's part and all, and what of that was judged. Of the
    -- rest, a part may still go back to the renter.
    earned_micros      INTEGER NOT NULL DEFAULT 0 CHECK (earned_micros >= 0),
    judged_micros      INTEGER NOT NULL DEFAULT 0 CHECK (judged_micros >= 0),
    PRIMARY KEY (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_stays_by_judgement ON rental_stays (judge_at, node_id, judged_until)
 WHERE judge_at IS NOT NULL;

CREATE INDEX rental_stays_by_farmer ON rental_stays (farmer_id, earned_micros, judged_micros)
 WHERE judge_at IS NOT NULL;

-- Rentals that run already are measured from now on: there are no looks of before. What they have
-- earned before is the farmer's.
INSERT INTO rental_stays
       (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
        started_at, judged_until, judge_at)
SELECT r.id, 1, r.node_id, r.slice_number, r.farmer_id, r.min_uptime, r.min_bandwidth_mbps, n.at,
       n.at,
       CAST(strftime('%s', n.at, 'unixepoch', 'start of month', '+1 month') AS INTEGER) + 172800
  FROM rentals r,
       (SELECT coalesce(max(created_at), 0) AS at FROM events) n
 WHERE r.state <> 'ended';

CREATE TRIGGER stays_begin AFTER INSERT ON rentals WHEN NEW.state <> 'ended' BEGIN
    INSERT INTO rental_stays
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, judged_until, judge_at)
    VALUES (NEW.id, 1, NEW.node_id, NEW.slice_number, NEW.farmer_id, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.started_at, NEW.started_at,
            CAST(strftime('%s', NEW.started_at, 'unixepoch', 'start of month', '+1 month')
                 AS INTEGER) + 172800);
END;

CREATE TRIGGER stays_change
 AFTER UPDATE OF node_id, farmer_id, min_uptime, min_bandwidth_mbps ON rentals
  WHEN NEW.state <> 'ended'
   AND (NEW.node_id <> OLD.node_id OR NEW.farmer_id <> OLD.farmer_id
        OR NEW.min_uptime <> OLD.min_uptime OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps)
BEGIN
    -- A move has told of itself already; a node that was taken over says when its offer changed.
    UPDATE rental_stays
       SET ended_at = max(started_at, judged_until, w.at),
           judge_at = max(started_at, judged_until, w.at)
      FROM (SELECT iif(NEW.node_id = OLD.node_id AND NEW.farmer_id <> OLD.farmer_id,
                       (SELECT offer_changed_at FROM nodes WHERE id = NEW.node_id),
                       (SELECT max(created_at) FROM events WHERE rental_id = NEW.id)) AS at) w
     WHERE rental_id = NEW.id AND ended_at IS NULL;
    INSERT INTO rental_stays
           (rental_id, number, node_id, slice_number, farmer_id, min_uptime, min_bandwidth_mbps,
            started_at, judged_until, judge_at)
    SELECT NEW.id, number + 1, NEW.node_id, NEW.slice_number, NEW.farmer_id, NEW.min_uptime,
           NEW.min_bandwidth_mbps, ended_at, ended_at,
           CAST(strftime('%s', ended_at, 'unixepoch', 'start of month', '+1 month') AS INTEGER)
               + 172800
      FROM rental_stays WHERE rental_id = NEW.id ORDER BY number DESC LIMIT 1;
END;

CREATE TRIGGER stays_end AFTER UPDATE OF state ON rentals
  WHEN NEW.state = 'ended' AND OLD.state <> 'ended'
BEGIN
    UPDATE rental_stays
       SET ended_at = max(started_at, judged_until, NEW.ended_at),
           judge_at = max(started_at, judged_until, NEW.ended_at)
     WHERE rental_id = NEW.id AND ended_at IS NULL;
END;

-- What a rental earns is earned by its last stay: what is booked when it moves is booked before.
CREATE TRIGGER stays_earn AFTER INSERT ON ledger_entries WHEN NEW.amount_micros > 0 BEGIN
    UPDATE rental_stays SET earned_micros = earned_micros + NEW.amount_micros
     WHERE (rental_id, number) IN (
           SELECT s.rental_id, s.number
             FROM ledger_transactions t
             JOIN ledger_accounts a ON a.id = NEW.ledger_account_id
                                   AND a.kind IN ('earnings', 'platform')
             JOIN rental_stays s ON s.rental_id = t.rental_id
            WHERE t.id = NEW.transaction_id AND t.kind = 'earning'
            ORDER BY s.number DESC LIMIT 1);
END;

-- Judgements.

-- What was measured of a stay in a month, against what was promised: the evidence, and what
-- follows. One for each stay and month.
CREATE TABLE sla_months (
    rental_id          TEXT    NOT NULL,
    -- Such as `2026-11`.
    month              TEXT    NOT NULL CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    stay               INTEGER NOT NULL,
    node_id            INTEGER NOT NULL,
    renter_id          TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The part of the month that it lived and was paid for.
    from_at            INTEGER NOT NULL,
    until_at           INTEGER NOT NULL CHECK (until_at > from_at),
    -- The promise.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    -- The looks that count, and how often it was up then; those that were left out because of
    -- announced maintenance; and those that knew its speed.
    observed           INTEGER NOT NULL CHECK (observed >= 0),
    observed_up        INTEGER NOT NULL CHECK (observed_up BETWEEN 0 AND observed),
    excused            INTEGER NOT NULL CHECK (excused >= 0),
    measured           INTEGER NOT NULL CHECK (measured BETWEEN 0 AND observed),
    -- NULL where too little was seen to say.
    measured_uptime    INTEGER CHECK (measured_uptime BETWEEN 0 AND 10000),
    measured_mbps      INTEGER CHECK (measured_mbps >= 0),
    -- What that part of the month costs, what of it is credited by the published scale, and that
    -- in money.
    base_micros        INTEGER NOT NULL CHECK (base_micros >= 0),
    percent            INTEGER NOT NULL CHECK (percent BETWEEN 0 AND 100),
    credit_micros      INTEGER NOT NULL CHECK (credit_micros BETWEEN 0 AND base_micros),
    judged_at          INTEGER NOT NULL,
    -- What the renter has of it by now: less while it is owed, and something else where a dispute
    -- was decided.
    paid_micros        INTEGER NOT NULL DEFAULT 0 CHECK (paid_micros BETWEEN 0 AND base_micros),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at            INTEGER,
    PRIMARY KEY (rental_id, month, stay),
    FOREIGN KEY (rental_id, stay) REFERENCES rental_stays (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sla_months_owed ON sla_months (owed_at) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_owed_by_farmer ON sla_months (farmer_id) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_by_farmer ON sla_months (farmer_id, judged_at, rental_id, month, stay)
 WHERE credit_micros > 0;

CREATE TRIGGER evidence_stays
BEFORE UPDATE OF rental_id, month, stay, node_id, renter_id, farmer_id, from_at, until_at,
                 min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                 measured_uptime, measured_mbps, base_micros, percent, credit_micros, judged_at
    ON sla_months
BEGIN
    SELECT RAISE(ABORT, 'the evidence of promises is append-only');
END;

CREATE TRIGGER evidence_is_kept BEFORE DELETE ON sla_months BEGIN
    SELECT RAISE(ABORT, 'the evidence of promises is append-only');
END;

-- Command: a stay was compared with its promise from `from_at` to `until_at`. It aborts unless the
-- stay was judged up to `from_at` and its rental is at the `version` that was seen. Where nothing
-- of it was paid for, `month` is NULL, and it only goes on. `booking` is what is credited; NULL
-- where nothing is, or the farmer's earnings do not suffice: then `owed_at` says when it is tried
-- again.
CREATE VIEW judge_stay AS
    SELECT s.rental_id, s.number AS stay, r.version, s.ended_at AS seen_end, m.month, m.from_at,
           m.until_at, s.judged_until, s.judge_at, m.observed, m.observed_up, m.excused, m.measured,
           m.measured_uptime, m.measured_mbps, m.base_micros, m.percent, m.credit_micros,
           '' AS booking, m.owed_at, m.judged_at
      FROM rental_stays s
      JOIN rentals r ON r.id = s.rental_id
      JOIN sla_months m ON m.rental_id = s.rental_id AND m.stay = s.number;

CREATE TRIGGER judge_stay_does INSTEAD OF INSERT ON judge_stay BEGIN
    UPDATE rental_stays
       SET judged_until = NEW.judged_until, judge_at = NEW.judge_at,
           judged_micros = judged_micros + coalesce(NEW.base_micros, 0)
     WHERE rental_id = NEW.rental_id AND number = NEW.stay AND judged_until = NEW.from_at
       AND ended_at IS NEW.seen_end AND judge_at IS NOT NULL
       AND (SELECT version FROM rentals WHERE id = NEW.rental_id) = NEW.version;
    SELECT RAISE(ABORT, 'stale stay') WHERE changes() = 0;
    INSERT INTO sla_months
           (rental_id, month, stay, node_id, renter_id, farmer_id, from_at, until_at, min_uptime,
            min_bandwidth_mbps, observed, observed_up, excused, measured, measured_uptime,
            measured_mbps, base_micros, percent, credit_micros, judged_at, paid_micros, owed_at)
    SELECT s.rental_id, NEW.month, s.number, s.node_id, r.renter_id, s.farmer_id, NEW.from_at,
           NEW.until_at, s.min_uptime, s.min_bandwidth_mbps, NEW.observed, NEW.observed_up,
           NEW.excused, NEW.measured, NEW.measured_uptime, NEW.measured_mbps, NEW.base_micros,
           NEW.percent, NEW.credit_micros, NEW.judged_at,
           iif(NEW.booking IS NULL, 0, NEW.credit_micros), NEW.owed_at
      FROM rental_stays s JOIN rentals r ON r.id = s.rental_id
     WHERE s.rental_id = NEW.rental_id AND s.number = NEW.stay AND NEW.month IS NOT NULL;
    INSERT INTO tell_of_credit (rental_id, month, stay, booking, told_at)
    SELECT NEW.rental_id, NEW.month, NEW.stay, NEW.booking, NEW.judged_at
     WHERE NEW.booking IS NOT NULL;
END;

-- Command, used by the others: books a credit, and tells both sides of it.
CREATE VIEW tell_of_credit AS
    SELECT rental_id, month, stay, '' AS booking, judged_at AS told_at FROM sla_months;

CREATE TRIGGER tell_of_credit_does INSTEAD OF INSERT ON tell_of_credit BEGIN
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NEW.rental_id, NEW.booking, NEW.told_at);
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-credited', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, m.credit_micros / 1000000,
                  m.credit_micros / 10000 % 100),
           NEW.told_at
      FROM sla_months m
      JOIN rental_stays s ON s.rental_id = m.rental_id AND s.number = m.stay
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.stay = NEW.stay;
END;

-- Command: a credit that was owed is booked now. It aborts unless it is still owed.
CREATE VIEW pay_credit AS
    SELECT rental_id, month, stay, '' AS booking, owed_at AS paid_at FROM sla_months;

CREATE TRIGGER pay_credit_does INSTEAD OF INSERT ON pay_credit BEGIN
    UPDATE sla_months SET paid_micros = credit_micros, owed_at = NULL
     WHERE rental_id = NEW.rental_id AND month = NEW.month AND stay = NEW.stay
       AND owed_at IS NOT NULL;
    SELECT RAISE(ABORT, 'stale credit') WHERE changes() = 0;
    INSERT INTO tell_of_credit (rental_id, month, stay, booking, told_at)
    VALUES (NEW.rental_id, NEW.month, NEW.stay, NEW.booking, NEW.paid_at);
END;

-- Disputes.

-- Somebody says that a judgement is wrong; the operator decides. Each side does so once.
CREATE TABLE sla_disputes (
    id            TEXT    PRIMARY KEY,
    rental_id     TEXT    NOT NULL,
    month         TEXT    NOT NULL,
    stay          INTEGER NOT NULL,
    side          TEXT    NOT NULL CHECK (side IN ('renter', 'farmer')),
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    words         TEXT    NOT NULL CHECK (length(words) BETWEEN 1 AND 1000),
    created_at    INTEGER NOT NULL,
    decided_at    INTEGER,
    -- What the operator says to it, and what the renter has of the month then.
    answer        TEXT    CHECK ((answer IS NULL) = (decided_at IS NULL)
                                 AND length(answer) BETWEEN 1 AND 1000),
    credit_micros INTEGER CHECK ((credit_micros IS NULL) = (decided_at IS NULL)),
    UNIQUE (rental_id, month, stay, side),
    FOREIGN KEY (rental_id, month, stay) REFERENCES sla_months (rental_id, month, stay)
) STRICT;

CREATE INDEX sla_disputes_open ON sla_disputes (id) WHERE decided_at IS NULL;

CREATE INDEX sla_disputes_by_account ON sla_disputes (account_id, id);

CREATE TRIGGER disputes_are_kept BEFORE DELETE ON sla_disputes BEGIN
    SELECT RAISE(ABORT, 'disputes are decided, not deleted');
END;

CREATE TRIGGER disputes_are_decided_once BEFORE UPDATE ON sla_disputes
  WHEN OLD.decided_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'stale dispute: it is decided');
END;

-- Both sides are told of it.
CREATE TRIGGER disputes_are_told AFTER INSERT ON sla_disputes BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-disputed', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           m.month, NEW.created_at
      FROM sla_months m
      JOIN rental_stays s ON s.rental_id = m.rental_id AND s.number = m.stay
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.stay = NEW.stay;
END;

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
    SELECT RAISE(ABORT, 'stale dispute') WHERE changes() = 0;
    UPDATE sla_months SET paid_micros = NEW.credit_micros, owed_at = NULL
     WHERE (rental_id, month, stay) IN (SELECT rental_id, month, stay FROM sla_disputes
                                         WHERE id = NEW.id)
       AND paid_micros = NEW.seen_micros;
    SELECT RAISE(ABORT, 'stale credit') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT rental_id, NEW.booking, NEW.decided_at FROM sla_disputes
     WHERE id = NEW.id AND NEW.booking IS NOT NULL;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-decided', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, NEW.credit_micros / 1000000,
                  NEW.credit_micros / 10000 % 100),
           NEW.decided_at
      FROM sla_disputes d
      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month AND m.stay = d.stay
      JOIN rental_stays s ON s.rental_id = m.rental_id AND s.number = m.stay
     WHERE d.id = NEW.id;
END;

-- What farmers may still owe their renters. Of what was not judged it is the most that the
-- published scale takes, which is `domain::sla::PERCENT_MAX`; a test compares them. Of what is owed
-- or disputed by its renter, it is what that may come to.
CREATE VIEW withheld AS
    SELECT a.id AS farmer_id,
           (SELECT coalesce(sum((max(s.earned_micros - s.judged_micros, 0) * 60 + 99) / 100), 0)
              FROM rental_stays s
             WHERE s.farmer_id = a.id AND s.judge_at IS NOT NULL)
         + (SELECT coalesce(sum(m.credit_micros), 0)
              FROM sla_months m WHERE m.farmer_id = a.id AND m.owed_at IS NOT NULL)
         + (SELECT coalesce(sum(m.base_micros - m.paid_micros), 0)
              FROM sla_disputes d
              JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month
                               AND m.stay = d.stay
             WHERE m.farmer_id = a.id AND d.side = 'renter' AND d.decided_at IS NULL)
           AS micros
      FROM accounts a;

-- A request for a payout, made anew: it leaves what is withheld in the earnings.

DROP TRIGGER request_payout_does;

CREATE TRIGGER request_payout_does INSTEAD OF INSERT ON request_payout BEGIN
    INSERT INTO payouts (id, account_id, amount_micros, address, idempotency_key, requested_at)
    SELECT NEW.id, id, NEW.amount_micros, payout_address, NEW.idempotency_key, NEW.requested_at
      FROM accounts
     WHERE id = NEW.account_id AND payout_address = NEW.address AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale address') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'stale count of payouts')
     WHERE (SELECT count(*) FROM payouts
             WHERE account_id = NEW.account_id
               AND state IN ('requested', 'approved', 'sent')) > NEW.open_max;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.requested_at);
    SELECT RAISE(ABORT, 'stale earnings: something is withheld')
     WHERE (SELECT micros FROM withheld WHERE farmer_id = NEW.account_id)
           > (SELECT balance_micros FROM ledger_accounts
               WHERE kind = 'earnings' AND owner_id = NEW.account_id);
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('payout-requested', NEW.account_id, NEW.id, NEW.requested_at);
END;

-- Early warnings: made anew, to say how long a node may still be down.

ALTER TABLE promise_alerts ADD COLUMN minutes_left INTEGER;

DROP TRIGGER promise_alerts_are_told;

CREATE TRIGGER promise_alerts_are_told AFTER INSERT ON promise_alerts BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT NEW.kind, farmer_id, id,
           NEW.month || iif(NEW.minutes_left IS NULL, '', printf(': %d min', NEW.minutes_left)),
           NEW.created_at
      FROM nodes WHERE id = NEW.node_id;
END;

DROP TRIGGER judge_month_does;

DROP VIEW judge_month;

CREATE VIEW judge_month AS
    SELECT node_id, month, judged_down AS down, '' AS alert, 0 AS minutes_left, 0 AS judged_at
      FROM node_months;

CREATE TRIGGER judge_month_does INSTEAD OF INSERT ON judge_month BEGIN
    UPDATE node_months SET judged_down = NEW.down
     WHERE node_id = NEW.node_id AND month = NEW.month;
    INSERT INTO promise_alerts (node_id, month, kind, minutes_left, created_at)
    SELECT NEW.node_id, NEW.month, NEW.alert, NEW.minutes_left, NEW.judged_at
     WHERE NEW.alert IS NOT NULL
        ON CONFLICT (node_id, month, kind) DO NOTHING;
END;

-- The market's state, for everybody.

-- When each invariant was last checked, and what was found.
CREATE TABLE invariant_checks (
    id         TEXT    PRIMARY KEY,
    violations INTEGER NOT NULL CHECK (violations >= 0),
    checked_at INTEGER NOT NULL,
    -- Since when it is broken; NULL while it holds.
    broken_at  INTEGER CHECK ((broken_at IS NULL) = (violations = 0))
) STRICT, WITHOUT ROWID;

-- The rest, as a job wrote it down last: a JSON object. One row, once there is one.
CREATE TABLE market_status (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    document   TEXT    NOT NULL,
    written_at INTEGER NOT NULL
) STRICT;
