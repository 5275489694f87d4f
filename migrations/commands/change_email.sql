-- Command: sets an email address; fails if another account has it. Codes on their way to the old
-- one are worth nothing any more.
CREATE VIEW change_email AS SELECT id AS account_id, email FROM accounts;

CREATE TRIGGER change_email_does INSTEAD OF INSERT ON change_email BEGIN
    UPDATE accounts SET email = NEW.email WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;
