-- What keeps an account's money its owner's.

-- Since when `payout_address` is what it is; NULL where it was set before this was noted. Payouts
-- wait for a while after that.
ALTER TABLE accounts ADD COLUMN payout_changed_at INTEGER;

-- Which looks at a rental's access are in the audit log: one of each hour is enough.
CREATE INDEX audit_by_view ON audit (account_id, subject, id) WHERE action = 'access-viewed';
