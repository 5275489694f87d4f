-- Command: rents one slice, several, or whole nodes; all or none. `items` is a JSON array with an
-- object for each rental: `rental` (its id), `node`, `slice` (its number; NULL for the whole node),
-- `whole` (the number of its slices where the whole node is rented), `version` and `price` of the
-- offer, and what was agreed: `months`, `total`, `fee`, `ends_at`, `price_until`, `earns_at`,
-- `min_uptime`, `min_bandwidth`. The machine starts with `ssh_key`, the text of a
-- key, or NULL for the account's first one; `template` and `template_version`, or `user_data`,
-- which is encrypted, in hexadecimal; `ports` is an array with a pair of transport and number for
-- each port that is to be reachable. `late_at`, `refund_at` and `seen_after` are what
-- `create_machines` takes, `evaluate_at` what `begin_tenure` does, and `response` what
-- `store_response` does.
--
-- Everything changes hands, is paid into escrow and is recorded, or nothing happens. It aborts
-- unless the quote, if there is one, is unused and in time and holds what it says; the other offers
-- are at the version and price that were agreed to; the slices are free; the wallet holds the
-- total; and the account holds at most `slices_max` slices then.
CREATE VIEW rent AS
    SELECT id, account_id, total_micros, token_id, quote_id, '[]' AS items, 0 AS slices_max,
           0 AS evaluate_at, 0 AS late_at, 0 AS refund_at, 0 AS seen_after, '' AS response,
           created_at
      FROM orders;

