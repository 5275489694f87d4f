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

-- How many wait, kept by the triggers on `waitlist`.
ALTER TABLE nodes ADD COLUMN waiting
                       INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT node_waiting_not_negative CHECK (waiting >= 0);

-- Nodes with a free slice for which somebody waits.
CREATE INDEX nodes_wanted ON nodes (id)
 WHERE waiting > 0 AND available_slices > 0 AND listing = 'published';
