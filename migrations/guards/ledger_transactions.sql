-- What holds on `ledger_transactions`, and what follows from a change of it.

CREATE TRIGGER ledger_transactions_never_updated BEFORE UPDATE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_transactions_never_deleted BEFORE DELETE ON ledger_transactions
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
