-- What follows from a change of `saved_searches`.

CREATE TRIGGER removed_search_forgets_finds BEFORE DELETE ON saved_searches BEGIN
    DELETE FROM saved_search_finds WHERE search_id = OLD.id;
END;
