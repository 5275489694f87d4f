-- What holds on `ledger_months`, and what follows from a change of it.

CREATE TRIGGER ledger_months_never_updated BEFORE UPDATE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_months_never_deleted BEFORE DELETE ON ledger_months
  WHEN NOT EXISTS (SELECT 1 FROM archives
                    WHERE chain = 'ledger' AND until_id >= OLD.first_transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
