-- What keeps an account's money its owner's.

-- Since when `payout_address` is what it is; NULL where it was set before this was noted. Payouts
-- wait for a while after that.
ALTER TABLE accounts ADD COLUMN payout_changed_at INTEGER;
