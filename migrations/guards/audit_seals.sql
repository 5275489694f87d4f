-- What holds on `audit_seals`, and what follows from a change of it.

CREATE TRIGGER audit_seals_never_updated BEFORE UPDATE ON audit_seals BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER audit_seals_never_deleted BEFORE DELETE ON audit_seals
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'audit' AND until_id >= OLD.audit_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;
