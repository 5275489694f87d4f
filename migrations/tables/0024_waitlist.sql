-- Searches that people save, and what of the market is new to them.

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
