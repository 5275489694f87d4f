-- What follows from a change of `quotes`.

-- A turn of the waitlist is over with the hold: used, given back or lapsed.
CREATE TRIGGER hold_over_ends_turn AFTER UPDATE OF held_until ON quotes
  WHEN OLD.held_until IS NOT NULL AND NEW.held_until IS NULL
BEGIN
    DELETE FROM waitlist WHERE quote_id = NEW.id;
END;
