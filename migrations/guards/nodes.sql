-- A node of a farm with a verified owner is registered and published by nobody else, whatever
-- the code above does.
CREATE TRIGGER node_registered_by_farm_owner BEFORE INSERT ON nodes
  WHEN EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER node_published_by_farm_owner BEFORE UPDATE OF listing ON nodes
  WHEN NEW.listing = 'published'
   AND EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: farm_of_another_account');
END;

CREATE TRIGGER lock_change_emits_event AFTER UPDATE OF locked_by ON nodes
  WHEN NEW.locked_by IS NOT OLD.locked_by
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES (CASE WHEN NEW.locked_by IS NULL THEN 'node-unlocked' ELSE 'node-locked' END,
            NEW.farmer_id, NEW.id, NEW.lock_changed_at);
END;

CREATE TRIGGER new_offer_enters_history AFTER INSERT ON nodes BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

CREATE TRIGGER offer_change_enters_history AFTER UPDATE OF offer_version ON nodes
  WHEN NEW.offer_version <> OLD.offer_version
BEGIN
    INSERT INTO offer_history
           (node_id, version, changed_at, name, price_micros, pending_price_micros,
            pending_price_at, min_uptime, min_bandwidth_mbps, terms, kept_slices, listing)
    VALUES (NEW.id, NEW.offer_version, NEW.offer_changed_at, NEW.name, NEW.price_micros,
            NEW.pending_price_micros, NEW.pending_price_at, NEW.min_uptime,
            NEW.min_bandwidth_mbps, NEW.terms, NEW.kept_slices, NEW.listing);
END;

-- A node that has left has no free slices, whatever the grid reports of it.
CREATE TRIGGER left_node_retires_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NOT NULL AND OLD.left_at IS NULL
BEGIN
    UPDATE slices SET state = 'retired' WHERE node_id = NEW.id AND state = 'available';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-left', NEW.farmer_id, NEW.id, NEW.left_at);
END;

-- A node that comes back has the slices that its last report allows.
CREATE TRIGGER returning_node_restores_slices AFTER UPDATE OF left_at ON nodes
  WHEN NEW.left_at IS NULL AND OLD.left_at IS NOT NULL
BEGIN
    UPDATE nodes SET capacity = capacity WHERE id = NEW.id;
END;

CREATE TRIGGER listing_change_updates_market_node AFTER UPDATE OF listing ON nodes
  WHEN NEW.listing <> OLD.listing
BEGIN
    INSERT INTO market_nodes (node_id, offered_since, checked_at)
    SELECT NEW.id, NEW.offer_changed_at, NEW.offer_changed_at WHERE NEW.listing = 'published'
        ON CONFLICT (node_id) DO UPDATE
       SET offered_since = excluded.offered_since, checked_at = excluded.checked_at;
    UPDATE market_nodes SET checked_at = NULL
     WHERE node_id = NEW.id AND NEW.listing <> 'published';
END;

-- Each observation of a node counts for its month.
CREATE TRIGGER observation_counts_for_month AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO node_months (node_id, month, observed, observed_up)
    VALUES (NEW.id, strftime('%Y-%m', NEW.synced_at, 'unixepoch'), NEW.observed - OLD.observed,
            NEW.observed_up - OLD.observed_up)
        ON CONFLICT (node_id, month) DO UPDATE
       SET observed = observed + excluded.observed,
           observed_up = observed_up + excluded.observed_up;
END;

-- A node that goes to another farm or farmer takes its open jobs with it.
CREATE TRIGGER open_jobs_follow_node AFTER UPDATE OF farm_id, farmer_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id OR NEW.farmer_id <> OLD.farmer_id
BEGIN
    UPDATE jobs SET farm_id = NEW.farm_id, farmer_id = NEW.farmer_id
     WHERE node_id = NEW.id AND state NOT IN ('done', 'refunded', 'canceled');
END;

-- Slices follow capacity: available ones are retired from the highest number down, retired ones
-- are restored from the lowest up, and missing ones are created. Reserved and allocated ones stay,
-- and nothing changes while the whole node is rented. What is offered is what the node can carry
-- without the slices that are kept back. A slice whose machine is being removed is not offered and
-- not restored, and counts as one that is there.
-- `UPDATE nodes SET capacity = capacity` brings a node's slices back in line.
CREATE TRIGGER slices_follow_capacity AFTER UPDATE OF capacity, kept_slices ON nodes
  WHEN NEW.whole_rental_id IS NULL
   AND (max(0, NEW.capacity - NEW.kept_slices)
        <> NEW.available_slices + NEW.reserved_slices + NEW.allocated_slices
        OR EXISTS (SELECT 1 FROM slices WHERE node_id = NEW.id AND removing_job IS NOT NULL))
