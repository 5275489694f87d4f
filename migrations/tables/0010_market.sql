-- What the market offered and rented, for comparison.

-- The hour since 1970 of the last sample. To move it on takes one, in the same statement: a run
-- that comes second finds it moved.
CREATE TABLE market_clock (
    id           INTEGER PRIMARY KEY CONSTRAINT market_clock_has_one_row CHECK (id = 1),
    sampled_hour INTEGER NOT NULL
) STRICT;

INSERT INTO market_clock (id, sampled_hour) VALUES (1, 0);

-- What the market knows of a node that was ever on it.
CREATE TABLE market_nodes (
    node_id          INTEGER PRIMARY KEY REFERENCES nodes (id),
    -- When it last went on the market.
    offered_since    INTEGER NOT NULL,
    -- When its price was last compared; NULL while it is off the market.
    checked_at       INTEGER,
    -- When another price was last suggested to the farmer, and which.
    suggested_at     INTEGER,
    suggested_micros INTEGER
                     CONSTRAINT market_node_suggestion_has_price
                     CHECK ((suggested_micros IS NULL) = (suggested_at IS NULL))
) STRICT;

CREATE INDEX market_nodes_by_check ON market_nodes (checked_at) WHERE checked_at IS NOT NULL;

-- What a node offered and rented on a day, as seen once an hour while it was on the market and up.
CREATE TABLE node_days (
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    -- Days since 1970, in UTC.
    day          INTEGER NOT NULL,
    -- Per slice and month, at the last sample.
    price_micros INTEGER NOT NULL CONSTRAINT node_day_price_positive CHECK (price_micros > 0),
    samples      INTEGER NOT NULL
                 CONSTRAINT node_day_samples_in_range CHECK (samples BETWEEN 1 AND 24),
    -- Sums over the samples of the slices that were free, held or rented, and of those rented.
    offered      INTEGER NOT NULL CONSTRAINT node_day_offered_positive CHECK (offered > 0),
    rented       INTEGER NOT NULL
                 CONSTRAINT node_day_rented_at_most_offered CHECK (rented BETWEEN 0 AND offered),
    PRIMARY KEY (node_id, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_days_by_day ON node_days (day);

-- How long a slice waited for a rental that began: since its node last went on the market, or since
-- its last rental ended (or that of the whole node), whatever is later. Whole nodes are left out:
-- they wait for the end of other rentals. So is what was rented before there were slices.
CREATE TABLE rentals_begun (
    rental_id      TEXT    PRIMARY KEY REFERENCES rentals (id),
    node_id        INTEGER NOT NULL REFERENCES nodes (id),
    began_at       INTEGER NOT NULL,
    waited_seconds INTEGER NOT NULL
                   CONSTRAINT rental_begun_waited_seconds_not_negative CHECK (waited_seconds >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX rentals_begun_by_node ON rentals_begun (node_id, began_at);

-- Searches of the market that found nothing, by day. The country is a known one, or empty.
CREATE TABLE unmet_searches (
    country   TEXT    NOT NULL,
    certified INTEGER NOT NULL
              CONSTRAINT unmet_search_certified_is_flag CHECK (certified IN (0, 1)),
    -- Days since 1970, in UTC.
    day       INTEGER NOT NULL,
    -- At most one a minute.
    count     INTEGER NOT NULL
              CONSTRAINT unmet_search_count_in_range CHECK (count BETWEEN 1 AND 1440),
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (country, certified, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX unmet_searches_by_day ON unmet_searches (day);
