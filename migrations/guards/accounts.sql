-- What holds on `accounts`, and what follows from a change of it.

-- A deleted account owns no farm. Its nodes are off the market already.
CREATE TRIGGER deleted_account_owns_no_farm AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM farms WHERE owner_id = NEW.id;
    DELETE FROM lost_farms WHERE owner_id = NEW.id;
END;

-- Who waits for a payout cannot be deleted: what fails would return to nobody.
CREATE TRIGGER account_with_open_payout_never_deleted BEFORE UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'refused: account_has_open_payout')
     WHERE EXISTS (SELECT 1 FROM payouts
                    WHERE account_id = NEW.id AND state IN ('requested', 'approved', 'sent'));
END;

-- The name of a person goes with the person. The payout keeps where it went: that is
-- the record of money that has left.
CREATE TRIGGER deleted_account_has_no_name AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    UPDATE accounts SET display_name = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER deleted_account_gets_no_notifications AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM webhooks WHERE account_id = NEW.id;
    DELETE FROM notification_settings WHERE account_id = NEW.id;
END;

CREATE TRIGGER deleted_account_has_no_ssh_keys AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM ssh_keys WHERE account_id = NEW.id;
    DELETE FROM agents WHERE account_id = NEW.id;
END;
