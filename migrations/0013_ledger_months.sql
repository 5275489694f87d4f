-- The months of the ledger: where the statements of wallets and earnings begin.

-- The first entry of each month that has one. A month holds the transactions from its first to the
-- one before the next month's first, so that statements join whatever a clock has said: an entry
-- of a clock that lags behind is in the month that had begun already. Months are of UTC, such as
-- `2026-11`.
CREATE TABLE ledger_months (
    ledger_account_id    INTEGER NOT NULL REFERENCES ledger_accounts (id),
    month                TEXT    NOT NULL CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    first_transaction_id INTEGER NOT NULL REFERENCES ledger_transactions (id),
    PRIMARY KEY (ledger_account_id, month)
) STRICT, WITHOUT ROWID;

CREATE INDEX ledger_months_by_transaction ON ledger_months (first_transaction_id);

CREATE TRIGGER ledger_months_stay BEFORE UPDATE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

CREATE TRIGGER ledger_months_are_kept BEFORE DELETE ON ledger_months BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only');
END;

-- The first entry of a month begins it, in the statement that books the entry.
CREATE TRIGGER ledger_months_begin AFTER INSERT ON ledger_entries BEGIN
    INSERT INTO ledger_months (ledger_account_id, month, first_transaction_id)
    SELECT a.id, strftime('%Y-%m', t.created_at, 'unixepoch'), t.id
      FROM ledger_accounts a, ledger_transactions t
     WHERE a.id = NEW.ledger_account_id AND a.kind IN ('wallet', 'earnings')
       AND t.id = NEW.transaction_id
       AND NOT EXISTS (SELECT 1 FROM ledger_months m
                        WHERE m.ledger_account_id = a.id
                          AND m.month >= strftime('%Y-%m', t.created_at, 'unixepoch'));
END;

-- What was booked before there were months.
INSERT INTO ledger_months (ledger_account_id, month, first_transaction_id)
SELECT ledger_account_id, month, min(transaction_id)
  FROM (SELECT e.ledger_account_id, e.transaction_id,
               max(strftime('%Y-%m', t.created_at, 'unixepoch'))
                   OVER (PARTITION BY e.ledger_account_id ORDER BY e.transaction_id) AS month
          FROM ledger_entries e
          JOIN ledger_transactions t ON t.id = e.transaction_id
          JOIN ledger_accounts a ON a.id = e.ledger_account_id
         WHERE a.kind IN ('wallet', 'earnings'))
 GROUP BY ledger_account_id, month;
