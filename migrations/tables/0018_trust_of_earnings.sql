-- What is earned with farms that nobody has verified, what leaving the market costs, and refunds of
-- card payments by themselves, which may fail.

-- What an account has earned with farms that it has not verified and that have not been used for a
-- month either. It is not paid out.
CREATE TABLE unproven_earnings (
    owner_id   TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    -- Until when the payments by card that it comes from may be taken back; 0 where they may not.
    settles_at INTEGER NOT NULL,
    micros     INTEGER NOT NULL CONSTRAINT unproven_earnings_positive CHECK (micros > 0),
    PRIMARY KEY (owner_id, farm_id, settles_at)
) STRICT, WITHOUT ROWID;

-- On how many days somebody has used a farm's machines and kept them: 30 are a month.
CREATE TABLE farm_uses (
    owner_id   TEXT    NOT NULL REFERENCES accounts (id),
    farm_id    INTEGER NOT NULL,
    days       INTEGER NOT NULL CONSTRAINT farm_use_days_in_range CHECK (days BETWEEN 1 AND 30),
    -- The day of UTC that was counted last, such as `2026-11-22`.
    counted_on TEXT    NOT NULL,
    PRIMARY KEY (owner_id, farm_id)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_kinds (kind) VALUES ('leaving-compensation');

-- What renters lose in term discounts because a node leaves the market before what they have paid
-- for is over. The node's farmer pays it out of the earnings.
CREATE TABLE leaving_compensations (
    rental_id  TEXT    PRIMARY KEY REFERENCES rentals (id),
    renter_id  TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id  TEXT    NOT NULL REFERENCES accounts (id),
    micros     INTEGER NOT NULL CONSTRAINT leaving_compensation_positive CHECK (micros > 0),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at    INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX leaving_compensations_owed ON leaving_compensations (owed_at)
 WHERE owed_at IS NOT NULL;

CREATE INDEX leaving_compensations_owed_by_farmer ON leaving_compensations (farmer_id)
 WHERE owed_at IS NOT NULL;

-- What a provider says was taken back of payments: of each by refunds in all, by each refund, and
-- by each dispute.
CREATE TABLE card_reversals_before AS SELECT * FROM card_reversals;

DROP TABLE card_reversals;

CREATE TABLE card_reversals (
    payment_id  TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    kind        TEXT    NOT NULL CONSTRAINT card_reversal_kind_is_known
                CHECK (kind IN ('refund', 'single-refund', 'dispute')),
    -- How far it is: what is told with a lower one is of earlier.
    stage       INTEGER NOT NULL,
    -- What is gone by it, or came back of a refund that failed; and of how much where that is told,
    -- in the smallest unit of the currency.
    amount      INTEGER NOT NULL
                CONSTRAINT card_reversal_amount_not_negative CHECK (amount >= 0),
    of_amount   INTEGER,
    currency    TEXT    NOT NULL,
    -- As the provider calls it.
    status      TEXT    NOT NULL,
    reported_at INTEGER NOT NULL,
    PRIMARY KEY (payment_id, id)
) STRICT, WITHOUT ROWID;

INSERT INTO card_reversals
SELECT payment_id, id, kind, stage, amount, of_amount, currency, status, reported_at
  FROM card_reversals_before;

DROP TABLE card_reversals_before;

CREATE INDEX card_reversals_by_time ON card_reversals (reported_at, payment_id);
