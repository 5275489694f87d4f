-- What holds on `market_clock`, and what follows from a change of it.

CREATE TRIGGER new_hour_samples_market AFTER UPDATE OF sampled_hour ON market_clock
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
