-- Command: credits a wallet with money from outside. A second credit of the same reference fails,
-- and it aborts unless the wallet holds `balance_micros` then. `response` is what `store_response`
-- takes, and `audit_entry` what `write_audit_entry` does.
CREATE VIEW credit_wallet AS
    SELECT t.reference, a.owner_id AS account_id, e.amount_micros, a.balance_micros, t.reason,
           '' AS response, '' AS audit_entry, t.created_at
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'credit'
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet';

CREATE TRIGGER credit_wallet_does INSTEAD OF INSERT ON credit_wallet BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.created_at);
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', NEW.reference, NEW.reason, NEW.created_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('credit', NEW.reference, 'funding', '', -NEW.amount_micros),
           ('credit', NEW.reference, 'wallet', NEW.account_id, NEW.amount_micros);
    SELECT RAISE(ABORT, 'refused: balance_changed')
     WHERE (SELECT balance_micros FROM ledger_accounts
             WHERE kind = 'wallet' AND owner_id = NEW.account_id) <> NEW.balance_micros;
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.created_at);
    INSERT INTO write_audit_entry (entry, created_at) VALUES (NEW.audit_entry, NEW.created_at);
END;
