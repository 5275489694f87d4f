-- What holds on `audit_seals`, and what follows from a change of it.

CREATE TRIGGER audit_seals_never_updated BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

CREATE TRIGGER audit_seals_never_deleted BEFORE DELETE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;
