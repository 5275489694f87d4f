-- What holds on `ledger_transactions`, and what follows from a change of it.

CREATE TRIGGER ledger_transactions_never_updated BEFORE UPDATE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

CREATE TRIGGER ledger_transactions_never_deleted BEFORE DELETE ON ledger_transactions BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
