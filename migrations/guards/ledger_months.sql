-- What holds on `ledger_months`, and what follows from a change of it.

CREATE TRIGGER ledger_months_never_updated BEFORE UPDATE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

CREATE TRIGGER ledger_months_never_deleted BEFORE DELETE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
