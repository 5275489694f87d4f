-- Command: deletes the person and keeps the money and the history, under an id that says nothing.
-- It aborts while the account rents, or has a node on the market, held or rented.
CREATE VIEW delete_account AS SELECT id AS account_id, deleted_at FROM accounts;

CREATE TRIGGER delete_account_does INSTEAD OF INSERT ON delete_account BEGIN
    SELECT RAISE(ABORT, 'refused: account_in_use')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE renter_id = NEW.account_id AND state <> 'ended')
        OR EXISTS (SELECT 1 FROM nodes
                    WHERE farmer_id = NEW.account_id
                      AND (listing = 'published' OR allocated_slices > 0
                           OR reserved_slices > 0 OR whole_rental_id IS NOT NULL));
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, NEW.deleted_at FROM quotes
     WHERE account_id = NEW.account_id AND held_until IS NOT NULL;
    DELETE FROM waitlist WHERE account_id = NEW.account_id;
    DELETE FROM transfers
     WHERE email = (SELECT email FROM accounts WHERE id = NEW.account_id);
    UPDATE accounts
       SET email = id || '@deleted.invalid', password_hash = '', payout_address = NULL,
           is_operator = 0, deleted_at = NEW.deleted_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: account_gone') WHERE changes() = 0;
    UPDATE responses SET body = NULL WHERE owner_id = NEW.account_id AND body IS NOT NULL;
    DELETE FROM sessions WHERE account_id = NEW.account_id;
    DELETE FROM tokens WHERE account_id = NEW.account_id;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
    DELETE FROM mails WHERE account_id = NEW.account_id;
    DELETE FROM passkeys WHERE account_id = NEW.account_id;
    DELETE FROM totp_secrets WHERE account_id = NEW.account_id;
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
    DELETE FROM saved_searches WHERE account_id = NEW.account_id;
END;
