-- What holds on `ssh_keys`, and what follows from a change of it.

-- The first key of an account goes to the machines that wait for one; their clocks begin.
CREATE TRIGGER ssh_keys_are_waited_for AFTER INSERT ON ssh_keys BEGIN
    UPDATE setups SET ssh_key = NEW.key
     WHERE ssh_key IS NULL AND rental_id IN (
           SELECT r.id FROM rentals r JOIN jobs j ON j.rental_id = r.id
            WHERE r.renter_id = NEW.account_id AND r.state = 'active' AND j.state = 'needs-key');
    UPDATE jobs
       SET state = 'waiting', due_at = NEW.created_at, late_at = NEW.created_at + 300,
           refund_at = NEW.created_at + 85800, changed_at = NEW.created_at
     WHERE state = 'needs-key' AND rental_id IN (
           SELECT id FROM rentals WHERE renter_id = NEW.account_id AND state = 'active');
END;
