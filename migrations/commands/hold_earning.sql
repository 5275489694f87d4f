-- Command, used by the guard of the ledger: something was earned with a rental, or without one,
-- where `farm_id` is NULL. It is noted as long as it is not to be paid out: as unproven while its
-- farm is not verified by who has earned it and was not used for a month, and as unsettled while
-- the payments by card that it comes from may be taken back. `is_used` says that a renter has used
-- a machine that day and kept it.
CREATE VIEW hold_earning AS
    SELECT owner_id, farm_id, micros, settles_at, 0 AS is_used, 0 AS earned_at
      FROM unproven_earnings;

CREATE TRIGGER hold_earning_does INSTEAD OF INSERT ON hold_earning BEGIN
    DELETE FROM unsettled_earnings
     WHERE owner_id = NEW.owner_id AND settles_at <= NEW.earned_at;
    -- By whatever clock: one that was wrong for a while counts a day more, and stops nothing.
    INSERT INTO farm_uses (owner_id, farm_id, days, counted_on)
    SELECT NEW.owner_id, NEW.farm_id, 1, strftime('%Y-%m-%d', NEW.earned_at, 'unixepoch')
     WHERE NEW.is_used AND NEW.farm_id IS NOT NULL
        ON CONFLICT (owner_id, farm_id) DO UPDATE
       SET days = days + 1, counted_on = excluded.counted_on
     WHERE counted_on <> excluded.counted_on AND days < 30;
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    SELECT owner_id, farm_id, NEW.earned_at
      FROM farm_uses WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30;
    -- What has settled is one row.
    INSERT INTO unproven_earnings (owner_id, farm_id, settles_at, micros)
    SELECT owner_id, farm_id, 0, sum(micros)
      FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id
       AND settles_at BETWEEN 1 AND NEW.earned_at
     GROUP BY owner_id, farm_id
        ON CONFLICT (owner_id, farm_id, settles_at) DO UPDATE
       SET micros = micros + excluded.micros;
    DELETE FROM unproven_earnings
     WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id
       AND settles_at BETWEEN 1 AND NEW.earned_at;
    INSERT INTO unproven_earnings (owner_id, farm_id, settles_at, micros)
    SELECT NEW.owner_id, NEW.farm_id,
           iif(NEW.settles_at > NEW.earned_at, NEW.settles_at, 0), NEW.micros
     WHERE NEW.farm_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.owner_id)
       AND NOT EXISTS (SELECT 1 FROM farm_uses
                        WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30)
        ON CONFLICT (owner_id, farm_id, settles_at) DO UPDATE
       SET micros = micros + excluded.micros;
    INSERT INTO unsettled_earnings (owner_id, settles_at, micros)
    SELECT NEW.owner_id, NEW.settles_at, NEW.micros
     WHERE NEW.settles_at > NEW.earned_at
       AND (NEW.farm_id IS NULL
            OR EXISTS (SELECT 1 FROM farms
                        WHERE id = NEW.farm_id AND owner_id = NEW.owner_id)
            OR EXISTS (SELECT 1 FROM farm_uses
                        WHERE owner_id = NEW.owner_id AND farm_id = NEW.farm_id AND days = 30))
        ON CONFLICT (owner_id, settles_at) DO UPDATE SET micros = micros + excluded.micros;
END;
