-- What holds on `ledger_seals`, and what follows from a change of it.

CREATE TRIGGER ledger_seals_never_updated BEFORE UPDATE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_seals_never_deleted BEFORE DELETE ON ledger_seals
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
