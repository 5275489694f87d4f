-- Command: farmers are notified that tokens which agents have used expire after `from_at` and not
-- after `until_at`, which is `days` after `notified_at`: once for each token and number of days,
-- and not of one that was made for fewer days. At most `tokens_max` at once.
CREATE VIEW notify_expiring_tokens AS
    SELECT 14 AS days, created_at AS from_at, expires_at AS until_at, used_at AS notified_at,
           100 AS tokens_max
      FROM tokens;

CREATE TRIGGER notify_expiring_tokens_does INSTEAD OF INSERT ON notify_expiring_tokens BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT 'agent-token-expiring', t.account_id,
           printf('%s (%s…): %d days', t.name, t.hint, NEW.days), NEW.notified_at
      FROM tokens t
     WHERE t.expires_at > NEW.from_at AND t.expires_at <= NEW.until_at
       AND ' ' || t.scopes || ' ' LIKE '% agent %' AND t.used_at IS NOT NULL
       AND t.created_at < t.expires_at - (NEW.until_at - NEW.notified_at)
       -- The latest events first: one of the last days.
       AND NOT EXISTS (SELECT 1 FROM events e
                        WHERE e.farmer_id = t.account_id AND e.kind = 'agent-token-expiring'
                          AND e.created_at >= t.created_at
                          AND e.subject = printf('%s (%s…): %d days', t.name, t.hint, NEW.days)
                        ORDER BY e.id DESC LIMIT 1)
     ORDER BY t.expires_at LIMIT NEW.tokens_max;
END;
