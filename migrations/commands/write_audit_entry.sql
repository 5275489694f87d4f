-- Command, used by the other commands: writes an entry of the audit log, a JSON object with its
-- columns.
CREATE VIEW write_audit_entry AS SELECT '' AS entry, created_at FROM audit;

CREATE TRIGGER write_audit_entry_does INSTEAD OF INSERT ON write_audit_entry BEGIN
    INSERT INTO audit
           (action, actor, actor_id, account_id, subject, address, request_id, created_at)
    VALUES (NEW.entry ->> 'action', NEW.entry ->> 'actor', NEW.entry ->> 'actor_id',
            NEW.entry ->> 'account_id', NEW.entry ->> 'subject', NEW.entry ->> 'address',
            NEW.entry ->> 'request_id', NEW.created_at);
END;
