-- Command: a payment has come in, and the wallet is credited; once, and exactly what was meant. It
-- may be taken back until `settles_at`. No key of an operator's credit has a space, so that none is
-- taken for a top-up's. Where the same payment was refused before, because it was told in another
-- currency, that is over.
CREATE VIEW credit_top_up AS
    SELECT id AS top_up_id, payment_id, amount_micros, 0 AS settles_at, paid_at
      FROM top_ups WHERE state = 'paid';

CREATE TRIGGER credit_top_up_does INSTEAD OF INSERT ON credit_top_up BEGIN
    UPDATE top_ups
       SET state = 'paid', payment_id = NEW.payment_id, paid_at = NEW.paid_at
     WHERE id = NEW.top_up_id AND state <> 'paid' AND amount_micros = NEW.amount_micros
       AND EXISTS (SELECT 1 FROM accounts
                    WHERE accounts.id = top_ups.account_id AND deleted_at IS NULL);
    SELECT RAISE(ABORT, 'refused: top_up_changed') WHERE changes() = 0;
    DELETE FROM refused_payments
     WHERE payment_id = NEW.payment_id AND top_up_id = NEW.top_up_id;
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', 'top-up ' || NEW.top_up_id, 'Top-up by card', NEW.paid_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'credit', 'top-up ' || id, 'funding', '', -amount_micros
      FROM top_ups WHERE id = NEW.top_up_id
     UNION ALL
    SELECT 'credit', 'top-up ' || id, 'wallet', account_id, amount_micros
      FROM top_ups WHERE id = NEW.top_up_id;
    UPDATE ledger_accounts SET settles_at = max(settles_at, NEW.settles_at)
     WHERE kind = 'wallet'
       AND owner_id = (SELECT account_id FROM top_ups WHERE id = NEW.top_up_id);
    INSERT INTO events (kind, renter_id, created_at)
    SELECT 'wallet-credited', account_id, NEW.paid_at FROM top_ups WHERE id = NEW.top_up_id;
END;
