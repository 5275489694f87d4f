-- Command: sets a password. Every other session of the account ends, and whatever code was on its
-- way; the session with the hash `kept_session` stays, if it is given.
CREATE VIEW change_password AS
    SELECT a.id AS account_id, a.password_hash, s.hash AS kept_session
      FROM accounts a
      JOIN sessions s ON s.account_id = a.id;

CREATE TRIGGER change_password_does INSTEAD OF INSERT ON change_password BEGIN
    UPDATE accounts SET password_hash = NEW.password_hash
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND hash IS NOT NEW.kept_session;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;
