-- What holds on `accounts`, and what follows from a change of it.

-- With an account its proofs go. Its nodes are off the market already.
CREATE TRIGGER deleted_accounts_own_no_farm AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM farms WHERE owner_id = NEW.id;
END;

-- Who waits for a payout cannot be deleted: what fails would return to nobody.
CREATE TRIGGER accounts_wait_for_payouts BEFORE UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    SELECT RAISE(ABORT, 'refused: account_has_open_payout')
     WHERE EXISTS (SELECT 1 FROM payouts
                    WHERE account_id = NEW.id AND state IN ('requested', 'approved', 'sent'));
END;

-- The name of a person goes with the person. Where a payout went stays with the payout: it is what
-- the books say of money that has left.
CREATE TRIGGER deleted_accounts_have_no_name AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL AND OLD.deleted_at IS NULL
BEGIN
    UPDATE accounts SET display_name = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER notices_go_with_their_account AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM webhooks WHERE account_id = NEW.id;
    DELETE FROM notice_choices WHERE account_id = NEW.id;
END;

CREATE TRIGGER ssh_keys_go_with_their_account AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM ssh_keys WHERE account_id = NEW.id;
    DELETE FROM agents WHERE account_id = NEW.id;
END;
