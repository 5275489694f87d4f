-- Command: requests a payout, and holds its amount. It aborts unless the account is still paid to
-- the `address` that was seen, has at most `open_max` payouts under way then, and keeps what it may
-- still owe its renters: `owed_credits`, and `withheld_percent` of what was not evaluated yet; and
-- what was earned with money by card that is not settled, or with farms that are not proven to be
-- its own. Its wallet is not below zero.
-- `response` is what `store_response` takes.
CREATE VIEW request_payout AS
    SELECT id, account_id, amount_micros, address, '' AS booking, 0 AS open_max,
           0 AS withheld_percent, '' AS response, requested_at
      FROM payouts;

CREATE TRIGGER request_payout_does INSTEAD OF INSERT ON request_payout BEGIN
    INSERT INTO store_response (response, created_at) VALUES (NEW.response, NEW.requested_at);
    INSERT INTO payouts (id, account_id, amount_micros, address, requested_at)
    SELECT NEW.id, id, NEW.amount_micros, payout_address, NEW.requested_at
      FROM accounts
     WHERE id = NEW.account_id AND payout_address = NEW.address AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'refused: payout_address_changed') WHERE changes() = 0;
    SELECT RAISE(ABORT, 'refused: payout_limit_reached')
     WHERE (SELECT count(*) FROM payouts
             WHERE account_id = NEW.account_id
               AND state IN ('requested', 'approved', 'sent')) > NEW.open_max;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.requested_at);
    SELECT RAISE(ABORT, 'refused: earnings_withheld')
     WHERE (SELECT balance_micros FROM ledger_accounts
             WHERE kind = 'earnings' AND owner_id = NEW.account_id)
           < (SELECT coalesce(sum((max(earned_micros - evaluated_micros, 0) * NEW.withheld_percent
                                   + 99) / 100), 0)
                FROM tenures WHERE farmer_id = NEW.account_id AND evaluate_at IS NOT NULL)
           + (SELECT micros FROM owed_credits WHERE farmer_id = NEW.account_id)
           + (SELECT coalesce(sum(micros), 0) FROM unsettled_earnings
               WHERE owner_id = NEW.account_id AND settles_at > NEW.requested_at)
           + (SELECT coalesce(sum(micros), 0) FROM unproven_earnings
               WHERE owner_id = NEW.account_id);
    SELECT RAISE(ABORT, 'refused: wallet_below_zero')
      FROM ledger_accounts
     WHERE kind = 'wallet' AND owner_id = NEW.account_id AND balance_micros < 0;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('payout-requested', NEW.account_id, NEW.id, NEW.requested_at);
END;
