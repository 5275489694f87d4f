-- What holds on `audit`, and what follows from a change of it.

CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;
