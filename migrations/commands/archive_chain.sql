-- Command: a file holds the rows of a chain that follow `after_id`, from `first_id` to `until_id`,
-- and from now on they may be removed. It aborts unless the file before ended at `after_id`, the
-- last row has the seal that was computed for the file, and events have become notifications.
CREATE VIEW archive_chain AS
    SELECT chain, 0 AS after_id, first_id, until_id, closed_at, row_count, seal, file, file_hash,
           archived_at
      FROM archives;

CREATE TRIGGER archive_chain_does INSTEAD OF INSERT ON archive_chain BEGIN
    SELECT RAISE(ABORT, 'refused: archive_out_of_order')
     WHERE NEW.first_id <= NEW.after_id
        OR NEW.after_id <> (SELECT coalesce(max(until_id), 0) FROM archives
                             WHERE chain = NEW.chain)
        OR NEW.closed_at <= (SELECT coalesce(max(closed_at), 0) FROM archives
                              WHERE chain = NEW.chain);
    SELECT RAISE(ABORT, 'refused: archive_not_sealed')
     WHERE NOT CASE NEW.chain
               WHEN 'audit' THEN
                    EXISTS (SELECT 1 FROM audit_seals
                             WHERE audit_id = NEW.until_id AND hash = NEW.seal)
               WHEN 'ledger' THEN
                    EXISTS (SELECT 1 FROM ledger_seals
                             WHERE transaction_id = NEW.until_id AND hash = NEW.seal)
               ELSE EXISTS (SELECT 1 FROM notification_cursor WHERE event_id >= NEW.until_id)
               END;
    INSERT INTO archives
           (chain, first_id, until_id, closed_at, row_count, seal, file, file_hash, archived_at)
    VALUES (NEW.chain, NEW.first_id, NEW.until_id, NEW.closed_at, NEW.row_count, NEW.seal,
            NEW.file, NEW.file_hash, NEW.archived_at);
END;
