-- Command: a payout goes on: approved, sent, done, failed or canceled. It aborts unless it is at
-- the `version` that the decision saw, and if it is approved or sent while the account's wallet is
-- below zero. `booking` is NULL where no money moves.
CREATE VIEW change_payout AS
    SELECT id, version, state, reference, note, '' AS booking, '' AS event,
           requested_at AS changed_at
      FROM payouts;

CREATE TRIGGER change_payout_does INSTEAD OF INSERT ON change_payout BEGIN
    UPDATE payouts
       SET version = version + 1, state = NEW.state,
           reference = coalesce(NEW.reference, reference), note = NEW.note,
           approved_at = CASE NEW.state WHEN 'approved' THEN NEW.changed_at ELSE approved_at END,
           sent_at = CASE NEW.state WHEN 'sent' THEN NEW.changed_at ELSE sent_at END,
           finished_at = CASE WHEN NEW.state IN ('done', 'failed', 'canceled')
                              THEN NEW.changed_at END
     WHERE id = NEW.id AND version = NEW.version;
    SELECT RAISE(ABORT, 'refused: payout_changed') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'refused: wallet_below_zero')
      FROM payouts p
      JOIN ledger_accounts a ON a.kind = 'wallet' AND a.owner_id = p.account_id
     WHERE p.id = NEW.id AND NEW.state IN ('approved', 'sent') AND a.balance_micros < 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT NULL, NEW.booking, NEW.changed_at WHERE NEW.booking IS NOT NULL;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, account_id, id, NEW.changed_at FROM payouts WHERE id = NEW.id;
END;
