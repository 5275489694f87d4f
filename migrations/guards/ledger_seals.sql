-- What holds on `ledger_seals`, and what follows from a change of it.

CREATE TRIGGER ledger_seals_stay BEFORE UPDATE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

CREATE TRIGGER ledger_seals_are_kept BEFORE DELETE ON ledger_seals BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
