-- Rentals: who holds which slice, since when, until when, and what was paid for it.

CREATE TABLE rentals (
    id                 TEXT    PRIMARY KEY,
    node_id            INTEGER NOT NULL,
    slice_number       INTEGER NOT NULL,
    renter_id          TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    state              TEXT    NOT NULL CHECK (state IN ('active', 'ended')),
    term_months        INTEGER NOT NULL CHECK (term_months IN (1, 3, 6, 12)),
    -- The offer that was agreed to: price per month, and the promise as sold.
    offer_version      INTEGER NOT NULL,
    price_micros       INTEGER NOT NULL CHECK (price_micros > 0),
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    -- What was charged for the whole term, and what of it the platform keeps.
    total_micros       INTEGER NOT NULL CHECK (total_micros > 0),
    fee_micros         INTEGER NOT NULL CHECK (fee_micros BETWEEN 0 AND total_micros),
    -- Marks one intention of the renter; a retry finds the rental that the first try made.
    idempotency_key    TEXT    NOT NULL,
    request_hash       BLOB    NOT NULL CHECK (length(request_hash) = 32),
    started_at         INTEGER NOT NULL,
    ends_at            INTEGER NOT NULL CHECK (ends_at > started_at),
    ended_at           INTEGER CHECK ((ended_at IS NOT NULL) = (state = 'ended')),
    CHECK (renter_id <> farmer_id),
    FOREIGN KEY (node_id, slice_number) REFERENCES slices (node_id, number),
    UNIQUE (renter_id, idempotency_key)
) STRICT;

-- A slice is held by one renter at a time, whatever the code above does.
CREATE UNIQUE INDEX rentals_one_active_per_slice ON rentals (node_id, slice_number)
 WHERE state = 'active';

CREATE INDEX rentals_by_slice ON rentals (node_id, slice_number, started_at);

CREATE INDEX rentals_by_renter ON rentals (renter_id, id);

CREATE INDEX rentals_by_farmer ON rentals (farmer_id) WHERE state = 'active';

CREATE INDEX rentals_by_end ON rentals (ends_at) WHERE state = 'active';

CREATE TRIGGER rentals_are_kept BEFORE DELETE ON rentals BEGIN
    SELECT RAISE(ABORT, 'rentals are ended, not deleted');
END;

-- Command: rents a slice, the named one or, where `slice_number` is NULL, the lowest free one.
-- The slice changes hands, is paid into escrow and is recorded, or nothing happens: it aborts
-- unless the offer is at the version that was agreed to, a slice is free, and the wallet holds
-- the total.
CREATE VIEW rent_slice AS
    SELECT id, node_id, slice_number, renter_id, term_months, offer_version, price_micros,
           total_micros, fee_micros, idempotency_key, request_hash, started_at, ends_at
      FROM rentals;

CREATE TRIGGER rent_slice_does INSTEAD OF INSERT ON rent_slice BEGIN
    SELECT RAISE(ABORT, 'stale offer')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND listing = 'published'
                          AND offer_version = NEW.offer_version
                          AND price_micros = NEW.price_micros);
    INSERT INTO rentals
           (id, node_id, slice_number, renter_id, farmer_id, state, term_months, offer_version,
            price_micros, min_uptime, min_bandwidth_mbps, total_micros, fee_micros,
            idempotency_key, request_hash, started_at, ends_at)
    SELECT NEW.id, n.id, s.number, NEW.renter_id, n.farmer_id, 'active', NEW.term_months,
           n.offer_version, n.price_micros, n.min_uptime, n.min_bandwidth_mbps, NEW.total_micros,
           NEW.fee_micros, NEW.idempotency_key, NEW.request_hash, NEW.started_at, NEW.ends_at
      FROM nodes n
      JOIN slices s ON s.node_id = n.id AND s.state = 'available'
     WHERE n.id = NEW.node_id AND s.number = coalesce(NEW.slice_number, s.number)
     ORDER BY s.number
     LIMIT 1;
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() = 0;
    UPDATE slices SET state = 'allocated'
     WHERE (node_id, number) = (SELECT node_id, slice_number FROM rentals WHERE id = NEW.id);
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    SELECT 'rental', NEW.id, 'Rental of node' || node_id || '_slice_' || slice_number,
           NEW.started_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('rental', NEW.id, 'wallet', NEW.renter_id, -NEW.total_micros),
           ('rental', NEW.id, 'escrow', NEW.id, NEW.total_micros);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'slice-rented', renter_id, farmer_id, node_id, slice_number, id, NEW.started_at
      FROM rentals WHERE id = NEW.id;
END;

-- Command: ends an active rental; one that has ended already is left as it is. The slice is free
-- again if its node can still carry it, and the escrow goes to the farmer and the platform.
CREATE VIEW end_rental AS SELECT id, ended_at FROM rentals;

CREATE TRIGGER end_rental_does INSTEAD OF INSERT ON end_rental BEGIN
    UPDATE rentals SET state = 'ended', ended_at = NEW.ended_at
     WHERE id = NEW.id AND state = 'active';
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    UPDATE slices SET state = 'available'
     WHERE (node_id, number) = (SELECT node_id, slice_number FROM rentals WHERE id = NEW.id);
    UPDATE nodes SET capacity = capacity
     WHERE id = (SELECT node_id FROM rentals WHERE id = NEW.id);
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    SELECT 'settlement', NEW.id, 'Earned with node' || node_id || '_slice_' || slice_number,
           NEW.ended_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'settlement', NEW.id, 'escrow', NEW.id, -total_micros
      FROM rentals WHERE id = NEW.id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'settlement', NEW.id, 'earnings', farmer_id, total_micros - fee_micros
      FROM rentals WHERE id = NEW.id AND total_micros > fee_micros;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'settlement', NEW.id, 'platform', '', fee_micros
      FROM rentals WHERE id = NEW.id AND fee_micros > 0;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'rental-ended', renter_id, farmer_id, node_id, slice_number, id, NEW.ended_at
      FROM rentals WHERE id = NEW.id;
END;
