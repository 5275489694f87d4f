-- Command: recovery codes in place of those that were there; `hashes` is one behind another.
CREATE VIEW new_recovery_codes AS SELECT account_id, hash AS hashes FROM recovery_codes;

CREATE TRIGGER new_recovery_codes_does INSTEAD OF INSERT ON new_recovery_codes BEGIN
    DELETE FROM recovery_codes WHERE account_id = NEW.account_id;
    INSERT INTO recovery_codes (account_id, hash)
    SELECT NEW.account_id, substr(NEW.hashes, 32 * place.column1 + 1, 32)
      FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) place
     WHERE 32 * place.column1 < length(NEW.hashes);
END;
