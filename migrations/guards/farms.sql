-- What follows from a change of `farms`.

-- What was earned with a farm before it was verified can be paid out from then on.
CREATE TRIGGER verified_farm_releases_earnings AFTER INSERT ON farms BEGIN
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    VALUES (NEW.owner_id, NEW.id, NEW.verified_at);
END;

CREATE TRIGGER farm_verified_anew_releases_earnings AFTER UPDATE OF owner_id ON farms
  WHEN NEW.owner_id <> OLD.owner_id
BEGIN
    INSERT INTO release_earnings (owner_id, farm_id, released_at)
    VALUES (NEW.owner_id, NEW.id, NEW.verified_at);
END;
