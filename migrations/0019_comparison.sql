-- What the market knows of how nodes are rented: samples by the hour, how long slices wait, what
-- was looked for in vain, and which prices were suggested.

INSERT INTO event_kinds (kind) VALUES ('price-suggested');

-- What a node offered and rented on a day, as seen once an hour while it was on the market and up.
CREATE TABLE node_days (
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    -- Days since 1970, in UTC.
    day          INTEGER NOT NULL,
    -- Per slice and month, at the last sample.
    price_micros INTEGER NOT NULL CHECK (price_micros > 0),
    samples      INTEGER NOT NULL CHECK (samples BETWEEN 1 AND 24),
    -- Sums over the samples of the slices that were free, held or rented, and of those rented.
    offered      INTEGER NOT NULL CHECK (offered > 0),
    rented       INTEGER NOT NULL CHECK (rented BETWEEN 0 AND offered),
    PRIMARY KEY (node_id, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_days_by_day ON node_days (day);

-- The hour since 1970 of the last sample. To move it on takes one, in the same statement: a run
-- that comes second finds it moved.
CREATE TABLE market_clock (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    sampled_hour INTEGER NOT NULL
) STRICT;

INSERT INTO market_clock (id, sampled_hour) VALUES (1, 0);

-- A comparison reads the nodes that are on the market or rented, by certification and place.
CREATE INDEX nodes_by_kind ON nodes (certified, country, id)
 WHERE price_micros IS NOT NULL AND (listing = 'published' OR allocated_slices > 0);

CREATE TRIGGER market_is_sampled AFTER UPDATE OF sampled_hour ON market_clock
  WHEN NEW.sampled_hour > OLD.sampled_hour
BEGIN
    INSERT INTO node_days (node_id, day, price_micros, samples, offered, rented)
    SELECT id, NEW.sampled_hour / 24, price_micros, 1, offered, rented
      FROM (SELECT id, price_micros, allocated_slices AS rented,
                   available_slices + reserved_slices + allocated_slices AS offered
              FROM nodes
             WHERE price_micros IS NOT NULL AND (listing = 'published' OR allocated_slices > 0)
               AND listing = 'published' AND status = 'up'
               AND available_slices + reserved_slices + allocated_slices > 0
             LIMIT 20000)
     WHERE true
        ON CONFLICT (node_id, day) DO UPDATE
       SET price_micros = excluded.price_micros, samples = samples + 1,
           offered = offered + excluded.offered, rented = rented + excluded.rented;
END;

-- What the market knows of a node that was ever on it.
CREATE TABLE market_nodes (
    node_id          INTEGER PRIMARY KEY REFERENCES nodes (id),
    -- When it last went on the market.
    offered_since    INTEGER NOT NULL,
    -- When its price was last compared; NULL while it is off the market.
    checked_at       INTEGER,
    -- When the farmer was last told of another price, and of which.
    suggested_at     INTEGER,
    suggested_micros INTEGER CHECK ((suggested_micros IS NULL) = (suggested_at IS NULL))
) STRICT;

CREATE INDEX market_nodes_by_check ON market_nodes (checked_at) WHERE checked_at IS NOT NULL;

INSERT INTO market_nodes (node_id, offered_since, checked_at)
SELECT id, offer_changed_at, offer_changed_at FROM nodes WHERE listing = 'published';

CREATE TRIGGER market_nodes_come_and_go AFTER UPDATE OF listing ON nodes
  WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO market_nodes (node_id, offered_since, checked_at)
    SELECT NEW.id, NEW.offer_changed_at, NEW.offer_changed_at WHERE NEW.listing = 'published'
        ON CONFLICT (node_id) DO UPDATE
       SET offered_since = excluded.offered_since, checked_at = excluded.checked_at;
    UPDATE market_nodes SET checked_at = NULL
     WHERE node_id = NEW.id AND NEW.listing <> 'published';
END;

CREATE TRIGGER prices_are_suggested AFTER UPDATE OF suggested_at ON market_nodes
  WHEN NEW.suggested_at IS NOT OLD.suggested_at
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'price-suggested', farmer_id, id,
           printf('node%d: $%d.%02d', id, NEW.suggested_micros / 1000000,
                  NEW.suggested_micros / 10000 % 100),
           NEW.suggested_at
      FROM nodes WHERE id = NEW.node_id;
END;

-- How long a slice waited for a rental that began: since its node last went on the market, or since
-- its last rental ended (or that of the whole node), whatever is later. Whole nodes are left out:
-- they wait for the end of other rentals. So is what was rented before there were slices.
CREATE TABLE rentals_begun (
    rental_id      TEXT    PRIMARY KEY REFERENCES rentals (id),
    node_id        INTEGER NOT NULL REFERENCES nodes (id),
    began_at       INTEGER NOT NULL,
    waited_seconds INTEGER NOT NULL CHECK (waited_seconds >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX rentals_begun_by_node ON rentals_begun (node_id, began_at);

CREATE INDEX rentals_ended_by_slice ON rentals (node_id, slice_number, ended_at)
 WHERE state = 'ended';

CREATE TRIGGER waits_are_kept AFTER INSERT ON rentals
  WHEN NEW.slice_number IS NOT NULL
   AND (SELECT kind FROM orders WHERE id = NEW.order_id) = 'rental'
BEGIN
    INSERT INTO rentals_begun (rental_id, node_id, began_at, waited_seconds)
    SELECT NEW.id, NEW.node_id, NEW.started_at,
           max(0, NEW.started_at - max(
               m.offered_since,
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number = NEW.slice_number
                            AND state = 'ended'), 0),
               coalesce((SELECT max(ended_at) FROM rentals
                          WHERE node_id = NEW.node_id AND slice_number IS NULL
                            AND state = 'ended'), 0)))
      FROM market_nodes m WHERE m.node_id = NEW.node_id;
END;

-- Searches of the market that found nothing, by day. The country is a known one, or empty.
CREATE TABLE unmet_searches (
    country   TEXT    NOT NULL,
    certified INTEGER NOT NULL CHECK (certified IN (0, 1)),
    -- Days since 1970, in UTC.
    day       INTEGER NOT NULL,
    -- At most one a minute.
    count     INTEGER NOT NULL CHECK (count BETWEEN 1 AND 1440),
    last_at   INTEGER NOT NULL,
    PRIMARY KEY (country, certified, day)
) STRICT, WITHOUT ROWID;

CREATE INDEX unmet_searches_by_day ON unmet_searches (day);
