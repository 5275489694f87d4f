-- What holds on `payouts`, and what follows from a change of it.

CREATE TRIGGER payouts_are_kept BEFORE DELETE ON payouts BEGIN
    SELECT RAISE(ABORT, 'payouts are finished, not deleted');
END;
