-- How far each chain is archived: its last row that is in a file, 0 before the first archive; and
-- the moments before which everything archived is, of all chains and of the ledger.
CREATE VIEW archive_bounds AS
    SELECT coalesce((SELECT until_id FROM archives WHERE chain = 'audit'
                      ORDER BY until_id DESC LIMIT 1), 0) AS audit_id,
           coalesce((SELECT until_id FROM archives WHERE chain = 'events'
                      ORDER BY until_id DESC LIMIT 1), 0) AS event_id,
           coalesce((SELECT until_id FROM archives WHERE chain = 'ledger'
                      ORDER BY until_id DESC LIMIT 1), 0) AS transaction_id,
           coalesce((SELECT closed_at FROM archives WHERE chain = 'ledger'
                      ORDER BY until_id DESC LIMIT 1), 0) AS ledger_closed_at,
           max(coalesce((SELECT closed_at FROM archives WHERE chain = 'audit'
                          ORDER BY until_id DESC LIMIT 1), 0),
               coalesce((SELECT closed_at FROM archives WHERE chain = 'events'
                          ORDER BY until_id DESC LIMIT 1), 0),
               coalesce((SELECT closed_at FROM archives WHERE chain = 'ledger'
                          ORDER BY until_id DESC LIMIT 1), 0)) AS closed_at;
