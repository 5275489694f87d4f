-- What holds on `passkeys`, and what follows from a change of it.

-- With its last factor an account loses the codes that stand in for one, and none of its sessions
-- counts as one that has shown a factor.
CREATE TRIGGER last_passkey_deletes_recovery_codes AFTER DELETE ON passkeys
WHEN NOT EXISTS (SELECT 1 FROM passkeys WHERE account_id = OLD.account_id)
 AND NOT EXISTS (SELECT 1 FROM totp_secrets
                  WHERE account_id = OLD.account_id AND confirmed_at IS NOT NULL)
BEGIN
    DELETE FROM recovery_codes WHERE account_id = OLD.account_id;
    UPDATE sessions SET is_strong = 0 WHERE account_id = OLD.account_id;
END;
