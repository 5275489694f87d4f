-- What holds on `offer_history`, and what follows from a change of it.

CREATE TRIGGER offer_history_never_updated BEFORE UPDATE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'refused: offer_history_append_only');
END;

CREATE TRIGGER offer_history_never_deleted BEFORE DELETE ON offer_history BEGIN
    SELECT RAISE(ABORT, 'refused: offer_history_append_only');
END;
