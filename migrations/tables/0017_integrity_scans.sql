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

CREATE INDEX ledger_accounts_below_zero ON ledger_accounts (kind) WHERE balance_micros < 0;

CREATE INDEX jobs_to_create ON jobs (rental_id)
 WHERE kind = 'create' AND state IN ('needs-key', 'waiting', 'leased', 'failed');

CREATE INDEX jobs_to_remove ON jobs (node_id, slice_number)
 WHERE kind = 'remove' AND state <> 'done';

CREATE INDEX sla_months_by_evaluation ON sla_months (evaluated_at);
