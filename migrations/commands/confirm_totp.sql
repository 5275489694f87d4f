-- Command: the first code proves that the app has the secret, and recovery codes come with it. It
-- aborts unless the secret is the one that the code was checked against, and not confirmed yet.
CREATE VIEW confirm_totp AS
    SELECT t.account_id, t.sealed, t.last_step, t.confirmed_at, c.hash AS hashes
      FROM totp_secrets t JOIN recovery_codes c USING (account_id);

CREATE TRIGGER confirm_totp_does INSTEAD OF INSERT ON confirm_totp BEGIN
    UPDATE totp_secrets SET confirmed_at = NEW.confirmed_at, last_step = NEW.last_step
     WHERE account_id = NEW.account_id AND sealed = NEW.sealed AND confirmed_at IS NULL;
    SELECT RAISE(ABORT, 'refused: totp_secret_changed') WHERE changes() = 0;
    INSERT INTO new_recovery_codes (account_id, hashes) VALUES (NEW.account_id, NEW.hashes);
END;
