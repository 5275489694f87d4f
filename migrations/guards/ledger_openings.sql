-- What holds on `ledger_openings`, and what follows from a change of it.

CREATE TRIGGER ledger_openings_only_move_on BEFORE UPDATE ON ledger_openings
  WHEN NEW.ledger_account_id <> OLD.ledger_account_id OR NEW.transaction_id <= OLD.transaction_id
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- One that opens with nothing says nothing.
CREATE TRIGGER ledger_openings_never_deleted BEFORE DELETE ON ledger_openings
  WHEN OLD.balance_micros <> 0
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;
