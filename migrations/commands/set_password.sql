-- Command: sets a password. Every other session of the account ends, whatever code was on its way,
-- and every API token but those of the JSON array `kept_tokens`; the session with the hash
-- `kept_session` stays, if it is given.
CREATE VIEW set_password AS
    SELECT a.id AS account_id, a.password_hash, s.hash AS kept_session, '[]' AS kept_tokens
      FROM accounts a
      JOIN sessions s ON s.account_id = a.id;

CREATE TRIGGER set_password_does INSTEAD OF INSERT ON set_password BEGIN
    UPDATE accounts SET password_hash = NEW.password_hash
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND hash IS NOT NEW.kept_session;
    DELETE FROM tokens
     WHERE account_id = NEW.account_id
       AND id NOT IN (SELECT value FROM json_each(NEW.kept_tokens));
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;
