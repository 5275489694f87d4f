-- What holds on `payouts`, and what follows from a change of it.

CREATE TRIGGER payouts_never_deleted BEFORE DELETE ON payouts BEGIN
    SELECT RAISE(ABORT, 'refused: payouts_never_deleted');
END;
