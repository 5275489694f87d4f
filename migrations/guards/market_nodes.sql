-- What holds on `market_nodes`, and what follows from a change of it.

CREATE TRIGGER price_suggestion_emits_event AFTER UPDATE OF suggested_at ON market_nodes
  WHEN NEW.suggested_at IS NOT OLD.suggested_at
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'price-suggested', farmer_id, id,
           printf('node%d: $%d.%02d', id, NEW.suggested_micros / 1000000,
                  NEW.suggested_micros / 10000 % 100),
           NEW.suggested_at
      FROM nodes WHERE id = NEW.node_id;
END;
