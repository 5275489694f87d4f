-- What holds on `audit`, and what follows from a change of it.

CREATE TRIGGER audit_never_updated BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER audit_never_deleted BEFORE DELETE ON audit
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'audit' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: audit_append_only');
END;
