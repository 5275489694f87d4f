-- Money that renters pay in by card: what was meant, what came of it, and what was refused.

CREATE TABLE top_ups (
    id              TEXT    PRIMARY KEY,
    account_id      TEXT    NOT NULL REFERENCES accounts (id),
    -- Whole cents of US dollars.
    amount_micros   INTEGER NOT NULL CHECK (amount_micros > 0 AND amount_micros % 10000 = 0),
    state           TEXT    NOT NULL DEFAULT 'pending'
                    CHECK (state IN ('pending', 'paid', 'expired', 'refused')),
    -- Who takes the payment, its id of the page to pay on, and where that is.
    provider        TEXT    NOT NULL CHECK (provider IN ('stripe')),
    session_id      TEXT    UNIQUE,
    url             TEXT    CHECK ((url IS NULL) = (session_id IS NULL)),
    -- Its id of the payment that paid; no payment pays twice.
    payment_id      TEXT    UNIQUE CHECK ((payment_id IS NULL) = (state <> 'paid')),
    idempotency_key TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    paid_at         INTEGER CHECK ((paid_at IS NULL) = (state <> 'paid')),
    UNIQUE (account_id, idempotency_key)
) STRICT;

CREATE INDEX top_ups_by_account ON top_ups (account_id, id);

CREATE INDEX top_ups_waiting ON top_ups (account_id, created_at) WHERE state = 'pending';

-- Payments that have come in and that nothing was credited for: the operator gives them back, or
-- credits them by hand. Kept as the provider named them, for the top-up may not exist.
CREATE TABLE refused_payments (
    payment_id TEXT    NOT NULL,
    top_up_id  TEXT    NOT NULL,
    reason     TEXT    NOT NULL CHECK (reason IN (
                   'unknown-top-up', 'other-amount', 'other-currency', 'paid-twice', 'no-owner')),
    -- In the smallest unit of the currency.
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    currency   TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, top_up_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX refused_payments_by_time ON refused_payments (created_at, payment_id);

-- Command: a payment has come in, and the wallet is credited; once, and exactly what was meant. No
-- key of an operator's credit has a space, so that none is taken for a top-up's.
CREATE VIEW pay_top_up AS
    SELECT id AS top_up_id, payment_id, amount_micros, paid_at FROM top_ups WHERE state = 'paid';

CREATE TRIGGER pay_top_up_does INSTEAD OF INSERT ON pay_top_up BEGIN
    UPDATE top_ups
       SET state = 'paid', payment_id = NEW.payment_id, paid_at = NEW.paid_at
     WHERE id = NEW.top_up_id AND state <> 'paid' AND amount_micros = NEW.amount_micros
       AND EXISTS (SELECT 1 FROM accounts
                    WHERE accounts.id = top_ups.account_id AND deleted_at IS NULL);
    SELECT RAISE(ABORT, 'stale top-up') WHERE changes() = 0;
    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    VALUES ('credit', 'top-up ' || NEW.top_up_id, 'Top-up by card', NEW.paid_at);
    INSERT INTO post_entry (transaction_kind, reference, kind, owner_id, amount_micros)
    SELECT 'credit', 'top-up ' || id, 'funding', '', -amount_micros
      FROM top_ups WHERE id = NEW.top_up_id
     UNION ALL
    SELECT 'credit', 'top-up ' || id, 'wallet', account_id, amount_micros
      FROM top_ups WHERE id = NEW.top_up_id;
    INSERT INTO events (kind, renter_id, created_at)
    SELECT 'wallet-credited', account_id, NEW.paid_at FROM top_ups WHERE id = NEW.top_up_id;
END;

-- Command: a payment has come in that is not what was meant. It is written down once, for the
-- operator and in the audit log, and its top-up waits no longer.
CREATE VIEW refuse_payment AS
    SELECT payment_id, top_up_id, reason, amount, currency, created_at FROM refused_payments;

CREATE TRIGGER refuse_payment_does INSTEAD OF INSERT ON refuse_payment BEGIN
    INSERT INTO refused_payments (payment_id, top_up_id, reason, amount, currency, created_at)
    VALUES (NEW.payment_id, NEW.top_up_id, NEW.reason, NEW.amount, NEW.currency, NEW.created_at);
    UPDATE top_ups SET state = 'refused'
     WHERE id = NEW.top_up_id AND state IN ('pending', 'expired');
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    VALUES ('payment-refused', 'market',
            (SELECT account_id FROM top_ups WHERE id = NEW.top_up_id), NEW.top_up_id,
            NEW.created_at);
END;
