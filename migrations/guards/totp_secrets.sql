-- What holds on `totp_secrets`, and what follows from a change of it.

CREATE TRIGGER last_app_deletes_recovery_codes AFTER DELETE ON totp_secrets
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;
