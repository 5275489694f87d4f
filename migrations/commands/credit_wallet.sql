-- Command: credits a wallet with money from outside. A second credit of the same key fails.
CREATE VIEW credit_wallet AS
    SELECT t.reference AS key, a.owner_id AS account_id, e.amount_micros, t.reason, t.created_at
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'credit'
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet';

CREATE TRIGGER credit_wallet_does INSTEAD OF INSERT ON credit_wallet BEGIN
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', NEW.key, NEW.reason, NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('credit', NEW.key, 'funding', '', -NEW.amount_micros),
           ('credit', NEW.key, 'wallet', NEW.account_id, NEW.amount_micros);
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.created_at);
END;
