-- What holds on `ledger_entries`, and what follows from a change of it.

CREATE TRIGGER ledger_entries_never_updated BEFORE UPDATE ON ledger_entries BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is in an archive may go.
CREATE TRIGGER ledger_entries_never_deleted BEFORE DELETE ON ledger_entries
  WHEN NOT EXISTS (SELECT 1 FROM archives WHERE chain = 'ledger' AND until_id >= OLD.transaction_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: ledger_append_only');
END;

-- What is left of an account's entries runs on from the last one that was removed.
CREATE TRIGGER removed_entry_becomes_opening AFTER DELETE ON ledger_entries BEGIN
    INSERT INTO ledger_openings (ledger_account_id, transaction_id, balance_micros)
    VALUES (OLD.ledger_account_id, OLD.transaction_id, OLD.balance_after_micros)
        ON CONFLICT (ledger_account_id) DO UPDATE
       SET transaction_id = excluded.transaction_id, balance_micros = excluded.balance_micros
     WHERE excluded.transaction_id > ledger_openings.transaction_id;
END;

-- The first entry of a month begins it, in the statement that books the entry.
CREATE TRIGGER entry_begins_ledger_month AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO ledger_months (ledger_account_id, month, first_transaction_id)
    SELECT a.id, strftime('%Y-%m', t.created_at, 'unixepoch'), t.id
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.id = NEW.ledger_account_id AND a.kind IN ('wallet', 'earnings')
       AND t.id = NEW.transaction_id
       AND NOT EXISTS (SELECT 1 FROM ledger_months m
                        WHERE m.ledger_account_id = a.id
                          AND m.month >= strftime('%Y-%m', t.created_at, 'unixepoch'));
END;

-- What comes to somebody's earnings because of a rental was earned; what leaves them because of one
-- was credited. Payouts are about no rental, and count for neither.
CREATE TRIGGER entry_counts_for_farm_month AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO farm_months (farmer_id, month, node_id, earned_micros, credited_micros)
    SELECT a.owner_id, strftime('%Y-%m', t.created_at, 'unixepoch'), r.node_id,
           max(NEW.amount_micros, 0), max(-NEW.amount_micros, 0)
      FROM ledger_accounts a, ledger_transactions t, rentals r
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings'
       AND t.id = NEW.transaction_id AND r.id = t.rental_id
        ON CONFLICT (farmer_id, month, node_id) DO UPDATE
       SET earned_micros = earned_micros + excluded.earned_micros,
           credited_micros = credited_micros + excluded.credited_micros;
    INSERT INTO farm_days (farmer_id, day, earned_micros)
    SELECT a.owner_id, strftime('%Y-%m-%d', t.created_at, 'unixepoch'), NEW.amount_micros
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings'
       AND t.id = NEW.transaction_id AND t.rental_id IS NOT NULL AND NEW.amount_micros > 0
        ON CONFLICT (farmer_id, day) DO UPDATE
       SET earned_micros = earned_micros + excluded.earned_micros;
END;

-- A rental's last tenure earns: earnings of a move are booked before the next tenure begins.
CREATE TRIGGER entry_counts_for_tenure AFTER INSERT ON ledger_entries
  WHEN NEW.amount_micros > 0
BEGIN
    UPDATE tenures SET earned_micros = earned_micros + NEW.amount_micros
     WHERE (rental_id, number) IN (
           SELECT s.rental_id, s.number
             FROM ledger_transactions t
             JOIN ledger_accounts a ON a.id = NEW.ledger_account_id
                                   AND a.kind IN ('earnings', 'platform')
             JOIN tenures s ON s.rental_id = t.rental_id
            WHERE t.id = NEW.transaction_id AND t.kind = 'earning'
            ORDER BY s.number DESC LIMIT 1);
END;

-- What comes to a wallet or an escrow may be taken back as long as what it comes from, which is
-- posted first. What is earned is noted while it is not to be paid out. A renter who has ended has
-- not kept the machine: the days that count are those after which the rental goes on.
CREATE TRIGGER entry_settles_with_its_source AFTER INSERT ON ledger_entries
  WHEN NEW.amount_micros > 0
BEGIN
    UPDATE ledger_accounts
       SET settles_at = max(settles_at, (
               SELECT coalesce(max(s.settles_at), 0)
                 FROM ledger_entries e JOIN ledger_accounts s ON s.id = e.ledger_account_id
                WHERE e.transaction_id = NEW.transaction_id AND e.amount_micros < 0))
     WHERE id = NEW.ledger_account_id AND kind IN ('wallet', 'escrow');
    INSERT INTO hold_earning (owner_id, farm_id, micros, settles_at, is_used, earned_at)
    SELECT a.owner_id, n.farm_id, NEW.amount_micros,
           (SELECT coalesce(max(s.settles_at), 0)
              FROM ledger_entries e JOIN ledger_accounts s ON s.id = e.ledger_account_id
             WHERE e.transaction_id = NEW.transaction_id AND e.amount_micros < 0),
           t.kind = 'earning' AND r.state <> 'ended', t.created_at
      FROM ledger_accounts a
      JOIN ledger_transactions t ON t.id = NEW.transaction_id
      LEFT JOIN rentals r ON r.id = t.rental_id
      LEFT JOIN nodes n ON n.id = r.node_id
     WHERE a.id = NEW.ledger_account_id AND a.kind = 'earnings';
END;
