-- Renting from the quote to the last day: orders, quotes that hold slices, rentals of periods,
-- whole nodes, and money that is earned day by day.
--
-- Kinds become rows, so that later migrations add to them. The tables whose constraints change are
-- made anew under their names: what was in them waits in a copy.

CREATE TABLE ledger_kinds (kind TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

INSERT INTO ledger_kinds (kind)
VALUES ('credit'), ('rental'), ('extension'), ('earning'), ('refund'), ('settlement'),
       ('sla-credit');

CREATE TABLE event_kinds (kind TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

INSERT INTO event_kinds (kind)
VALUES ('wallet-credited'), ('node-registered'), ('node-published'), ('node-paused'),
       ('offer-changed'), ('slice-rented'), ('node-rented'), ('node-rental-imported'),
       ('rental-extended'), ('rental-renewed'), ('renewal-failed'), ('rental-reminded'),
       ('rental-expired'), ('rental-ended'), ('transfer-offered'), ('rental-transferred'),
       ('rental-received');

-- What depends on the tables that are made anew.

DROP TRIGGER rent_slice_does;

DROP VIEW rent_slice;

DROP TRIGGER end_rental_does;

DROP VIEW end_rental;

DROP TRIGGER credit_wallet_does;

DROP VIEW credit_wallet;

DROP TRIGGER post_entry_does;

DROP VIEW post_entry;

DROP TRIGGER slices_follow_capacity;

DROP TRIGGER delete_account_does;

DROP VIEW delete_account;

-- The ledger and the events: other kinds, and which rental a transaction is about.

CREATE TABLE copied_entries AS SELECT * FROM ledger_entries;

CREATE TABLE copied_transactions AS SELECT * FROM ledger_transactions;

CREATE TABLE copied_events AS SELECT * FROM events;

DROP TABLE ledger_entries;

DROP TABLE ledger_transactions;

DROP TABLE events;

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

CREATE TABLE ledger_entries (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    transaction_id       INTEGER NOT NULL REFERENCES ledger_transactions (id),
    amount_micros        INTEGER NOT NULL CHECK (amount_micros <> 0),
    balance_after_micros INTEGER NOT NULL,
    PRIMARY KEY (ledger_account_id, transaction_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_entries_by_transaction ON ledger_entries (transaction_id);

INSERT INTO ledger_transactions (id, kind, reference, rental_id, reason, created_at)
SELECT id, kind, reference, CASE WHEN kind IN ('rental', 'settlement') THEN reference END, reason,
       created_at
  FROM copied_transactions;

INSERT INTO ledger_entries
       (ledger_account_id, transaction_id, amount_micros, balance_after_micros)
SELECT ledger_account_id, transaction_id, amount_micros, balance_after_micros FROM copied_entries;

DROP TABLE copied_entries;

DROP TABLE copied_transactions;

CREATE TRIGGER ledger_entries_stay BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_entries_are_kept BEFORE DELETE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_transactions_stay BEFORE UPDATE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_transactions_are_kept BEFORE DELETE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

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
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX events_by_rental ON events (rental_id, id) WHERE rental_id IS NOT NULL;

INSERT INTO events
       (id, kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
SELECT id, kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at
  FROM copied_events;

DROP TABLE copied_events;

CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TRIGGER events_are_audited AFTER INSERT ON events BEGIN
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT NEW.kind, 'market', who.account_id,
           coalesce(NEW.rental_id, 'node' || NEW.node_id, ''), NEW.created_at
      FROM (SELECT NEW.renter_id AS account_id UNION ALL SELECT NEW.farmer_id) who
     WHERE who.account_id IS NOT NULL;
END;

-- Orders, rentals and periods.

CREATE TABLE copied_rentals AS SELECT * FROM rentals;

CREATE TABLE copied_slices AS SELECT * FROM slices;

DROP TABLE rentals;

DROP TABLE slices;

-- What an account was told that it would cost. The document is what was told, word for word.
CREATE TABLE quotes (
    id         TEXT    PRIMARY KEY,
    account_id TEXT    NOT NULL REFERENCES accounts (id),
    document   TEXT    NOT NULL,
    -- Over the document; NULL where the operator has set no key.
    signature  TEXT,
    -- What it is about, for the commands: a JSON array of objects with `node` and `slice`.
    items      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    -- Until when it holds its slices; NULL where it holds none, or none any more.
    held_until INTEGER,
    used_at    INTEGER CHECK (used_at IS NULL OR held_until IS NULL)
) STRICT;

CREATE INDEX quotes_by_account ON quotes (account_id, id);

CREATE INDEX quotes_by_hold ON quotes (held_until) WHERE held_until IS NOT NULL;

CREATE INDEX quotes_by_end ON quotes (expires_at) WHERE used_at IS NULL;

-- What an account asked for and paid: one rental or several, or an extension.
CREATE TABLE orders (
    id              TEXT    PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id),
    kind            TEXT    NOT NULL CHECK (kind IN ('rental', 'extension', 'import')),
    -- Marks one intention of the account; a retry finds the order that the first try made.
    idempotency_key TEXT    NOT NULL,
    request_hash    BLOB    NOT NULL CHECK (length(request_hash) = 32),
    total_micros    INTEGER NOT NULL CHECK (total_micros >= 0),
    -- The token that asked, where one did.
    token_id        TEXT,
    quote_id        TEXT    UNIQUE REFERENCES quotes (id),
    created_at      INTEGER NOT NULL,
    UNIQUE (account_id, idempotency_key)
) STRICT;

-- A token spends no more than its ceiling: `within_ceiling` refuses the order otherwise.
CREATE TRIGGER orders_count_for_tokens AFTER INSERT ON orders WHEN NEW.token_id IS NOT NULL BEGIN
    UPDATE tokens SET spent_micros = spent_micros + NEW.total_micros WHERE id = NEW.token_id;
    SELECT RAISE(ABORT, 'stale token') WHERE changes() = 0;
END;

-- A slice is what at most one rental or one quote holds: it points to its holder.
CREATE TABLE slices (
    node_id    INTEGER NOT NULL REFERENCES nodes (id),
    number     INTEGER NOT NULL CHECK (number BETWEEN 1 AND 512),
    state      TEXT    NOT NULL CHECK (state IN ('available', 'reserved', 'allocated', 'retired')),
    rental_id  TEXT    REFERENCES rentals (id),
    quote_id   TEXT    REFERENCES quotes (id),
    PRIMARY KEY (node_id, number),
    CHECK ((state = 'allocated') = (rental_id IS NOT NULL)),
    CHECK ((state = 'reserved') = (quote_id IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX slices_by_state ON slices (node_id, state, number);

CREATE INDEX slices_by_rental ON slices (rental_id) WHERE rental_id IS NOT NULL;

CREATE INDEX slices_by_quote ON slices (quote_id) WHERE quote_id IS NOT NULL;

-- Who holds which slice, since when and until when. A whole node is one rental of all its slices.
CREATE TABLE rentals (
    id                  TEXT    PRIMARY KEY,
    order_id            TEXT    NOT NULL REFERENCES orders (id),
    node_id             INTEGER NOT NULL REFERENCES nodes (id),
    -- NULL for the whole node.
    slice_number        INTEGER,
    -- How many slices are paid for.
    slices              INTEGER NOT NULL CHECK (slices BETWEEN 1 AND 512),
    renter_id           TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id           TEXT    NOT NULL REFERENCES accounts (id),
    -- `grace`: the term is over, and only the renter can take the slice again.
    state               TEXT    NOT NULL CHECK (state IN ('active', 'grace', 'ended')),
    -- Counts the changes of state, money and renter: who saves one names the version that it saw.
    version             INTEGER NOT NULL DEFAULT 1,
    -- Per slice and month, and until when an extension costs that.
    price_micros        INTEGER NOT NULL CHECK (price_micros > 0),
    price_until         INTEGER NOT NULL,
    -- The promise as sold.
    min_uptime          INTEGER NOT NULL,
    min_bandwidth_mbps  INTEGER NOT NULL,
    started_at          INTEGER NOT NULL,
    ends_at             INTEGER NOT NULL CHECK (ends_at > started_at),
    ended_at            INTEGER CHECK ((ended_at IS NOT NULL) = (state = 'ended')),
    -- When the next part of the escrow is earned; NULL where nothing is left.
    earns_at            INTEGER,
    -- The renter's own.
    name                TEXT    NOT NULL DEFAULT '' CHECK (length(name) <= 80),
    labels              TEXT    NOT NULL DEFAULT '[]',
    -- For how many months it is extended by itself, NULL for not at all, and for at most how much
    -- per slice and month.
    renew_months        INTEGER CHECK (renew_months IN (1, 3, 6, 12)),
    renew_max_micros    INTEGER CHECK ((renew_max_micros IS NULL) = (renew_months IS NULL)),
    CHECK (renter_id <> farmer_id),
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

CREATE TRIGGER rentals_are_kept BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'rentals are ended, not deleted');
END;

CREATE TRIGGER rentals_end_once BEFORE UPDATE ON rentals WHEN OLD.state = 'ended'
  AND (NEW.state <> 'ended' OR NEW.ended_at <> OLD.ended_at)
BEGIN
    SELECT RAISE(ABORT, 'a rental ends once');
END;

-- The terms of a rental, one after the other, each paid in advance.
CREATE TABLE rental_periods (
    rental_id       TEXT    NOT NULL REFERENCES rentals (id),
    number          INTEGER NOT NULL CHECK (number >= 1),
    order_id        TEXT    NOT NULL REFERENCES orders (id),
    payer_id        TEXT    NOT NULL REFERENCES accounts (id),
    months          INTEGER NOT NULL CHECK (months BETWEEN 1 AND 120),
    -- Per slice and month.
    price_micros    INTEGER NOT NULL CHECK (price_micros > 0),
    -- What was charged, what of it the platform keeps once all is earned, and what became of it.
    -- Nothing is charged for what was rented before there were slices.
    total_micros    INTEGER NOT NULL CHECK (total_micros >= 0),
    fee_micros      INTEGER NOT NULL CHECK (fee_micros BETWEEN 0 AND total_micros),
    earned_micros   INTEGER NOT NULL DEFAULT 0 CHECK (earned_micros >= 0),
    refunded_micros INTEGER NOT NULL DEFAULT 0 CHECK (refunded_micros >= 0),
    starts_at       INTEGER NOT NULL,
    ends_at         INTEGER NOT NULL CHECK (ends_at > starts_at),
    PRIMARY KEY (rental_id, number),
    CHECK (earned_micros + refunded_micros <= total_micros)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_periods_by_order ON rental_periods (order_id);

-- An offer to somebody else to take a rental over.
CREATE TABLE transfers (
    rental_id  TEXT    PRIMARY KEY REFERENCES rentals (id),
    -- Whoever has this address may take it.
    email      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT;

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

-- Slices that a quote holds, the rental of the whole node, and the terms that are offered: a sum of
-- 1 for a month, 2 for three, 4 for six and 8 for twelve.
ALTER TABLE nodes ADD COLUMN reserved_slices INTEGER NOT NULL DEFAULT 0
    CHECK (reserved_slices >= 0);

ALTER TABLE nodes ADD COLUMN whole_rental_id TEXT;

ALTER TABLE nodes ADD COLUMN terms INTEGER NOT NULL DEFAULT 15 CHECK (terms BETWEEN 1 AND 15);

-- What was there before: each rental had an order and one period of its own. What has not ended has
-- earned nothing yet, and is due now.

INSERT INTO orders
       (id, account_id, kind, idempotency_key, request_hash, total_micros, token_id, created_at)
SELECT id, renter_id, 'rental', idempotency_key, request_hash, total_micros, NULL, started_at
  FROM copied_rentals;

UPDATE orders SET token_id = (SELECT token_id FROM copied_rentals WHERE id = orders.id);

INSERT INTO slices (node_id, number, state)
SELECT node_id, number, CASE state WHEN 'allocated' THEN 'available' ELSE state END
  FROM copied_slices;

INSERT INTO rentals
       (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state, price_micros,
        price_until, min_uptime, min_bandwidth_mbps, started_at, ends_at, ended_at, earns_at)
SELECT id, id, node_id, slice_number, 1, renter_id, farmer_id, state, price_micros,
       CAST(strftime('%s', ends_at, 'unixepoch', '+12 months') AS INTEGER), min_uptime,
       min_bandwidth_mbps, started_at, ends_at, ended_at,
       CASE WHEN state = 'active' THEN min(started_at + 86400, ends_at) END
  FROM copied_rentals;

INSERT INTO rental_periods
       (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
        earned_micros, starts_at, ends_at)
SELECT id, 1, id, renter_id, term_months, price_micros, total_micros, fee_micros,
       CASE WHEN state = 'ended' THEN total_micros ELSE 0 END, started_at, ends_at
  FROM copied_rentals;

UPDATE slices
   SET state = 'allocated',
       rental_id = (SELECT id FROM rentals
                     WHERE node_id = slices.node_id AND slice_number = slices.number
                       AND state = 'active')
 WHERE (node_id, number) IN (SELECT node_id, slice_number FROM rentals WHERE state = 'active');

DROP TABLE copied_rentals;

DROP TABLE copied_slices;

-- Counts and capacity.

CREATE TRIGGER slices_are_counted AFTER INSERT ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices + (NEW.state = 'available'),
           reserved_slices = reserved_slices + (NEW.state = 'reserved'),
           allocated_slices = allocated_slices + (NEW.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_counted_again AFTER UPDATE OF state ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices
               + (NEW.state = 'available') - (OLD.state = 'available'),
           reserved_slices = reserved_slices
               + (NEW.state = 'reserved') - (OLD.state = 'reserved'),
           allocated_slices = allocated_slices
               + (NEW.state = 'allocated') - (OLD.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_are_kept BEFORE DELETE ON slices BEGIN
    SELECT RAISE(ABORT, 'slices are retired, not deleted');
END;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and what is still missing is made. Reserved and allocated ones
-- stay, and nothing comes or goes while the whole node is rented.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND NEW.capacity <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
                         - NEW.capacity));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'retired'
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.available_slices - NEW.reserved_slices
                         - NEW.allocated_slices));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity
                  - (SELECT count(*) FROM slices WHERE node_id = NEW.id AND state <> 'retired'));
END;

-- Commands of the ledger.

-- Command, used by the other commands: posts one entry of a transaction, and moves the balance.
CREATE VIEW post_entry AS
    SELECT t.kind AS transaction_kind, t.reference, a.kind, a.owner_id, e.amount_micros
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id;

CREATE TRIGGER post_entry_does INSTEAD OF INSERT ON post_entry BEGIN
    INSERT INTO ledger_accounts (kind, owner_id) VALUES (NEW.kind, NEW.owner_id)
        ON CONFLICT (kind, owner_id) DO NOTHING;
    UPDATE ledger_accounts SET balance_micros = balance_micros + NEW.amount_micros
     WHERE kind = NEW.kind AND owner_id = NEW.owner_id;
    INSERT INTO ledger_entries
           (ledger_account_id, transaction_id, amount_micros, balance_after_micros)
    SELECT a.id, t.id, NEW.amount_micros, a.balance_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.kind = NEW.kind AND a.owner_id = NEW.owner_id
       AND t.kind = NEW.transaction_kind AND t.reference = NEW.reference;
    SELECT RAISE(ABORT, 'no such transaction') WHERE changes() = 0;
END;

-- Command, used by the other commands: posts a booking, a JSON object with `kind`, `reference`,
-- `reason` and the `entries`, each with `kind`, `owner` and `micros`. It aborts unless they sum to
-- zero.
CREATE VIEW post_booking AS
    SELECT rental_id, '' AS booking, created_at FROM ledger_transactions;

CREATE TRIGGER post_booking_does INSTEAD OF INSERT ON post_booking BEGIN
    SELECT RAISE(ABORT, 'a booking sums to zero')
     WHERE (SELECT sum(value ->> 'micros') FROM json_each(NEW.booking, '$.entries')) IS NOT 0;
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    VALUES (NEW.booking ->> 'kind', NEW.booking ->> 'reference', NEW.rental_id,
            NEW.booking ->> 'reason', NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT NEW.booking ->> 'kind', NEW.booking ->> 'reference', value ->> 'kind',
           value ->> 'owner', value ->> 'micros'
      FROM json_each(NEW.booking, '$.entries');
END;

-- Command: credits a wallet with money from outside. A second credit of the same key fails.
CREATE VIEW credit_wallet AS
    SELECT t.reference AS key, a.owner_id AS account_id, e.amount_micros, t.reason, t.created_at
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'credit'
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet';

CREATE TRIGGER credit_wallet_does INSTEAD OF INSERT ON credit_wallet BEGIN
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', NEW.key, NEW.reason, NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('credit', NEW.key, 'funding', '', -NEW.amount_micros),
           ('credit', NEW.key, 'wallet', NEW.account_id, NEW.amount_micros);
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.created_at);
END;

-- Commands of quotes.

-- Command: gives back what a quote holds, and the quote is over; one that holds nothing is left as
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

-- Command: keeps a quote and, where `held_until` is set, holds its slices: all of them, or it
-- aborts. `items` is a JSON array of objects with `node`, `slice` and the offer's `version`;
-- `holds_max` is how many quotes of one account may hold slices at once.
CREATE VIEW make_quote AS
    SELECT id, account_id, document, signature, items, created_at, expires_at, held_until,
           0 AS holds_max
      FROM quotes;

CREATE TRIGGER make_quote_does INSTEAD OF INSERT ON make_quote BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    INSERT INTO quotes
           (id, account_id, document, signature, items, created_at, expires_at, held_until)
    VALUES (NEW.id, NEW.account_id, NEW.document, NEW.signature, NEW.items, NEW.created_at,
            NEW.expires_at, NEW.held_until);
    SELECT RAISE(ABORT, 'stale offer')
      FROM json_each(NEW.items) i
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = i.value ->> 'node' AND listing = 'published'
                          AND offer_version = i.value ->> 'version');
    UPDATE slices SET state = 'reserved', quote_id = NEW.id
     WHERE NEW.held_until IS NOT NULL AND state = 'available'
       AND (node_id, number) IN (SELECT value ->> 'node', value ->> 'slice'
                                   FROM json_each(NEW.items));
    SELECT RAISE(ABORT, 'stale slice')
     WHERE NEW.held_until IS NOT NULL AND changes() <> json_array_length(NEW.items);
    SELECT RAISE(ABORT, 'stale count of holds')
     WHERE NEW.held_until IS NOT NULL
       AND (SELECT count(*) FROM quotes
             WHERE account_id = NEW.account_id AND held_until IS NOT NULL) > NEW.holds_max;
END;

-- Commands of rentals.

-- Command: rents one slice, several, or whole nodes; all or none. `items` is a JSON array with an
-- object for each rental: `rental` (its id), `node`, `slice` (NULL for any free one, or for the
-- whole node), `whole` (the number of its slices where the whole node is rented), `version` and
-- `price` of the offer, and what was agreed: `months`, `total`, `fee`, `ends_at`, `price_until`,
-- `earns_at`, `min_uptime`, `min_bandwidth`.
--
-- Everything changes hands, is paid into escrow and is recorded, or nothing happens. It aborts
-- unless the quote, if there is one, is unused and in time and holds what it says; the other offers
-- are at the version and price that were agreed to; enough slices are free; the wallet holds the
-- total; and the account holds at most `slices_max` slices then.
CREATE VIEW rent AS
    SELECT id, account_id, idempotency_key, request_hash, total_micros, token_id, quote_id,
           '[]' AS items, 0 AS slices_max, created_at
      FROM orders;

CREATE TRIGGER rent_does INSTEAD OF INSERT ON rent BEGIN
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    -- What a quote holds has its price, whatever the offer is by now.
    SELECT RAISE(ABORT, 'stale offer')
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
    SELECT RAISE(ABORT, 'stale quote') WHERE NEW.quote_id IS NOT NULL AND changes() = 0;
    -- Free for this order alone.
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    INSERT INTO orders
           (id, account_id, kind, idempotency_key, request_hash, total_micros, token_id, quote_id,
            created_at)
    VALUES (NEW.id, NEW.account_id, 'rental', NEW.idempotency_key, NEW.request_hash,
            NEW.total_micros, NEW.token_id, NEW.quote_id, NEW.created_at);
    INSERT INTO rentals
           (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state, price_micros,
            price_until, min_uptime, min_bandwidth_mbps, started_at, ends_at, earns_at)
    SELECT i.item ->> 'rental', NEW.id, n.id, s.number, coalesce(i.item ->> 'whole', 1),
           NEW.account_id, n.farmer_id, 'active', i.item ->> 'price', i.item ->> 'price_until',
           i.item ->> 'min_uptime', i.item ->> 'min_bandwidth', NEW.created_at,
           i.item ->> 'ends_at', i.item ->> 'earns_at'
      FROM (SELECT value AS item,
                   row_number() OVER (PARTITION BY value ->> 'node' ORDER BY key) AS nth
              FROM json_each(NEW.items)) i
      JOIN nodes n ON n.id = i.item ->> 'node'
      LEFT JOIN (SELECT node_id, number,
                        row_number() OVER (PARTITION BY node_id ORDER BY number) AS nth
                   FROM slices
                  WHERE state = 'available'
                    AND node_id IN (SELECT value ->> 'node' FROM json_each(NEW.items))) s
        ON s.node_id = n.id AND i.item ->> 'whole' IS NULL
       AND s.number = coalesce(i.item ->> 'slice', s.number)
       AND (i.item ->> 'slice' IS NOT NULL OR s.nth = i.nth)
     WHERE CASE WHEN i.item ->> 'whole' IS NULL THEN s.number IS NOT NULL
                ELSE n.available_slices = i.item ->> 'whole'
                     AND n.allocated_slices = 0 AND n.reserved_slices = 0 END;
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() <> json_array_length(NEW.items);
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    SELECT value ->> 'rental', 1, NEW.id, NEW.account_id, value ->> 'months', value ->> 'price',
           value ->> 'total', value ->> 'fee', NEW.created_at, value ->> 'ends_at'
      FROM json_each(NEW.items);
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
    SELECT RAISE(ABORT, 'stale total')
     WHERE NEW.total_micros <> (SELECT sum(total_micros) FROM rental_periods
                                 WHERE order_id = NEW.id);
    SELECT RAISE(ABORT, 'stale count of slices')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended') > NEW.slices_max;
END;

-- Command: a rental changes: it is extended, earns, expires, or ends. It aborts unless the rental
-- is at the `version` that the decision saw. `periods` are those that came or changed, a JSON array
-- of objects; `bookings` are what `post_booking` takes. An extension has an `order_id`, with its
-- key, hash, total and token. Once the rental has ended, its slices are free where the node can
-- carry them.
CREATE VIEW change_rental AS
    SELECT r.id, r.version, r.state, r.price_micros, r.price_until, r.ends_at, r.ended_at,
           r.earns_at, '[]' AS periods, '[]' AS bookings, '' AS event, o.id AS order_id,
           o.idempotency_key, o.request_hash, o.total_micros, o.token_id,
           r.started_at AS changed_at
      FROM rentals r JOIN orders o ON o.id = r.order_id;

CREATE TRIGGER change_rental_does INSTEAD OF INSERT ON change_rental BEGIN
    UPDATE rentals
       SET version = version + 1, state = NEW.state, price_micros = NEW.price_micros,
           price_until = NEW.price_until, ends_at = NEW.ends_at, ended_at = NEW.ended_at,
           earns_at = NEW.earns_at
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'stale rental') WHERE changes() = 0;
    INSERT INTO orders
           (id, account_id, kind, idempotency_key, request_hash, total_micros, token_id, created_at)
    SELECT NEW.order_id, renter_id, 'extension', NEW.idempotency_key, NEW.request_hash,
           NEW.total_micros, NEW.token_id, NEW.changed_at
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

-- Command: somebody takes over a rental that was offered to them. It aborts unless the rental is at
-- the `version` that was seen. What was the old renter's own goes; what is refunded from then on is
-- the new one's.
CREATE VIEW transfer_rental AS
    SELECT id, version, renter_id, 0 AS slices_max, started_at AS transferred_at FROM rentals;

CREATE TRIGGER transfer_rental_does INSTEAD OF INSERT ON transfer_rental BEGIN
    SELECT RAISE(ABORT, 'stale transfer')
     WHERE NOT EXISTS (SELECT 1 FROM transfers t JOIN accounts a ON a.email = t.email
                        WHERE t.rental_id = NEW.id AND a.id = NEW.renter_id
                          AND t.expires_at > NEW.transferred_at);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-transferred', renter_id, farmer_id, node_id, slice_number, id,
           NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    UPDATE rentals
       SET renter_id = NEW.renter_id, version = version + 1, name = '', labels = '[]',
           renew_months = NULL, renew_max_micros = NULL
     WHERE id = NEW.id AND version = NEW.version AND state <> 'ended';
    SELECT RAISE(ABORT, 'stale rental') WHERE changes() = 0;
    DELETE FROM transfers WHERE rental_id = NEW.id;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-received', renter_id, node_id, slice_number, id, NEW.transferred_at
      FROM rentals WHERE id = NEW.id;
    SELECT RAISE(ABORT, 'stale count of slices')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.renter_id AND state <> 'ended') > NEW.slices_max;
END;

-- Command: takes over a rental of a whole node from before there were slices. No money moves. It
-- aborts while anything on the node is rented or held.
CREATE VIEW import_node_rental AS
    SELECT r.id, r.node_id, r.renter_id, p.months, r.price_micros, r.price_until, r.started_at,
           r.ends_at, o.request_hash, o.created_at AS imported_at
      FROM rentals r
      JOIN orders o ON o.id = r.order_id
      JOIN rental_periods p ON p.rental_id = r.id;

CREATE TRIGGER import_node_rental_does INSTEAD OF INSERT ON import_node_rental BEGIN
    INSERT INTO orders
           (id, account_id, kind, idempotency_key, request_hash, total_micros, created_at)
    VALUES (NEW.id, NEW.renter_id, 'import', 'import-' || NEW.id, NEW.request_hash, 0,
            NEW.imported_at);
    INSERT INTO rentals
           (id, order_id, node_id, slices, renter_id, farmer_id, state, price_micros, price_until,
            min_uptime, min_bandwidth_mbps, started_at, ends_at)
    SELECT NEW.id, NEW.id, id, max(1, available_slices), NEW.renter_id, farmer_id, 'active',
           NEW.price_micros, NEW.price_until, min_uptime, min_bandwidth_mbps, NEW.started_at,
           NEW.ends_at
      FROM nodes
     WHERE id = NEW.node_id AND whole_rental_id IS NULL AND allocated_slices = 0
       AND reserved_slices = 0;
    SELECT RAISE(ABORT, 'stale node: something on it is rented') WHERE changes() = 0;
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    VALUES (NEW.id, 1, NEW.id, NEW.renter_id, NEW.months, NEW.price_micros, 0, 0, NEW.started_at,
            NEW.ends_at);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND state = 'available';
    UPDATE nodes SET whole_rental_id = NEW.id WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, rental_id, created_at)
    SELECT 'node-rental-imported', renter_id, farmer_id, node_id, id, NEW.imported_at
      FROM rentals WHERE id = NEW.id;
END;

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

-- Command: deletes the person and keeps the money and the history, under an id that says nothing.
-- It aborts while the account rents, or has a node on the market, held or rented.
CREATE VIEW delete_account AS SELECT id AS account_id, deleted_at FROM accounts;

CREATE TRIGGER delete_account_does INSTEAD OF INSERT ON delete_account BEGIN
    SELECT RAISE(ABORT, 'stale account: it is in use')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE renter_id = NEW.account_id AND state <> 'ended')
        OR EXISTS (SELECT 1 FROM nodes
                    WHERE farmer_id = NEW.account_id
                      AND (listing = 'published' OR allocated_slices > 0
                           OR reserved_slices > 0 OR whole_rental_id IS NOT NULL));
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.deleted_at FROM quotes
     WHERE account_id = NEW.account_id AND held_until IS NOT NULL;
    DELETE FROM transfers
     WHERE email = (SELECT email FROM accounts WHERE id = NEW.account_id);
    UPDATE accounts
       SET email = id || '@deleted.invalid', password_hash = '', payout_address = NULL,
           is_operator = 0, deleted_at = NEW.deleted_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale account') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id;
    DELETE FROM tokens WHERE account_id = NEW.account_id;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
    DELETE FROM mails WHERE account_id = NEW.account_id;
    DELETE FROM passkeys WHERE account_id = NEW.account_id;
    DELETE FROM totp_secrets WHERE account_id = NEW.account_id;
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
END;
