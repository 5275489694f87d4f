-- Command: registers a public key of an account, which may have at most `keys_max`, each once. The
-- first key goes to the machines that wait for one: they are late at `late_at`, and all is refunded
-- at `refund_at`.
CREATE VIEW add_ssh_key AS
    SELECT k.id, k.account_id, k.name, k.key, k.fingerprint, 0 AS keys_max, j.late_at, j.refund_at,
           k.created_at
      FROM ssh_keys k, jobs j;

CREATE TRIGGER add_ssh_key_does INSTEAD OF INSERT ON add_ssh_key BEGIN
    SELECT RAISE(ABORT, 'refused: ssh_key_exists')
     WHERE EXISTS (SELECT 1 FROM ssh_keys
                    WHERE account_id = NEW.account_id AND fingerprint = NEW.fingerprint);
    SELECT RAISE(ABORT, 'refused: ssh_key_limit_reached')
     WHERE (SELECT count(*) FROM ssh_keys WHERE account_id = NEW.account_id) >= NEW.keys_max;
    INSERT INTO ssh_keys (id, account_id, name, key, fingerprint, created_at)
    VALUES (NEW.id, NEW.account_id, NEW.name, NEW.key, NEW.fingerprint, NEW.created_at);
    UPDATE setups SET ssh_keys = json_array(NEW.key)
     WHERE ssh_keys = '[]' AND rental_id IN (
           SELECT r.id FROM rentals r JOIN jobs j ON j.rental_id = r.id
            WHERE r.renter_id = NEW.account_id AND r.state = 'active' AND j.state = 'needs-key');
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.created_at, late_at = NEW.late_at,
           refund_at = NEW.refund_at, changed_at = NEW.created_at
     WHERE state = 'needs-key' AND rental_id IN (
           SELECT id FROM rentals WHERE renter_id = NEW.account_id AND state = 'active');
END;
