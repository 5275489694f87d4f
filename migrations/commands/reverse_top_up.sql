-- Command: what was taken back of a top-up's payment is taken from the wallet, or given back to it:
-- `booking` moves the difference, and `reversed_micros` is all that is gone then. Its owner is
-- notified. It aborts unless the top-up is paid and at the number of `reversals` that the decision
-- saw.
CREATE VIEW reverse_top_up AS
    SELECT top_up_id AS id, bookings AS reversals, micros AS reversed_micros, '' AS booking,
           0 AS reversed_at
      FROM top_up_reversals;

CREATE TRIGGER reverse_top_up_does INSTEAD OF INSERT ON reverse_top_up BEGIN
    SELECT RAISE(ABORT, 'refused: top_up_changed')
     WHERE NOT EXISTS (SELECT 1
                         FROM top_ups u LEFT JOIN top_up_reversals r ON r.top_up_id = u.id
                        WHERE u.id = NEW.id AND u.state = 'paid'
                          AND NEW.reversed_micros <= u.amount_micros
                          AND coalesce(r.bookings, 0) = NEW.reversals);
    -- Before what is gone is changed: the event has the difference.
    INSERT INTO events (kind, renter_id, subject, created_at)
    SELECT iif(d.micros > 0, 'card-payment-reversed', 'card-payment-returned'), d.account_id,
           printf('$%d.%02d', abs(d.micros) / 1000000, abs(d.micros) / 10000 % 100),
           NEW.reversed_at
      FROM (SELECT u.account_id, NEW.reversed_micros - coalesce(r.micros, 0) AS micros
              FROM top_ups u LEFT JOIN top_up_reversals r ON r.top_up_id = u.id
             WHERE u.id = NEW.id) d;
    INSERT INTO top_up_reversals (top_up_id, bookings, micros)
    VALUES (NEW.id, NEW.reversals + 1, NEW.reversed_micros)
        ON CONFLICT (top_up_id) DO UPDATE
       SET bookings = excluded.bookings, micros = excluded.micros;
    INSERT INTO post_booking (rental_id, booking, created_at)
    VALUES (NULL, NEW.booking, NEW.reversed_at);
    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT 'payment-reversed', 'market', account_id, id, NEW.reversed_at
      FROM top_ups WHERE id = NEW.id;
END;