BEGIN
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND state = 'available' AND removing_job IS NOT NULL;
    UPDATE slices SET state = 'retired'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices WHERE node_id = NEW.id AND state = 'available'
            ORDER BY number DESC
            LIMIT max(0, (SELECT count(*) FROM slices
                           WHERE node_id = NEW.id
                             AND (state <> 'retired' OR removing_job IS NOT NULL))
                         - max(0, NEW.capacity - NEW.kept_slices)));
    UPDATE slices SET state = 'available'
     WHERE node_id = NEW.id AND number IN (
           SELECT number FROM slices
            WHERE node_id = NEW.id AND state = 'retired' AND removing_job IS NULL
            ORDER BY number
            LIMIT max(0, NEW.capacity - NEW.kept_slices
                         - (SELECT count(*) FROM slices
                             WHERE node_id = NEW.id
                               AND (state <> 'retired' OR removing_job IS NOT NULL))));
    INSERT INTO slices (node_id, number, state)
    SELECT NEW.id, number, 'available' FROM slice_numbers
     WHERE number > (SELECT coalesce(max(number), 0) FROM slices WHERE node_id = NEW.id)
     ORDER BY number
     LIMIT max(0, NEW.capacity - NEW.kept_slices
                  - (SELECT count(*) FROM slices
                      WHERE node_id = NEW.id
                        AND (state <> 'retired' OR removing_job IS NOT NULL)));
END;

CREATE TRIGGER observation_is_recorded AFTER UPDATE OF observed ON nodes
  WHEN NEW.observed > OLD.observed
BEGIN
    INSERT INTO observation_times (at) VALUES (NEW.synced_at) ON CONFLICT (at) DO NOTHING;
    INSERT INTO observations (at, node_id, status, is_up, healthy, upload_mbps, download_mbps)
    SELECT NEW.synced_at, NEW.id, NEW.status, up, NEW.healthy, iif(up, NEW.upload_mbps, NULL),
           iif(up, NEW.download_mbps, NULL)
      FROM (SELECT NEW.observed_up > OLD.observed_up AS up)
     WHERE true
        ON CONFLICT (at, node_id) DO NOTHING;
END;

-- The events of an offer have one order: whether the node leaves, what the offer is, and whether it
-- is on the market. Everybody who rents something of a node is notified that it leaves, and
-- what was decided on one of its rentals before is decided again: each gets another version.
CREATE TRIGGER offer_change_emits_events
 AFTER UPDATE OF leaves_at, price_micros, pending_price_micros, min_uptime, min_bandwidth_mbps,
                 terms, kept_slices, listing ON nodes
BEGIN
    UPDATE rentals SET version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.leaves_at IS NOT OLD.leaves_at;
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN NEW.leaves_at IS NULL THEN 'node-leaving-canceled' ELSE 'node-leaving' END,
           renter_id,
           node_id, slice_number, id, NEW.offer_changed_at
      FROM rentals
     WHERE node_id = NEW.id AND state <> 'ended' AND NEW.leaves_at IS NOT OLD.leaves_at
     ORDER BY id;
    -- Of another notice they are notified again.
    DELETE FROM reminders
     WHERE NEW.leaves_at IS NOT OLD.leaves_at AND days < 0
       AND rental_id IN (SELECT id FROM rentals WHERE node_id = NEW.id AND state <> 'ended');
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'offer-changed', NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.price_micros IS NOT OLD.price_micros
        OR NEW.pending_price_micros IS NOT OLD.pending_price_micros
        OR NEW.min_uptime <> OLD.min_uptime
        OR NEW.min_bandwidth_mbps <> OLD.min_bandwidth_mbps
        OR NEW.terms <> OLD.terms
        OR NEW.kept_slices <> OLD.kept_slices;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-' || NEW.listing, NEW.farmer_id, NEW.id, NEW.offer_changed_at
     WHERE NEW.listing <> OLD.listing;
END;

-- The events of a report have one order. A node that the grid moves to another farm goes off the
-- market, unless its farmer is the verified owner of that one, too. Rentals run on. A document that
-- does not say of which farm a node is moves nothing.
CREATE TRIGGER report_change_emits_events AFTER UPDATE OF oversold, farm_id ON nodes BEGIN
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT CASE WHEN NEW.oversold > 0 THEN 'node-oversold' ELSE 'node-oversold-resolved' END,
           NEW.farmer_id,
           NEW.id, NEW.synced_at
     WHERE (NEW.oversold > 0) <> (OLD.oversold > 0);
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-moved', who.account_id, NEW.id, 'farm' || NEW.farm_id, NEW.synced_at
      FROM (SELECT NEW.farmer_id AS account_id
             UNION ALL SELECT owner_id FROM farms WHERE id = NEW.farm_id) who
     WHERE NEW.farm_id <> OLD.farm_id AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.synced_at
     WHERE id = NEW.id AND listing = 'published' AND NEW.farm_id <> OLD.farm_id
       AND NEW.farm_id <> 0
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id);
END;

-- What was put on the market, has changed or has more free slices is new to saved searches.
CREATE TRIGGER better_offer_is_news
 AFTER UPDATE OF listing, available_slices, offer_version ON nodes
  WHEN NEW.listing = 'published' AND NEW.available_slices > 0
   AND (OLD.listing <> 'published' OR NEW.available_slices > OLD.available_slices
        OR NEW.offer_version <> OLD.offer_version)
BEGIN
    DELETE FROM offer_news WHERE node_id = NEW.id;
    INSERT INTO offer_news (node_id) VALUES (NEW.id);
END;
