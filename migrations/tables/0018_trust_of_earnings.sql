-- What is earned with farms that nobody has verified, and what leaving the market costs.

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
