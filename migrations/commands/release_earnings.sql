-- Command, used by other commands and guards: what an account has earned with a farm is held as
-- unproven no longer. What of it comes from payments by card that may be taken back waits for
-- these.
CREATE VIEW release_earnings AS
    SELECT owner_id, farm_id, 0 AS released_at FROM unproven_earnings;

CREATE TRIGGER release_earnings_does INSTEAD OF INSERT ON release_earnings BEGIN
    INSERT INTO unsettled_earnings (owner_id, settles_at, micros)
    SELECT owner_id, settles_at, micros
      FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND settles_at > NEW.released_at
        ON CONFLICT (owner_id, settles_at) DO UPDATE SET micros = micros + excluded.micros;
    DELETE FROM unproven_earnings WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id;
END;
