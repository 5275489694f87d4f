-- What farmers earn and are paid: revenue by month and day, payouts, and how farmers see renters.

-- How farmers see an account that rents; NULL for by its e-mail address.
ALTER TABLE accounts ADD COLUMN display_name TEXT
    CHECK (display_name IS NULL OR length(display_name) BETWEEN 1 AND 80);

-- Revenue.

-- What a farmer has earned with a node in a month of UTC, such as `2026-11`, and what of it went to
-- renters for promises that were not kept. Kept by a trigger in the statement that books.
CREATE TABLE farm_months (
    farmer_id       TEXT    NOT NULL REFERENCES accounts (id),
    month           TEXT    NOT NULL CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    node_id         INTEGER NOT NULL REFERENCES nodes (id),
    earned_micros   INTEGER NOT NULL CHECK (earned_micros >= 0),
    credited_micros INTEGER NOT NULL CHECK (credited_micros >= 0),
    PRIMARY KEY (farmer_id, month, node_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX farm_months_by_node ON farm_months (node_id, month);

-- What a farmer has earned on a day of UTC, such as `2026-11-22`, with all nodes.
CREATE TABLE farm_days (
    farmer_id     TEXT    NOT NULL REFERENCES accounts (id),
    day           TEXT    NOT NULL
                  CHECK (day GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'),
    earned_micros INTEGER NOT NULL CHECK (earned_micros >= 0),
    PRIMARY KEY (farmer_id, day)
) STRICT, WITHOUT ROWID;

-- What comes to somebody's earnings because of a rental was earned; what leaves them because of one
-- was credited. Payouts are about no rental, and count for neither.
CREATE TRIGGER farm_months_grow AFTER INSERT ON ledger_entries BEGIN
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

-- What was booked before there were months and days.
INSERT INTO farm_months (farmer_id, month, node_id, earned_micros, credited_micros)
SELECT a.owner_id, strftime('%Y-%m', t.created_at, 'unixepoch'), r.node_id,
       sum(max(e.amount_micros, 0)), sum(max(-e.amount_micros, 0))
  FROM ledger_entries e
  JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'earnings'
  JOIN ledger_transactions t ON t.id = e.transaction_id
  JOIN rentals r ON r.id = t.rental_id
 GROUP BY 1, 2, 3;

INSERT INTO farm_days (farmer_id, day, earned_micros)
SELECT a.owner_id, strftime('%Y-%m-%d', t.created_at, 'unixepoch'), sum(e.amount_micros)
  FROM ledger_entries e
  JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'earnings'
  JOIN ledger_transactions t ON t.id = e.transaction_id AND t.rental_id IS NOT NULL
 WHERE e.amount_micros > 0
 GROUP BY 1, 2;

-- Payouts.

INSERT INTO ledger_kinds (kind) VALUES ('payout-request'), ('payout-send'), ('payout-return');

INSERT INTO event_kinds (kind)
VALUES ('payout-requested'), ('payout-approved'), ('payout-sent'), ('payout-done'),
       ('payout-failed'), ('payout-withdrawn');

-- Earnings on their way to a farmer. While one is requested or approved, its amount is held in the
-- escrow of its id; once sent, it has left the books.
CREATE TABLE payouts (
    id              TEXT    PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros   INTEGER NOT NULL CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    -- Where it is paid to, as it was when it was requested.
    address         TEXT    NOT NULL CHECK (length(address) BETWEEN 1 AND 200),
    state           TEXT    NOT NULL DEFAULT 'requested'
                    CHECK (state IN ('requested', 'approved', 'sent', 'done', 'failed',
                                     'withdrawn')),
    -- Counts the changes of state: who saves one names the version that it saw.
    version         INTEGER NOT NULL DEFAULT 1,
    -- What the operator calls the transfer.
    reference       TEXT    CHECK (state NOT IN ('sent', 'done') OR reference IS NOT NULL),
    -- Why it failed.
    note            TEXT    CHECK ((note IS NOT NULL) = (state = 'failed')),
    idempotency_key TEXT    NOT NULL,
    requested_at    INTEGER NOT NULL,
    approved_at     INTEGER,
    sent_at         INTEGER CHECK (state NOT IN ('sent', 'done') OR sent_at IS NOT NULL),
    finished_at     INTEGER
                    CHECK ((finished_at IS NOT NULL) = (state IN ('done', 'failed', 'withdrawn'))),
    UNIQUE (account_id, idempotency_key)
) STRICT;

CREATE INDEX payouts_by_account ON payouts (account_id, id);

CREATE INDEX payouts_by_state ON payouts (state, id);

CREATE INDEX payouts_open ON payouts (account_id) WHERE state IN ('requested', 'approved', 'sent');

CREATE TRIGGER payouts_are_kept BEFORE DELETE ON payouts BEGIN
    SELECT RAISE(ABORT, 'payouts are finished, not deleted');
END;

-- Command: requests a payout, and holds its amount. It aborts unless the account is still paid to
-- the `address` that was seen, and has at most `open_max` payouts under way then.
CREATE VIEW request_payout AS
    SELECT id, account_id, amount_micros, address, idempotency_key, '' AS booking, 0 AS open_max,
           requested_at
      FROM payouts;

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
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('payout-requested', NEW.account_id, NEW.id, NEW.requested_at);
END;

-- Command: a payout goes on: approved, sent, done, failed or withdrawn. It aborts unless it is at
-- the `version` that the decision saw. `booking` is NULL where no money moves.
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
           finished_at = CASE WHEN NEW.state IN ('done', 'failed', 'withdrawn')
                              THEN NEW.changed_at END
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'stale payout') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NULL, NEW.booking, NEW.changed_at WHERE NEW.booking IS NOT NULL;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, account_id, id, NEW.changed_at FROM payouts WHERE id = NEW.id;
END;

-- Who waits for a payout cannot be deleted: what fails would return to nobody.
CREATE TRIGGER accounts_wait_for_payouts BEFORE UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'stale account: a payout is under way')
     WHERE EXISTS (SELECT 1 FROM payouts
                    WHERE account_id = NEW.id AND state IN ('requested', 'approved', 'sent'));
END;

-- The name of a person goes with the person. Where a payout went stays with the payout: it is what
-- the books say of money that has left.
CREATE TRIGGER deleted_accounts_have_no_name AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    UPDATE accounts SET display_name = NULL WHERE id = NEW.id;
END;