CREATE TRIGGER rent_does INSTEAD OF INSERT ON rent BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.created_at FROM quotes WHERE held_until <= NEW.created_at;
    -- What a quote holds has its price, whatever the offer is by now.
    SELECT RAISE(ABORT, 'refused: offer_changed')
      FROM json_each(NEW.items) i
      LEFT JOIN nodes n ON n.id = i.value ->> 'node'
     WHERE n.id IS NULL OR n.whole_rental_id IS NOT NULL
        OR n.capacity < n.available_slices + n.allocated_slices + n.reserved_slices
        OR NOT (EXISTS (SELECT 1 FROM quotes WHERE id = NEW.quote_id AND held_until IS NOT NULL)
                OR (n.listing = 'published' AND n.offer_version = i.value ->> 'version'
                    AND n.price_micros = i.value ->> 'price'));
    UPDATE quotes SET used_at = NEW.created_at, held_until = NULL
     WHERE id = NEW.quote_id AND account_id = NEW.account_id AND used_at IS NULL
       AND expires_at > NEW.created_at;
    SELECT RAISE(ABORT, 'refused: quote_unusable') WHERE NEW.quote_id IS NOT NULL AND changes() = 0;
    -- Free for this order alone.
    UPDATE slices SET state = 'available', quote_id = NULL WHERE quote_id = NEW.quote_id;
    INSERT INTO orders
           (id, account_id, kind, total_micros, token_id, quote_id, created_at)
    VALUES (NEW.id, NEW.account_id, 'rental', NEW.total_micros, NEW.token_id, NEW.quote_id,
            NEW.created_at);
    INSERT INTO rentals
           (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state, price_micros,
            price_until, min_uptime, min_bandwidth_mbps, started_at, ends_at, earns_at)
    SELECT i.value ->> 'rental', NEW.id, n.id, i.value ->> 'slice',
           coalesce(i.value ->> 'whole', 1), NEW.account_id, n.farmer_id, 'active',
           i.value ->> 'price', i.value ->> 'price_until', i.value ->> 'min_uptime',
           i.value ->> 'min_bandwidth', NEW.created_at, i.value ->> 'ends_at',
           i.value ->> 'earns_at'
      FROM json_each(NEW.items) i
      JOIN nodes n ON n.id = i.value ->> 'node'
     WHERE CASE WHEN i.value ->> 'whole' IS NULL
                THEN EXISTS (SELECT 1 FROM slices
                              WHERE node_id = n.id AND number = i.value ->> 'slice'
                                AND state = 'available')
                ELSE n.available_slices = i.value ->> 'whole'
                     AND n.allocated_slices = 0 AND n.reserved_slices = 0 END;
    SELECT RAISE(ABORT, 'refused: slice_taken') WHERE changes() <> json_array_length(NEW.items);
    INSERT INTO rental_periods
           (rental_id, number, order_id, payer_id, months, price_micros, total_micros, fee_micros,
            starts_at, ends_at)
    SELECT value ->> 'rental', 1, NEW.id, NEW.account_id, value ->> 'months', value ->> 'price',
           value ->> 'total', value ->> 'fee', NEW.created_at, value ->> 'ends_at'
      FROM json_each(NEW.items);
    INSERT INTO setups (rental_id, ssh_key, template, template_version, sealed)
    SELECT i.value ->> 'rental',
           coalesce(i.value ->> 'ssh_key',
                    (SELECT key FROM ssh_keys WHERE account_id = NEW.account_id
                      ORDER BY id LIMIT 1)),
           i.value ->> 'template', i.value ->> 'template_version',
           unhex(i.value ->> 'user_data')
      FROM json_each(NEW.items) i;
    INSERT INTO rental_ports (rental_id, transport, number)
    SELECT i.value ->> 'rental', p.value ->> 0, p.value ->> 1
      FROM json_each(NEW.items) i JOIN json_each(i.value, '$.ports') p;
    UPDATE slices
       SET state = 'allocated',
           rental_id = (SELECT id FROM rentals
                         WHERE order_id = NEW.id AND node_id = slices.node_id
                           AND coalesce(slice_number, slices.number) = slices.number)
     WHERE state = 'available'
       AND node_id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id)
       AND EXISTS (SELECT 1 FROM rentals
                    WHERE order_id = NEW.id AND node_id = slices.node_id
                      AND coalesce(slice_number, slices.number) = slices.number);
    UPDATE nodes
       SET whole_rental_id = (SELECT id FROM rentals
                               WHERE order_id = NEW.id AND node_id = nodes.id)
     WHERE id IN (SELECT node_id FROM rentals WHERE order_id = NEW.id AND slice_number IS NULL);
    INSERT INTO create_machines (rental_id, created_at, late_at, refund_at, seen_after)
    SELECT id, NEW.created_at, NEW.late_at, NEW.refund_at, NEW.seen_after
      FROM rentals WHERE order_id = NEW.id;
    INSERT INTO begin_tenure (rental_id, begun_at, evaluate_at)
    SELECT id, NEW.created_at, NEW.evaluate_at FROM rentals WHERE order_id = NEW.id;
    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    SELECT 'rental', id, id,
           'Rental of node' || node_id || coalesce('_slice_' || slice_number, ', the whole node'),
           NEW.created_at
      FROM rentals WHERE order_id = NEW.id ORDER BY id;
    -- In the order of the transactions, so that balances run on.
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'wallet', payer_id, -total_micros
      FROM rental_periods WHERE order_id = NEW.id ORDER BY rental_id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'rental', rental_id, 'escrow', rental_id, total_micros
      FROM rental_periods WHERE order_id = NEW.id;
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT CASE WHEN slice_number IS NULL THEN 'node-rented' ELSE 'slice-rented' END, renter_id,
           farmer_id, node_id, slice_number, id, NEW.created_at
      FROM rentals WHERE order_id = NEW.id;
    -- A hold keeps its word: whoever rents with one after the notice is notified at once.
    INSERT INTO events (kind, renter_id, node_id, slice_number, rental_id, created_at)
    SELECT 'node-leaving', r.renter_id, r.node_id, r.slice_number, r.id, NEW.created_at
      FROM rentals r JOIN nodes n ON n.id = r.node_id
     WHERE r.order_id = NEW.id AND n.leaves_at IS NOT NULL;
    SELECT RAISE(ABORT, 'refused: order_total_wrong')
     WHERE NEW.total_micros <> (SELECT sum(total_micros) FROM rental_periods
                                 WHERE order_id = NEW.id);
    SELECT RAISE(ABORT, 'refused: slice_limit_reached')
     WHERE (SELECT sum(slices) FROM rentals
             WHERE renter_id = NEW.account_id AND state <> 'ended') > NEW.slices_max;
END;
