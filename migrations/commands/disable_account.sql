-- Command: shuts an account out, or lets it in again where `disabled_at` is NULL. Its sessions end;
-- its tokens stay, and are refused meanwhile.
CREATE VIEW disable_account AS SELECT id AS account_id, disabled_at FROM accounts;

CREATE TRIGGER disable_account_does INSTEAD OF INSERT ON disable_account BEGIN
    UPDATE accounts SET disabled_at = NEW.disabled_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
    DELETE FROM challenges WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
END;
