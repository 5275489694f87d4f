-- Command: sets where an account is paid to, and queues the mail about it, if one is given. When it
-- was changed is noted only if it is another one.
CREATE VIEW set_payout_address AS
    SELECT a.id AS account_id, a.payout_address AS address, m.id AS mail_id, m.kind AS mail_kind,
           m.sealed, a.payout_changed_at AS changed_at
      FROM accounts a
      JOIN mails m ON m.account_id = a.id;

CREATE TRIGGER set_payout_address_does INSTEAD OF INSERT ON set_payout_address BEGIN
    UPDATE accounts
       SET payout_address = NEW.address,
           payout_changed_at =
               iif(payout_address IS NEW.address, payout_changed_at, NEW.changed_at)
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    SELECT NEW.mail_id, NEW.account_id, NEW.mail_kind, NEW.sealed, NEW.changed_at, NEW.changed_at
     WHERE NEW.mail_id IS NOT NULL;
END;
