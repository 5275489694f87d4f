-- Further orders of the market.

CREATE INDEX nodes_by_newest ON nodes (created_at DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

CREATE INDEX nodes_by_free ON nodes (available_slices DESC, price_micros, id)
 WHERE listing = 'published' AND available_slices > 0;

-- Every look at the market counts what matches in each place: all that a filter compares is in the
-- index, so that no row is read for it.
CREATE INDEX nodes_by_place ON nodes (
    country, city, price_micros, id, min_uptime, min_bandwidth_mbps, certified, available_slices,
    proven_uptime, terms, listing, farmer_id, farm_id)
 WHERE listing = 'published' AND available_slices > 0;
