-- Command, used by the other commands: posts one entry of a transaction, and moves the balance.
--
-- Only a payment by card that was taken back brings a wallet below zero; what it owes then is paid
-- by whatever comes to it.
CREATE VIEW post_entry AS
    SELECT t.kind AS transaction_kind, t.reference, a.kind, a.owner_id, e.amount_micros
      FROM ledger_entries e
      JOIN ledger_transactions t ON t.id = e.transaction_id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id;

CREATE TRIGGER post_entry_does INSTEAD OF INSERT ON post_entry BEGIN
    INSERT INTO ledger_accounts (kind, owner_id) VALUES (NEW.kind, NEW.owner_id)
        ON CONFLICT (kind, owner_id) DO NOTHING;
    UPDATE ledger_accounts
       SET balance_micros = balance_micros + NEW.amount_micros,
           owed_micros = CASE WHEN kind = 'wallet' AND NEW.transaction_kind = 'card-reversal'
                              THEN max(0, -(balance_micros + NEW.amount_micros))
                              ELSE min(owed_micros,
                                       max(0, -(balance_micros + NEW.amount_micros))) END
     WHERE kind = NEW.kind AND owner_id = NEW.owner_id;
    INSERT INTO ledger_entries
           (ledger_account_id, transaction_id, amount_micros, balance_after_micros)
    SELECT a.id, t.id, NEW.amount_micros, a.balance_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.kind = NEW.kind AND a.owner_id = NEW.owner_id
       AND t.kind = NEW.transaction_kind AND t.reference = NEW.reference;
    SELECT RAISE(ABORT, 'refused: transaction_missing') WHERE changes() = 0;
END;
