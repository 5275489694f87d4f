-- Command: keeps what an account chooses: `choices` is a JSON array of what differs from the
-- defaults, objects with `kind`, `way` and `is_on`.
CREATE VIEW choose_notices AS
    SELECT account_id, '[]' AS choices FROM notice_choices;

CREATE TRIGGER choose_notices_does INSTEAD OF INSERT ON choose_notices BEGIN
    DELETE FROM notice_choices WHERE account_id = NEW.account_id;
    INSERT INTO notice_choices (account_id, kind, way, is_on)
    SELECT NEW.account_id, value ->> 'kind', value ->> 'way', value ->> 'is_on'
      FROM json_each(NEW.choices);
END;
