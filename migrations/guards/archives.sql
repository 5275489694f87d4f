-- What holds on `archives`, and what follows from a change of it.

CREATE TRIGGER archives_never_updated BEFORE UPDATE ON archives BEGIN
    SELECT RAISE(ABORT, 'refused: archives_append_only');
END;

CREATE TRIGGER archives_never_deleted BEFORE DELETE ON archives BEGIN
    SELECT RAISE(ABORT, 'refused: archives_append_only');
END;
