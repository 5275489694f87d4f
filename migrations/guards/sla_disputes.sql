-- What holds on `sla_disputes`, and what follows from a change of it.

CREATE TRIGGER disputes_never_deleted BEFORE DELETE ON sla_disputes BEGIN
    SELECT RAISE(ABORT, 'refused: disputes_never_deleted');
END;

CREATE TRIGGER dispute_decided_once BEFORE UPDATE ON sla_disputes
  WHEN OLD.decided_at IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'refused: dispute_decided');
END;

-- Both sides are notified.
CREATE TRIGGER new_dispute_emits_event AFTER INSERT ON sla_disputes BEGIN
    INSERT INTO events
           (kind, renter_id, farmer_id, node_id, slice_number, rental_id, subject, created_at)
    SELECT 'sla-disputed', m.renter_id, m.farmer_id, m.node_id, s.slice_number, m.rental_id,
           m.month, NEW.created_at
      FROM sla_months m
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure
     WHERE m.rental_id = NEW.rental_id AND m.month = NEW.month AND m.tenure = NEW.tenure;
END;
