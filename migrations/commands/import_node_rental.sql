-- Command: takes over a rental of a whole node from before there were slices. No money moves. It
-- aborts while anything on the node is rented or held.
CREATE VIEW import_node_rental AS
    SELECT r.id, r.node_id, r.renter_id, p.months, r.price_micros, r.price_until, r.started_at,
           r.ends_at, 0 AS evaluate_at, o.created_at AS imported_at
      FROM rentals r
      JOIN orders o ON o.id = r.order_id
      JOIN rental_periods p ON p.rental_id = r.id;

CREATE TRIGGER import_node_rental_does INSTEAD OF INSERT ON import_node_rental BEGIN
    SELECT RAISE(ABORT, 'refused: node_in_use')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND whole_rental_id IS NULL
                          AND allocated_slices = 0 AND reserved_slices = 0);
    INSERT INTO orders (id, account_id, kind, total_micros, created_at)
    VALUES (NEW.id, NEW.renter_id, 'import', 0, NEW.imported_at);
    INSERT INTO rentals
           (id, order_id, node_id, slices, renter_id, farmer_id, state, price_micros, price_until,
            min_uptime, min_bandwidth_mbps, started_at, ends_at)
    SELECT NEW.id, NEW.id, id, max(1, available_slices), NEW.renter_id, farmer_id, 'active',
           NEW.price_micros, NEW.price_until, min_uptime, min_bandwidth_mbps, NEW.started_at,
           NEW.ends_at
      FROM nodes WHERE id = NEW.node_id;
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    VALUES (NEW.id, 1, NEW.id, NEW.renter_id, NEW.months, NEW.price_micros, 0, 0, NEW.started_at,
            NEW.ends_at);
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    VALUES (NEW.id, NEW.started_at, NEW.evaluate_at);
    UPDATE slices SET state = 'allocated', rental_id = NEW.id
     WHERE node_id = NEW.node_id AND state = 'available';
    UPDATE nodes SET whole_rental_id = NEW.id WHERE id = NEW.node_id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, rental_id, created_at)
    SELECT 'node-rental-imported', renter_id, farmer_id, node_id, id, NEW.imported_at
      FROM rentals WHERE id = NEW.id;
END;
