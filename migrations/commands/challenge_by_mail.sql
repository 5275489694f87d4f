-- Command: a challenge whose secret goes out by mail; both, or neither. A new one of its kind ends
-- the account's older ones.
CREATE VIEW challenge_by_mail AS
    SELECT c.hash, c.kind, c.account_id, c.payload, c.created_at, c.expires_at,
           m.id AS mail_id, m.kind AS mail_kind, m.sealed
      FROM challenges c
      JOIN mails m ON m.account_id = c.account_id;

CREATE TRIGGER challenge_by_mail_does INSTEAD OF INSERT ON challenge_by_mail BEGIN
    DELETE FROM challenges WHERE kind = NEW.kind AND account_id = NEW.account_id;
    INSERT INTO challenges (hash, kind, account_id, payload, created_at, expires_at)
    VALUES (NEW.hash, NEW.kind, NEW.account_id, NEW.payload, NEW.created_at, NEW.expires_at);
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    VALUES (NEW.mail_id, NEW.account_id, NEW.mail_kind, NEW.sealed, NEW.created_at,
            NEW.created_at);
END;
