-- What nobody may lose by somebody else's mistake.

-- Since when the grid does not list a verified farm; NULL where it does.
ALTER TABLE farms ADD COLUMN missing_since INTEGER;

-- Farms that an account had verified, and that the grid said were another's or were gone. Where it
-- takes that back within 30 days, the account has them again.
CREATE TABLE lost_farms (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL,
    twin_id      INTEGER NOT NULL,
    twin_account TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL REFERENCES accounts (id),
    verified_by  TEXT    NOT NULL,
    lost_at      INTEGER NOT NULL,
    -- When the grid was last asked whether it still says so.
    checked_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX lost_farms_by_check ON lost_farms (checked_at);

CREATE INDEX lost_farms_by_age ON lost_farms (lost_at);

CREATE INDEX lost_farms_by_owner ON lost_farms (owner_id);

-- Since when `payout_address` is what it is; NULL where it was set before this was noted. Payouts
-- wait for a while after that.
ALTER TABLE accounts ADD COLUMN payout_changed_at INTEGER;

-- Which looks at a rental's access are in the audit log: one of each hour is enough.
CREATE INDEX audit_by_view ON audit (account_id, subject, id) WHERE action = 'access-viewed';
