-- Who follows events asks for their own, from a number on.

CREATE INDEX events_by_renter ON events (renter_id, id) WHERE renter_id IS NOT NULL;

CREATE INDEX events_by_farmer ON events (farmer_id, id) WHERE farmer_id IS NOT NULL;
