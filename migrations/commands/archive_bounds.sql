-- How far each chain is archived: its last row that is in a file, 0 before the first archive; and
-- the moments before which everything archived is, of all chains and of the ledger.
CREATE VIEW archive_bounds AS
    SELECT coalesce(max(until_id) FILTER (WHERE chain = 'audit'), 0) AS audit_id,
           coalesce(max(until_id) FILTER (WHERE chain = 'events'), 0) AS event_id,
           coalesce(max(until_id) FILTER (WHERE chain = 'ledger'), 0) AS transaction_id,
           coalesce(max(closed_at), 0) AS closed_at,
           coalesce(max(closed_at) FILTER (WHERE chain = 'ledger'), 0) AS ledger_closed_at
      FROM archives;
