-- Commands on accounts: what changes who somebody is changes everything that depends on it at once.

-- Command: sets a password. Every other session of the account ends, and whatever code was on its
-- way; the session with the hash `kept_session` stays, if it is given.
CREATE VIEW change_password AS
    SELECT a.id AS account_id, a.password_hash, s.hash AS kept_session
      FROM accounts a
      JOIN sessions s ON s.account_id = a.id;

CREATE TRIGGER change_password_does INSTEAD OF INSERT ON change_password BEGIN
    UPDATE accounts SET password_hash = NEW.password_hash
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale account') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND hash IS NOT NEW.kept_session;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;

-- Command: sets an e-mail address; fails if another account has it. Codes on their way to the old
-- one are worth nothing any more.
CREATE VIEW change_email AS SELECT id AS account_id, email FROM accounts;

CREATE TRIGGER change_email_does INSTEAD OF INSERT ON change_email BEGIN
    UPDATE accounts SET email = NEW.email WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale account') WHERE changes() = 0;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
END;

-- Command: shuts an account out, or lets it in again where `disabled_at` is NULL. Its sessions end;
-- its tokens stay, and are refused meanwhile.
CREATE VIEW disable_account AS SELECT id AS account_id, disabled_at FROM accounts;

CREATE TRIGGER disable_account_does INSTEAD OF INSERT ON disable_account BEGIN
    UPDATE accounts SET disabled_at = NEW.disabled_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale account') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
    DELETE FROM challenges WHERE account_id = NEW.account_id AND NEW.disabled_at IS NOT NULL;
END;

-- Command: deletes the person and keeps the money and the history, under an id that says nothing.
-- It aborts while the account rents, or has a node on the market or rented.
CREATE VIEW delete_account AS SELECT id AS account_id, deleted_at FROM accounts;

CREATE TRIGGER delete_account_does INSTEAD OF INSERT ON delete_account BEGIN
    SELECT RAISE(ABORT, 'stale account: it is in use')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE renter_id = NEW.account_id AND state = 'active')
        OR EXISTS (SELECT 1 FROM nodes
                    WHERE farmer_id = NEW.account_id
                      AND (listing = 'published' OR allocated_slices > 0));
    UPDATE accounts
       SET email = id || '@deleted.invalid', password_hash = '', payout_address = NULL,
           is_operator = 0, deleted_at = NEW.deleted_at
     WHERE id = NEW.account_id AND deleted_at IS NULL;
    SELECT RAISE(ABORT, 'stale account') WHERE changes() = 0;
    DELETE FROM sessions WHERE account_id = NEW.account_id;
    DELETE FROM tokens WHERE account_id = NEW.account_id;
    DELETE FROM challenges WHERE account_id = NEW.account_id;
    DELETE FROM mails WHERE account_id = NEW.account_id;
    DELETE FROM passkeys WHERE account_id = NEW.account_id;
    DELETE FROM totp_secrets WHERE account_id = NEW.account_id;
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
END;

-- Which token rented, where one did.
ALTER TABLE rentals ADD COLUMN token_id TEXT;

-- A token spends no more than its ceiling: `within_ceiling` refuses the rental otherwise.
CREATE TRIGGER rentals_count_for_tokens AFTER INSERT ON rentals WHEN NEW.token_id IS NOT NULL BEGIN
    UPDATE tokens SET spent_micros = spent_micros + NEW.total_micros WHERE id = NEW.token_id;
    SELECT RAISE(ABORT, 'stale token') WHERE changes() = 0;
END;

-- `rent_slice` as before, and it says which token asked.
DROP TRIGGER rent_slice_does;

DROP VIEW rent_slice;

CREATE VIEW rent_slice AS
    SELECT id, node_id, slice_number, renter_id, term_months, offer_version, price_micros,
           total_micros, fee_micros, idempotency_key, request_hash, started_at, ends_at, token_id
      FROM rentals;

CREATE TRIGGER rent_slice_does INSTEAD OF INSERT ON rent_slice BEGIN
    SELECT RAISE(ABORT, 'stale offer')
     WHERE NOT EXISTS (SELECT 1 FROM nodes
                        WHERE id = NEW.node_id AND listing = 'published'
                          AND offer_version = NEW.offer_version
                          AND price_micros = NEW.price_micros);
    INSERT INTO rentals
           (id, node_id, slice_number, renter_id, farmer_id, state, term_months, offer_version,
            price_micros, min_uptime, min_bandwidth_mbps, total_micros, fee_micros,
            idempotency_key, request_hash, started_at, ends_at, token_id)
    SELECT NEW.id, n.id, s.number, NEW.renter_id, n.farmer_id, 'active', NEW.term_months,
           n.offer_version, n.price_micros, n.min_uptime, n.min_bandwidth_mbps, NEW.total_micros,
           NEW.fee_micros, NEW.idempotency_key, NEW.request_hash, NEW.started_at, NEW.ends_at,
           NEW.token_id
      FROM nodes n
      JOIN slices s ON s.node_id = n.id AND s.state = 'available'
     WHERE n.id = NEW.node_id AND s.number = coalesce(NEW.slice_number, s.number)
     ORDER BY s.number
     LIMIT 1;
    SELECT RAISE(ABORT, 'stale slice') WHERE changes() = 0;
    UPDATE slices SET state = 'allocated'
     WHERE (node_id, number) = (SELECT node_id, slice_number FROM rentals WHERE id = NEW.id);
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    SELECT 'rental', NEW.id, 'Rental of node' || node_id || '_slice_' || slice_number,
           NEW.started_at
      FROM rentals WHERE id = NEW.id;
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    VALUES ('rental', NEW.id, 'wallet', NEW.renter_id, -NEW.total_micros),
           ('rental', NEW.id, 'escrow', NEW.id, NEW.total_micros);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'slice-rented', renter_id, farmer_id, node_id, slice_number, id, NEW.started_at
      FROM rentals WHERE id = NEW.id;
END;
