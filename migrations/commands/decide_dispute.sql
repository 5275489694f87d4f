-- Command: the operator decides a dispute: the renter gets `credit_micros` of the month, all in
-- all, and `booking` moves what that differs by, NULL for nothing. It aborts unless the dispute is
-- open and the renter has `seen_micros` of the month.
CREATE VIEW decide_dispute AS
    SELECT id, credit_micros AS seen_micros, credit_micros, answer, '' AS booking, decided_at
      FROM sla_disputes;

CREATE TRIGGER decide_dispute_does INSTEAD OF INSERT ON decide_dispute BEGIN
    UPDATE sla_disputes
       SET decided_at = NEW.decided_at, answer = NEW.answer, credit_micros = NEW.credit_micros
     WHERE id = NEW.id AND decided_at IS NULL;
    SELECT RAISE(ABORT, 'refused: dispute_decided') WHERE changes() = 0;
    UPDATE sla_months SET paid_micros = NEW.credit_micros, owed_at = NULL
     WHERE (rental_id, month, tenure) IN (SELECT rental_id, month, tenure FROM sla_disputes
                                         WHERE id = NEW.id)
       AND paid_micros = NEW.seen_micros;
    SELECT RAISE(ABORT, 'refused: credit_changed') WHERE changes() = 0;
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT rental_id, NEW.booking, NEW.decided_at FROM sla_disputes
     WHERE id = NEW.id AND NEW.booking IS NOT NULL;
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-dispute-decided', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           printf('%s: $%d.%02d', m.month, NEW.credit_micros / 1000000,
                  NEW.credit_micros / 10000 % 100),
           NEW.decided_at
      FROM sla_disputes d
      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month AND m.tenure = d.tenure
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE d.id = NEW.id;
END;
